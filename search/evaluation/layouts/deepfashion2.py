"""DeepFashion2, consumer to shop: a split's folder with `image/` and `annos/`, one JSON a photo.

    annos/000001.json: {"source": "user" or "shop", "pair_id": 1,
                        "item1": {"category_id": 1..13, "style": 0.., "bounding_box": [x1, y1, x2, y2], ...}, ...}

Garments of shop photos are the catalog, garments of users' photos the queries; two are the same product where pair id
and style agree and the style is above 0. Garments of style 0 have no partner: the shop's are distractors, the users'
are not asked. Source: https://github.com/switchablenorms/DeepFashion2, "Data Organization".
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

from search.errors import BenchmarkError
from search.evaluation.benchmark import SAME, Benchmark, BenchmarkQuery, CatalogItem
from search.evaluation.layouts.fields import Place, read_json
from segmentation.types import BoxXyxyPx

_CATEGORIES = {1: 1, 2: 1, 3: 4, 4: 4, 5: 1, 6: 1, 7: 7, 8: 6, 9: 8, 10: 10, 11: 10, 12: 10, 13: 10}
"""Short and long sleeve top, the same as outwear, vest, sling (all tops), shorts, trousers, skirt, four dresses."""

_Garment = tuple[str, Path, BoxXyxyPx, int, tuple[int, int] | None]
"""Id, photo, box, category, and (pair id, style) where the style is above 0."""


def find_deepfashion2(path: Path) -> Path | None:
    """The split's folder a path means; None where it is of another layout."""
    return path if (path / "annos").is_dir() and (path / "image").is_dir() else None


def read_deepfashion2(folder: Path) -> Benchmark:
    """Read a split.

    Raises:
        BenchmarkError: As `read_selvedge`; also where no garment of a user has a partner in a shop.
    """
    sides: dict[str, list[_Garment]] = {"shop": [], "user": []}
    for file in sorted((folder / "annos").glob("*.json")):
        top = Place(read_json(file), f"annos/{file.name}")
        source = top.field("source")
        if source.value not in sides:
            raise source.error("must be 'shop' or 'user'")
        sides[source.value] += _read_garments(top, folder / "image" / f"{file.stem}.jpg")
    partners: defaultdict[tuple[int, int], dict[str, int]] = defaultdict(dict)
    for garment_id, _, _, _, product in sides["shop"]:
        if product is not None:
            partners[product][garment_id] = SAME
    queries = tuple(
        BenchmarkQuery(garment_id, file, "user", dict(partners[product]), box, category_id)
        for garment_id, file, box, category_id, product in sides["user"]
        if product is not None and product in partners
    )
    if not queries:
        raise BenchmarkError(f"{folder}: no garment of a user's photo has a partner in a shop's photo.")
    return Benchmark(
        f"deepfashion2-{folder.name}",
        tuple(
            CatalogItem(garment_id, file, category_id=category_id, box_xyxy_px=box)
            for garment_id, file, box, category_id, _ in sides["shop"]
        ),
        queries,
    )


def _read_garments(top: Place, photo: Path) -> list[_Garment]:
    pair_id = _whole(top.field("pair_id"))
    garments = []
    for name in sorted(key for key in top.value if key.startswith("item") and key[4:].isdigit()):
        entry = top.field(name)
        style, category = _whole(entry.field("style")), _whole(entry.field("category_id"))
        if category not in _CATEGORIES:
            raise entry.field("category_id").error(f"must be a category of DeepFashion2, 1..{len(_CATEGORIES)}")
        box = entry.field("bounding_box").box_of_corners()
        product = (pair_id, style) if style > 0 else None
        garments.append((f"{photo.stem}_{name}", photo, box, _CATEGORIES[category], product))
    return garments


def _whole(entry: Place) -> int:
    if not isinstance(entry.value, int) or isinstance(entry.value, bool):
        raise entry.error("must be a whole number")
    return entry.value
