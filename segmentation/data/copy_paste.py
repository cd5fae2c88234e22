"""Garments of one photo pasted into another, hiding what lies beneath.

Source: Ghiasi et al., "Simple Copy-Paste is a Strong Data Augmentation Method for Instance Segmentation", CVPR 2021.
As there, edges are not blended: it was found to bring nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray
from pycocotools import mask as coco_mask

from segmentation.config import ModelConfig
from segmentation.data.annotations import AnnotatedPhoto, Instance
from segmentation.data.samples import Sample, Window, decode_photo, instance_boxes, resized_window
from segmentation.data.transforms import mask_areas
from segmentation.masks import Mask
from segmentation.resizing import input_size, resize
from segmentation.taxonomy import N_GARMENTS

SCALE = (0.6, 1.3)
"""Pasted garments get a factor from this range on the size they would have in their own photo."""
LYING_ON_SHARE = 0.8
"""A pocket or a collar of which so much lies on a pasted garment is pasted with it."""
VISIBLE_SHARE = 0.1
"""A garment of which pasting leaves less than this is no longer recognizable, and is dropped."""


class Donors:
    """Photos to take garments from, each with a weight: where rare categories are sampled more often, here too."""

    def __init__(self, photos: Sequence[AnnotatedPhoto], weights: NDArray[np.float64]) -> None:
        self._photos = photos
        self._cumulative = np.cumsum(weights)

    def draw(self, receiver: int, rng: np.random.Generator) -> AnnotatedPhoto | None:
        """Another photo than the one with index `receiver`; None where there is no other."""
        if len(self._photos) < 2:
            return None
        index = int(np.searchsorted(self._cumulative, rng.random() * self._cumulative[-1], side="right"))
        index = min(index, len(self._photos) - 1)
        return self._photos[index if index != receiver else (index + 1) % len(self._photos)]


def paste_garments(
    sample: Sample, donor: AnnotatedPhoto, model: ModelConfig, side_px: int, at_most: int, rng: np.random.Generator
) -> Sample:
    """Paste up to `at_most` garments of `donor`, keeping their arrangement, mirrored or not, at a random place.

    Args:
        sample: Where to paste; stays as it is.
        donor: Where the garments come from.
        model: How photos are resized.
        side_px: Longer side that the donor would get as a sample.
        at_most: 1 or more. Parts that lie on a pasted garment come along and do not count.
        rng: Draws everything.

    Raises:
        AnnotationError: The donor cannot be decoded.
    """
    instances = _chosen(donor.instances, at_most, rng)
    boxes = instance_boxes(instances)
    factor, mirrored = float(rng.uniform(*SCALE)), rng.random() < 0.5
    place = rng.random(2)
    if not instances:
        return sample
    window: Window = (*map(int, boxes[:, :2].min(axis=0)), *map(int, boxes[:, 2:].max(axis=0)))  # type: ignore[assignment]
    whole = input_size(donor.width_px, donor.height_px, model, side_px)
    size = (
        max(1, round((window[2] - window[0]) * whole[0] / donor.width_px * factor)),
        max(1, round((window[3] - window[1]) * whole[1] / donor.height_px * factor)),
    )
    piece = resize(decode_photo(donor)[window[1] : window[3], window[0] : window[2]], size, model.interpolation)
    masks = np.stack([resized_window(instance, window, size) for instance in instances])
    if mirrored:
        piece, masks = piece[:, ::-1], masks[:, :, ::-1]
    category_ids = np.array([instance.category_id for instance in instances], dtype=np.int64)
    return _pasted(sample, Sample(piece, masks, category_ids), place)


def _chosen(instances: tuple[Instance, ...], at_most: int, rng: np.random.Generator) -> tuple[Instance, ...]:
    """Random garments (parts, where there is no garment), and what lies on them."""
    garments = [i for i, instance in enumerate(instances) if instance.category_id < N_GARMENTS]
    candidates = garments if garments else list(range(len(instances)))
    order = rng.permutation(candidates)[: int(rng.integers(1, at_most + 1))]
    chosen = {int(index) for index in order}
    others = [index for index in range(len(instances)) if index not in chosen]
    if not chosen or not others:
        return tuple(instances[index] for index in sorted(chosen))
    encoded = [{"size": i.mask["size"], "counts": i.mask["counts"].encode("ascii")} for i in instances]
    carriers = [encoded[index] for index in sorted(chosen)]
    # With "crowd" regions, COCO's IoU is the share of the first mask that lies on the second.
    shares = coco_mask.iou([encoded[index] for index in others], carriers, [1] * len(carriers))
    chosen |= {index for index, share in zip(others, shares.max(axis=1), strict=True) if share >= LYING_ON_SHARE}
    return tuple(instances[index] for index in sorted(chosen))


def _pasted(sample: Sample, piece: Sample, place: NDArray[np.float64]) -> Sample:
    """Lay a piece over a sample, `place` (0..1 across and down) saying where; what does not fit is cut off."""
    (height, width), (tall, wide) = sample.image_rgb.shape[:2], piece.image_rgb.shape[:2]
    left, top = round(float(place[0]) * (width - wide)), round(float(place[1]) * (height - tall))
    target = (slice(max(0, top), min(height, top + tall)), slice(max(0, left), min(width, left + wide)))
    source = (
        slice(target[0].start - top, target[0].stop - top),
        slice(target[1].start - left, target[1].stop - left),
    )
    pasted = np.zeros((len(piece.masks), height, width), dtype=np.uint8)
    pasted[(slice(None), *target)] = piece.masks[(slice(None), *source)]
    covered: Mask = piece.masks[(slice(None), *source)].max(axis=0)
    image = sample.image_rgb.copy()
    cv2.copyTo(np.ascontiguousarray(piece.image_rgb[source]), np.ascontiguousarray(covered), image[target])
    below = sample.masks.copy()
    below[(slice(None), *target)] &= 1 - covered
    before, after = mask_areas(sample.masks), mask_areas(below)
    visible = after > VISIBLE_SHARE * before
    return Sample(
        image,
        np.concatenate([below[visible], pasted]),
        np.concatenate([sample.category_ids[visible], piece.category_ids]),
    )
