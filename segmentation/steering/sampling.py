"""Embeds garments whose cut, pattern and color are known as a search would embed them: drawn ones, and a shop's."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from segmentation.colors import garment_colors
from segmentation.crops import garment_crop
from segmentation.drawn.packshots import draw_packshot
from segmentation.drawn.variations import VariedProduct
from segmentation.embedding import Embedder
from segmentation.masks import Mask
from segmentation.metric_learning.catalog_sources import FeedSource
from segmentation.metric_learning.garment_finder import GarmentFinder
from segmentation.metric_learning.identities import IdentityItem
from segmentation.metric_learning.preparation import prepare
from segmentation.steering.samples import Samples, color_word
from segmentation.types import BoxXyxyPx, ColorHistogram

SHOT_STREAM = 7
"""First number after the seed in the seed sequence of these packshots."""
STORED_SIDE_PX = 512
"""Longer side of the windows cut out of catalog photos; embedders see less."""
_AT_ONCE = 64

Progress = Callable[[int, int], None]
"""Called with (garments embedded, garments in all)."""
Cutout = tuple[NDArray[np.uint8], Mask | None, BoxXyxyPx]
"""image_rgb uint8 (H, W, 3), the garment's mask of its size, and its box."""


def embed_drawn(
    embedder: Embedder,
    products: Sequence[VariedProduct],
    seed: int,
    *,
    shot: int = 0,
    on_progress: Progress | None = None,
) -> Samples:
    """Draw a packshot of each product and embed it.

    Args:
        embedder: Whose space.
        products: Of `varied_products`.
        seed: With `shot`, decides backdrops, light, turn and scale.
        shot: Another number photographs the same products anew.
        on_progress: Called after each batch.
    """

    def cutouts() -> Iterator[Cutout]:
        for each in products:
            rng = np.random.default_rng([seed, SHOT_STREAM, shot, each.product.number])
            image, instances = draw_packshot(each.product, rng)
            largest = max(instances, key=lambda instance: instance.area_px)
            x, y, width, height = largest.box_xywh
            yield image, largest.to_array().astype(np.uint8), (float(x), float(y), float(x + width), float(y + height))

    vectors, seen = _embedded(embedder, cutouts(), len(products), on_progress)
    return Samples(
        vectors,
        np.array([each.cut_number for each in products], np.int64),
        np.array([each.pattern for each in products], np.str_),
        np.array([color_word(each.product.fabric.ground) for each in products], np.str_),
        seen,
    )


def embed_catalog(
    embedder: Embedder, finder: GarmentFinder | None, folder: Path, *, on_progress: Progress | None = None
) -> Samples:
    """Embed the products of a feed that are sold in several colors (rows of one `item_group_id`), first images alone.

    Args:
        embedder: Whose space.
        finder: Finds the garment of a catalog photo; where it finds none, or there is no finder, what stands before a
            white background is taken, or the whole photo.
        folder: With feed.csv, whose image links are files.
        on_progress: Called after each batch.

    Raises:
        AnnotationError: No feed there, a column is missing, or a photo cannot be read.
    """
    items = _in_several_colors(FeedSource(folder).items())

    def cutouts() -> Iterator[Cutout]:
        for item in items:
            crop = prepare(item, finder, STORED_SIDE_PX)[-1]  # the garment, where one was found
            yield crop.image_rgb, crop.mask, crop.box_xyxy_px

    vectors, seen = _embedded(embedder, cutouts(), len(items), on_progress)
    groups = {group: number for number, group in enumerate(dict.fromkeys(item.group for item in items))}
    return Samples(
        vectors,
        np.array([groups[item.group] for item in items], np.int64),
        np.array([""] * len(items), np.str_),
        np.array([item.color for item in items], np.str_),
        seen,
    )


def _in_several_colors(items: Iterable[IdentityItem]) -> list[IdentityItem]:
    """The first image of each color of the groups that have two or more."""
    first: dict[tuple[str, str], IdentityItem] = {}
    for item in items:
        first.setdefault((item.group, item.color), item)
    n_colors: dict[str, int] = {}
    for group, _ in first:
        n_colors[group] = n_colors.get(group, 0) + 1
    return [item for (group, _), item in first.items() if n_colors[group] > 1]


def _embedded(
    embedder: Embedder, cutouts: Iterable[Cutout], total: int, on_progress: Progress | None
) -> tuple[NDArray[np.float32], tuple[ColorHistogram, ...]]:
    vectors: list[NDArray[np.float32]] = []
    seen: list[ColorHistogram] = []
    remaining = iter(cutouts)
    while some := list(islice(remaining, _AT_ONCE)):
        crops = []
        for image, mask, box in some:
            left, top, right, bottom = (int(box[0]), int(box[1]), int(np.ceil(box[2])), int(np.ceil(box[3])))
            inside = None if mask is None else np.ascontiguousarray(mask[top:bottom, left:right])
            window = None if inside is None else (inside, left, top)
            crops.append(garment_crop(image, box, embedder.config, window=window))
            seen.append(garment_colors(image[top:bottom, left:right], inside)[1])
        vectors.append(embedder.embed(crops))
        if on_progress is not None:
            on_progress(len(seen), total)
    return np.concatenate(vectors) if vectors else np.zeros((0, embedder.config.dim), np.float32), tuple(seen)
