"""Changed street photos: `gallery_*.json` lists garments of the unchanged photos, `queries_*.json` the changed ones.

    gallery: {"items": [{"id", "file", "bbox": [x, y, w, h], "category_id", "colour"?}, ...]}
    queries: [{"id", "file", "ops": ["blur", ...], "objects": [{"bbox", "category_id", "relevant": [id, ...]}]}, ...]

Query files are relative to the folder, gallery files to its `gallery/`, or to `../ccp/images`. Every object of a photo
is one query; its kind is the first change made to the photo.
"""

from __future__ import annotations

from pathlib import Path

from search.errors import BenchmarkError
from search.evaluation.benchmark import SAME, Benchmark, BenchmarkQuery, CatalogItem
from search.evaluation.layouts.fields import Place, read_json

_GALLERY, _QUERIES = "gallery_", "queries_"
_GALLERY_FOLDERS = ("gallery", "../ccp/images")


def find_ccp_robust(path: Path) -> Path | None:
    """The gallery file a path means, itself, its queries file or their folder; None where it is of another layout.

    Raises:
        BenchmarkError: A folder holds several.
    """
    if path.is_file():
        gallery = path.with_name(path.name.replace(_QUERIES, _GALLERY, 1))
        pair = path.name.startswith((_GALLERY, _QUERIES)) and gallery.is_file() and _queries_of(gallery).is_file()
        return gallery if pair else None
    found = sorted(file for file in path.glob(f"{_GALLERY}*.json") if _queries_of(file).is_file())
    if len(found) > 1:
        raise BenchmarkError(f"{path} holds several benchmarks: name one, such as {found[0]}.")
    return found[0] if found else None


def read_ccp_robust(gallery: Path) -> Benchmark:
    """Read a gallery and its queries.

    Raises:
        BenchmarkError: As `read_selvedge`.
    """
    folder, queries = gallery.parent, _queries_of(gallery)
    images = next((folder / name for name in _GALLERY_FOLDERS if (folder / name).is_dir()), folder)
    photos = Place(read_json(queries), queries.name).items()
    return Benchmark(
        name=f"{folder.name}-{gallery.stem.removeprefix(_GALLERY)}",
        catalog=tuple(
            _read_item(each, images.resolve())
            for each in Place(read_json(gallery), gallery.name).field("items").items()
        ),
        queries=tuple(query for photo in photos for query in _read_photo(photo, folder)),
    )


def _queries_of(gallery: Path) -> Path:
    return gallery.with_name(gallery.name.replace(_GALLERY, _QUERIES, 1))


def _read_item(entry: Place, folder: Path) -> CatalogItem:
    color = entry.optional("colour")
    return CatalogItem(
        id=entry.field("id").text(),
        file=entry.field("file").file(folder),
        category_id=entry.field("category_id").category_id(),
        color="" if color is None else color.text(),
        box_xyxy_px=entry.field("bbox").box_of_xywh(),
    )


def _read_photo(entry: Place, folder: Path) -> list[BenchmarkQuery]:
    photo_id, file = entry.field("id").text(), entry.field("file").file(folder)
    changes = [change.text() for change in entry.field("ops").items()]
    kind = changes[0].partition(":")[0] if changes else "unchanged"
    return [
        BenchmarkQuery(
            id=f"{photo_id}_{number}",
            file=file,
            kind=kind,
            relevant={relevant.text(): SAME for relevant in each.field("relevant").items()},
            box_xyxy_px=each.field("bbox").box_of_xywh(),
            category_id=each.field("category_id").category_id(),
        )
        for number, each in enumerate(entry.field("objects").items())
    ]
