"""A model's detections kept in a form in which any operating point can be tried without the model.

The model runs once over each photo; about a megabyte of each is kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from segmentation.boxes import containment, iou
from segmentation.config import ModelConfig
from segmentation.data.annotations import AnnotatedPhoto
from segmentation.evaluation.detections import photo_rgb
from segmentation.evaluation.matching import MATCH_IOU, pairs_by_overlap
from segmentation.masks import Mask, mask_from_rle, pasted_probabilities
from segmentation.operating_point import score_thresholds
from segmentation.segmenter import Found, Segmenter
from segmentation.taxonomy import N_CATEGORIES, compatible_category_ids

CACHED_SIDE_PX = 1024
"""Masks of larger photos are compared at this longer side: at 12 megapixels, comparing would cost more than finding."""
ALIKE: NDArray[np.bool_] = np.array(
    [[other in compatible_category_ids(one) for other in range(N_CATEGORIES)] for one in range(N_CATEGORIES)]
)
"""Which categories are taken for one another, themselves included: shape (46, 46)."""


@dataclass(frozen=True, slots=True)
class Window:
    """A part of a photo: values, shape (h, w), and where they lie."""

    values: NDArray[np.uint8]
    left: int
    top: int

    @property
    def rows(self) -> slice:
        """The photo's rows it covers."""
        return slice(self.top, self.top + self.values.shape[0])

    @property
    def columns(self) -> slice:
        """The photo's columns it covers."""
        return slice(self.left, self.left + self.values.shape[1])


@dataclass(frozen=True, slots=True)
class CachedPhoto:
    """One photo's detections, n of them by falling score, and its m garments.

    `size` is width and height in pixels at which masks are compared. `category_ids` is int64 (n,), `scores` float64
    (n,), `box_ious` and `box_containments` float64 (n, n). `levels` has a window a detection: how many of the
    `mask_thresholds` each pixel's probability reaches. `truth_category_ids` is int64 (m,), `truth` their masks.
    """

    size: tuple[int, int]
    category_ids: NDArray[np.int64]
    scores: NDArray[np.float64]
    box_ious: NDArray[np.float64]
    box_containments: NDArray[np.float64]
    mask_thresholds: tuple[float, ...]
    levels: tuple[Window, ...]
    truth_category_ids: NDArray[np.int64]
    truth: tuple[Window, ...]

    def strong(self, config: ModelConfig) -> NDArray[np.bool_]:
        """Which detections reach their category's score threshold: bool, shape (n,)."""
        return np.asarray(self.scores >= score_thresholds(config)[self.category_ids])

    def masks(self, config: ModelConfig) -> dict[int, Window]:
        """Masks of the detections that shoppers see, as `segmentation.operating_point` decides, by falling score."""
        strong = self.strong(config)
        same = self.category_ids[:, None] == self.category_ids[None, :]
        alike = ALIKE[self.category_ids[:, None], self.category_ids[None, :]]
        covered = same & ((self.box_ious > config.predictor_nms_iou) | (self.box_containments > config.nested_share))
        covered |= alike & (self.box_ious > config.lookalike_nms_iou)
        covered = np.tril(covered, -1) & strong[None, :]
        kept = strong.copy()
        for index in np.flatnonzero(strong & covered.any(axis=1)):
            kept[index] = not (covered[index] & kept).any()
        level = self.mask_thresholds.index(config.mask_threshold)
        smallest = max(1.0, config.min_area_share * self.size[0] * self.size[1])
        masks = {}
        for index in np.flatnonzero(kept):
            window = self.levels[index]
            mask = (window.values > level).view(np.uint8)
            if np.count_nonzero(mask) >= smallest:
                masks[int(index)] = Window(mask, window.left, window.top)
        return masks

    def matched_ious(self, masks: dict[int, Window]) -> NDArray[np.float64]:
        """How well masks cover the garments of their category that they are paired with, closest first.

        Returns:
            float64, shape (pairs,), each at least `MATCH_IOU`: no measure counts less as found.
        """
        ious = np.zeros((len(masks), len(self.truth)))
        for row, (index, mask) in enumerate(masks.items()):
            for column in np.flatnonzero(self.truth_category_ids == self.category_ids[index]):
                ious[row, column] = _iou(mask, self.truth[column])
        ious[ious < MATCH_IOU] = 0.0
        return np.array([ious[pair] for pair in pairs_by_overlap(ious)])


