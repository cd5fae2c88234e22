"""A benchmark's catalog through the front door: written as a feed, imported, described, indexed."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable
from pathlib import Path

from PIL import Image

from catalog.models import Product, ProductImage
from catalog.services import import_feed
from search.descriptions import store_descriptions
from search.errors import BenchmarkError
from search.evaluation.benchmark import Benchmark, CatalogItem
from search.indexing import sync_index
from search.models import Space
from search.selectors import chunked, due_images
from search.spaces import serving_record
from segmentation.taxonomy import category_by_id
from segmentation.types import BoxXyxyPx, EncodedPhoto
from workers import client

RETAILER = "benchmark"
_BATCH = 8
_DESCRIBE_TIMEOUT_S = 600.0
_MARGIN = 0.1
"""Of a box's longer side, left around a garment that is cut out of a photo of several."""
_SIDES_PX = 1024
_JPEG_QUALITY = 95
_COLUMNS = ("id", "title", "link", "image_link", "availability", "price", "item_group_id", "color", "product_type")

Progress = Callable[[int, int], None]


def index_catalog(benchmark: Benchmark, folder: Path, *, on_progress: Progress) -> Space:
    """Make a benchmark's catalog searchable in the present (scratch) world.

    Args:
        benchmark: Whose catalog.
        folder: For the feed and its pictures.
        on_progress: Called with (pictures described, pictures in all).

    Returns:
        The space it was described in.

    Raises:
        BenchmarkError: The import refused an item; the message says why.
        VectorIndexError, WorkersError: As indexing any catalog.
    """
    feed = _write_feed(benchmark, folder)
    summary = import_feed(RETAILER, feed, images_dir=folder)
    if summary.errors:
        error = summary.errors[0]
        raise BenchmarkError(f"{benchmark.name}: catalog item {error.line - 1}, {error.column}: {error.reason}.")
    space = serving_record()
    n_images = ProductImage.objects.count()
    done = 0
    on_progress(0, n_images)
    for image_ids in chunked(list(due_images(space).values_list("pk", flat=True)), _BATCH):
        _describe(space, list(ProductImage.objects.filter(pk__in=image_ids).order_by("pk")))
        done += len(image_ids)
        on_progress(done, n_images)
    sync_index(space)
    return space


def item_ids() -> dict[int, str]:
    """The benchmark's id of every product, by primary key."""
    return dict(Product.objects.values_list("pk", "external_id"))


def _describe(space: Space, images: list[ProductImage]) -> None:
    photos = []
    for image in images:
        with image.file.open("rb") as file:
            photos.append(EncodedPhoto(file.read()))
    store_descriptions(
        space,
        [image.pk for image in images],
        [image.sha256 for image in images],
        client.describe_photos(photos, timeout_s=_DESCRIBE_TIMEOUT_S, space=space.name),
        segmenter_version=space.segmenter_version,
    )


def _write_feed(benchmark: Benchmark, folder: Path) -> Path:
    """A feed of the benchmark's items; its pictures are linked to, or cut out, beside it."""
    pictures = folder / "pictures"
    pictures.mkdir(parents=True)
    feed = folder / "feed.csv"
    with feed.open("w", encoding="utf-8", newline="") as file:
        rows = csv.DictWriter(file, _COLUMNS)
        rows.writeheader()
        for number, item in enumerate(benchmark.catalog):
            rows.writerow(_row(item, _picture(item, pictures, number)))
    return feed


def _row(item: CatalogItem, picture: Path) -> dict[str, str]:
    kind = item.product_type if item.category_id is None else category_by_id(item.category_id).name
    return {
        "id": item.id,
        # The title names the product and nothing else: what a shop says beyond its category is not in the benchmark.
        "title": kind or "Item",
        "link": "https://benchmark.example/item",
        "image_link": f"{picture.parent.name}/{picture.name}",
        "availability": "in_stock",
        "price": "1.00 USD",
        "item_group_id": item.item_group,
        "color": item.color,
        "product_type": kind,
    }


def _picture(item: CatalogItem, pictures: Path, number: int) -> Path:
    if item.box_xyxy_px is None:
        # Copied, not linked: the import follows no link out of the feed's folder.
        copy = pictures / f"{number}{re.sub(r'[^.a-zA-Z0-9]', '', item.file.suffix)}"
        copy.write_bytes(item.file.read_bytes())
        return copy
    return _cut_out(item.file, item.box_xyxy_px, pictures / f"{number}.jpg")


def _cut_out(photo: Path, box: BoxXyxyPx, target: Path) -> Path:
    """The box of a photo with a little around it, as a shop would show the garment alone."""
    margin = _MARGIN * max(box[2] - box[0], box[3] - box[1])
    try:
        with Image.open(photo) as image:
            left, top = max(0, int(box[0] - margin)), max(0, int(box[1] - margin))
            right, bottom = min(image.width, int(box[2] + margin) + 1), min(image.height, int(box[3] + margin) + 1)
            if right - left < 1 or bottom - top < 1:
                raise BenchmarkError(f"{photo}: the box {box} lies outside of the picture.")
            cut = image.convert("RGB").crop((left, top, right, bottom))
            cut.thumbnail((_SIDES_PX, _SIDES_PX))
            cut.save(target, quality=_JPEG_QUALITY)
    except OSError as error:
        raise BenchmarkError(f"{photo} cannot be read: {error}.") from error
    return target
