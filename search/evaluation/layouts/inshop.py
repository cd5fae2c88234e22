"""DeepFashion In-Shop Clothes Retrieval: `Eval/list_eval_partition.txt` beside `Img/` (or the unpacked `img/`).

    Eval/list_eval_partition.txt   52712 / image_name item_id evaluation_status / img/WOMEN/Dresses/id_00000002/02_1_front.jpg id_00000002 query
    Anno/list_bbox_inshop.txt      52712 / image_name clothes_type pose_type x_1 y_1 x_2 y_2 / ...   (where it is there)

Gallery images are the catalog, query images the queries; the same item id is the same product. The split "train" is left
out. Source: https://github.com/open-mmlab/mmfashion, docs/dataset/IN_SHOP_DATASET.md.
"""  # noqa: E501 the lines are the files' own

from __future__ import annotations

import math
from collections import defaultdict
from pathlib import Path

from search.errors import BenchmarkError
from search.evaluation.benchmark import SAME, Benchmark, BenchmarkQuery, CatalogItem
from segmentation.types import BoxXyxyPx

_PARTITIONS = ("Eval/list_eval_partition.txt", "list_eval_partition.txt")
_BOXES = ("Anno/list_bbox_inshop.txt", "list_bbox_inshop.txt")
_HEADER_LINES = 2


def find_inshop(path: Path) -> Path | None:
    """The data set's folder a path means; None where it is of another layout."""
    return path if _first_file(path, _PARTITIONS) is not None else None


def read_inshop(folder: Path) -> Benchmark:
    """Read the data set's test part.

    Raises:
        BenchmarkError: A row is not as documented; the message names file and line.
    """
    partition, boxes = _first_file(folder, _PARTITIONS), _read_boxes(folder)
    if partition is None:
        raise BenchmarkError(f"{folder}: there is no {_PARTITIONS[0]}.")
    images = folder / "Img" if (folder / "Img").is_dir() else folder
    gallery: list[CatalogItem] = []
    asked: list[tuple[str, str]] = []
    for number, (name, item_id, status) in _rows(partition, 3):
        if status == "gallery":
            gallery.append(CatalogItem(name, images / name, item_id, product_type=_product_type(name)))
        elif status == "query":
            asked.append((name, item_id))
        elif status != "train":
            raise BenchmarkError(f"{partition.name}, line {number}: the status is train, query or gallery: {status!r}.")
    same: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for item in gallery:
        same[item.item_group][item.id] = SAME
    queries = (
        BenchmarkQuery(name, images / name, "inshop", dict(same[item_id]), boxes.get(name)) for name, item_id in asked
    )
    return Benchmark("inshop", tuple(gallery), tuple(query for query in queries if query.relevant))


def _read_boxes(folder: Path) -> dict[str, BoxXyxyPx]:
    file = _first_file(folder, _BOXES)
    if file is None:
        return {}
    boxes: dict[str, BoxXyxyPx] = {}
    for number, (name, _, _, *edges) in _rows(file, 7):
        try:
            x_min, y_min, x_max, y_max = (float(edge) for edge in edges)
        except ValueError as error:
            raise BenchmarkError(f"{file.name}, line {number}: a box needs four numbers.") from error
        if not all(map(math.isfinite, (x_min, y_min, x_max, y_max))) or x_max <= x_min or y_max <= y_min:
            raise BenchmarkError(f"{file.name}, line {number}: a box needs x_1 < x_2 and y_1 < y_2.")
        boxes[name] = (x_min, y_min, x_max, y_max)
    return boxes


def _rows(file: Path, n_fields: int) -> list[tuple[int, list[str]]]:
    """The lines below the two header lines, cut at white space, with their numbers."""
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise BenchmarkError(f"{file} cannot be read: {error}.") from error
    rows = [(number, line.split()) for number, line in enumerate(lines, start=1) if line.strip()][_HEADER_LINES:]
    for number, fields in rows:
        if len(fields) != n_fields:
            raise BenchmarkError(f"{file.name}, line {number}: {n_fields} fields are expected, not {len(fields)}.")
    return rows


def _product_type(name: str) -> str:
    """`img/WOMEN/Blouses_Shirts/id_1/a.jpg` is filed under Blouses Shirts."""
    parts = name.split("/")
    return parts[-3].replace("_", " ") if len(parts) >= 3 else ""


def _first_file(folder: Path, names: tuple[str, ...]) -> Path | None:
    return next((folder / name for name in names if (folder / name).is_file()), None)
