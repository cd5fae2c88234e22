"""LookBench: a subset's folder with `query.parquet` and `gallery.parquet`.

Columns: `image` (the file's bytes, bare or as {"bytes", "path"}, or a path below the folder), `category`,
`main_attribute`, `other_attributes`, and where they are there `bbox` ([x1, y1, x2, y2] in pixels), `item_ID`, `label`.
Right is what the benchmark calls a fine match: the same category and the same attributes; where there is a `label`, the
same label. Source: https://github.com/SerendipityOneInc/look-bench, README "Fine-Grained Evaluation",
look_bench/data/base.py; https://huggingface.co/datasets/srpone/look-bench.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from search.errors import BenchmarkError
from search.evaluation.benchmark import SAME, Benchmark, BenchmarkQuery, CatalogItem
from search.evaluation.layouts.fields import Place
from segmentation.types import BoxXyxyPx

_QUERY, _GALLERY = "query.parquet", "gallery.parquet"
_ROWS_A_BATCH = 256


def find_lookbench(path: Path) -> Path | None:
    """The subset's folder a path means; None where it is of another layout."""
    return path if (path / _QUERY).is_file() and (path / _GALLERY).is_file() else None


def read_lookbench(folder: Path, *, pictures: Path) -> Benchmark:
    """Read a subset.

    Args:
        folder: With the two files.
        pictures: Where pictures that lie inside the files are written to.

    Raises:
        BenchmarkError: pyarrow is missing, a file cannot be read, or a column is not as documented.
    """
    same: defaultdict[object, dict[str, int]] = defaultdict(dict)
    catalog = []
    for row in _rows(folder / _GALLERY):
        item_id = row.where
        same[_truth(row)][item_id] = SAME
        file, box = _picture(row, folder, pictures), _box(row)
        catalog.append(CatalogItem(item_id, file, product_type=row.field("category").text(), box_xyxy_px=box))
    queries = [
        BenchmarkQuery(
            row.where, _picture(row, folder, pictures), folder.name, dict(same.get(_truth(row), {})), _box(row)
        )
        for row in _rows(folder / _QUERY)
    ]
    answerable = tuple(query for query in queries if query.relevant)
    return Benchmark(f"lookbench-{folder.name}", tuple(catalog), answerable)


def _rows(file: Path) -> Iterator[Place]:
    # Imported here: only who has this data needs a Parquet reader.
    try:
        import pyarrow as arrow
        import pyarrow.parquet as parquet
    except ImportError as error:
        raise BenchmarkError(
            "LookBench comes as Parquet files: pip install pyarrow (pinned in pyproject.toml)"
        ) from error
    number = 0
    try:
        for batch in parquet.ParquetFile(file).iter_batches(batch_size=_ROWS_A_BATCH):
            for row in batch.to_pylist():
                yield Place(row, f"{file.name}[{number}]")
                number += 1
    except (OSError, arrow.ArrowException) as error:
        raise BenchmarkError(f"{file} cannot be read: {error}.") from error


def _truth(row: Place) -> object:
    if row.value.get("label") is not None:
        return row.value["label"]
    others = row.value.get("other_attributes")
    others = sorted(map(str, others)) if isinstance(others, list) else [str(others)]
    return (row.field("category").text(), str(row.value.get("main_attribute")), tuple(others))


def _box(row: Place) -> BoxXyxyPx | None:
    box = row.optional("bbox")
    return None if box is None or box.value == [] else box.box_of_corners()


def _picture(row: Place, folder: Path, pictures: Path) -> Path:
    image: Any = row.field("image").value
    data = image.get("bytes") if isinstance(image, Mapping) else image
    if isinstance(data, str) or (data is None and isinstance(image, Mapping) and image.get("path")):
        return folder / (data if isinstance(data, str) else image["path"])
    if not isinstance(data, bytes) or not data:
        raise BenchmarkError(f"{row.where}.image must hold the bytes of a picture, or its path.")
    pictures.mkdir(parents=True, exist_ok=True)
    file = pictures / hashlib.sha256(data).hexdigest()
    if not file.exists():
        file.write_bytes(data)
    return file
