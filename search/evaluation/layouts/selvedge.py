"""This project's benchmark file, also written by `draw_catalog`: one JSON with `catalog` and `queries`.

    {"name": "...",
     "catalog": [{"id", "file", "item_group"?, "category_id"?, "color"?}, ...],
     "queries": [{"id", "file", "kind", "relevant": {catalog id: 1 or 2}, "box_xywh"?, "category_id"?}, ...]}

Files are relative to the JSON's folder. Fields with a question mark may be missing or null, others are not looked at.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from search.evaluation.benchmark import OTHER_COLOR, SAME, Benchmark, BenchmarkQuery, CatalogItem
from search.evaluation.layouts.fields import Place, read_json

FILE_NAME = "benchmark.json"


def find_selvedge(path: Path) -> Path | None:
    """The benchmark file a path means: itself, or the one in a folder; None where it is of another layout."""
    if path.is_file():
        return path if path.suffix.lower() == ".json" else None
    return path / FILE_NAME if (path / FILE_NAME).is_file() else None


def read_selvedge(file: Path) -> Benchmark:
    """Read a benchmark file.

    Raises:
        BenchmarkError: It cannot be read, or a value is not as documented; the message names its place.
    """
    top = Place(read_json(file), file.name)
    name = top.optional("name")
    return Benchmark(
        name=file.stem if name is None else name.text(),
        catalog=tuple(_read_item(each, file.parent) for each in top.field("catalog").items()),
        queries=tuple(_read_query(each, file.parent) for each in top.field("queries").items()),
    )


def _read_item(entry: Place, folder: Path) -> CatalogItem:
    group, category, color = entry.optional("item_group"), entry.optional("category_id"), entry.optional("color")
    return CatalogItem(
        id=entry.field("id").text(),
        file=entry.field("file").file(folder),
        item_group="" if group is None else group.text(),
        category_id=None if category is None else category.category_id(),
        color="" if color is None else color.text(),
    )


def _read_query(entry: Place, folder: Path) -> BenchmarkQuery:
    box, category = entry.optional("box_xywh"), entry.optional("category_id")
    return BenchmarkQuery(
        id=entry.field("id").text(),
        file=entry.field("file").file(folder),
        kind=entry.field("kind").text(),
        relevant=_read_grades(entry.field("relevant")),
        box_xyxy_px=None if box is None else box.box_of_xywh(),
        category_id=None if category is None else category.category_id(),
    )


def _read_grades(entry: Place) -> dict[str, int]:
    if not isinstance(entry.value, Mapping):
        raise entry.error("must be an object of catalog ids and grades")
    for grade in entry.value.values():
        if isinstance(grade, bool) or grade not in (OTHER_COLOR, SAME):
            raise entry.error(f"must have grades {OTHER_COLOR} (another color) or {SAME} (the same)")
    return dict(entry.value)