def without_overlaps(masks: dict[int, Window], size: tuple[int, int]) -> dict[int, Window]:
    """Give every pixel to the smallest mask that claims it, as `segmentation.evaluation.disjoint`; empty ones go."""
    taken, free = np.zeros((size[1], size[0]), dtype=np.uint8), {}
    for index, mask in sorted(masks.items(), key=lambda item: np.count_nonzero(item[1].values)):
        claimed = taken[mask.rows, mask.columns]
        values = mask.values & (claimed == 0)
        claimed |= mask.values
        if values.any():
            free[index] = Window(values.astype(np.uint8), mask.left, mask.top)
    return free


def cache_photo(segmenter: Segmenter, photo: AnnotatedPhoto, mask_thresholds: Sequence[float]) -> CachedPhoto:
    """Run the model over a photo and keep what any operating point needs.

    Args:
        segmenter: The model; every detection it makes is kept, however weak.
        photo: With its garments.
        mask_thresholds: Those that may be asked for, rising.

    Raises:
        AnnotationError: The photo cannot be decoded; the message names it.
    """
    fitted = segmenter.fit(photo_rgb(photo))
    [found] = segmenter.find([fitted], min_score=segmenter.config.score_threshold)
    found = sorted(found, key=lambda item: -item.score)
    scale = min(1.0, CACHED_SIDE_PX / max(photo.width_px, photo.height_px))
    size = (max(1, round(photo.width_px * scale)), max(1, round(photo.height_px * scale)))
    boxes, n_found = [item.box for item in found], len(found)
    return CachedPhoto(
        size,
        np.array([item.category_id for item in found], dtype=np.int64),
        np.array([item.score for item in found], dtype=np.float64),
        np.array([iou(one, other) for one in boxes for other in boxes]).reshape(n_found, n_found),
        np.array([containment(one, other) for one in boxes for other in boxes]).reshape(n_found, n_found),
        tuple(mask_thresholds),
        tuple(_levels(item, size, mask_thresholds) for item in found),
        np.array([instance.category_id for instance in photo.instances], dtype=np.int64),
        tuple(_truth(mask_from_rle(instance.mask), size) for instance in photo.instances),
    )


def _levels(found: Found, size: tuple[int, int], mask_thresholds: Sequence[float]) -> Window:
    probabilities, left, top = pasted_probabilities(found.probabilities, found.box_px(size), size[1], size[0])
    levels = np.zeros(probabilities.shape, dtype=np.uint8)
    for threshold in mask_thresholds:
        levels += probabilities >= threshold
    return Window(levels, left, top)


def _truth(mask: Mask, size: tuple[int, int]) -> Window:
    if (mask.shape[1], mask.shape[0]) != size:
        smooth = np.asarray(cv2.resize(mask * np.uint8(255), size, interpolation=cv2.INTER_AREA))
        mask = (smooth >= 128).astype(np.uint8)
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):  # shrunk away: nothing can find it, but it was there
        return Window(np.zeros((1, 1), np.uint8), 0, 0)
    cut = mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return Window(cut.copy(), int(columns[0]), int(rows[0]))


def _iou(one: Window, other: Window) -> float:
    top, left = max(one.top, other.top), max(one.left, other.left)
    below, right = min(one.rows.stop, other.rows.stop), min(one.columns.stop, other.columns.stop)
    if top >= below or left >= right:
        return 0.0
    first = one.values[top - one.top : below - one.top, left - one.left : right - one.left]
    second = other.values[top - other.top : below - other.top, left - other.left : right - other.left]
    shared = int(np.count_nonzero(first & second))
    union = int(np.count_nonzero(one.values)) + int(np.count_nonzero(other.values)) - shared
    return shared / max(1, union)
