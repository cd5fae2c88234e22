"""Views of a crop: what the embedder would be shown of the same thing on another day, in another photo.

Everything happens to the window and its mask; then `segmentation.crops.garment_crop` cuts, as it does in service.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from segmentation.config import EmbedderConfig
from segmentation.crops import garment_crop
from segmentation.masks import Mask
from segmentation.metric_learning.config import ViewConfig
from segmentation.metric_learning.light_changes import changed_light, changed_sharpness
from segmentation.metric_learning.mask_changes import changed_mask, jittered_box
from segmentation.metric_learning.preparation import PreparedCrop, box_of
from segmentation.types import BoxXyxyPx

Other = Callable[[], PreparedCrop]
"""Gives some other crop, to lie over this one or behind it."""
_LEAST_LEFT = 0.3
"""What lies over a garment leaves at least this share of its mask."""


@dataclass(slots=True)
class _View:
    image: NDArray[np.uint8]
    mask: Mask | None
    box: BoxXyxyPx
    is_whole: bool


def plain_view(crop: PreparedCrop, config: EmbedderConfig) -> NDArray[np.uint8]:
    """The crop as it is served: a garment by its mask, a whole photo as it is; uint8 (side, side, 3)."""
    window = None if crop.is_whole or crop.mask is None else (crop.mask, 0, 0)
    return garment_crop(crop.image_rgb, crop.box_xyxy_px, config, window=window)


def random_view(
    crop: PreparedCrop, config: EmbedderConfig, changes: ViewConfig, other: Other, rng: Generator
) -> NDArray[np.uint8]:
    """A changed view, uint8 (side, side, 3).

    Args:
        crop: What is seen.
        config: How crops are cut.
        changes: What may happen, and how likely.
        other: For occlusions and backdrops.
        rng: Decides everything.
    """
    view = _View(crop.image_rgb, crop.mask, crop.box_xyxy_px, crop.is_whole)
    suppressed = not view.is_whole and view.mask is not None and rng.random() < changes.suppressed
    if not suppressed and view.mask is not None and rng.random() < changes.backdrop:
        _swap_backdrop(view, view.mask, other(), rng)
    if rng.random() < changes.occlusion:
        _occlude(view, other(), changes, rng)
    view.image = changed_light(view.image, changes, rng)
    _move(view, changes, rng)
    view.image = changed_sharpness(view.image, changes, rng)
    size = (view.image.shape[1], view.image.shape[0])
    if suppressed and view.mask is not None:
        mask = changed_mask(view.mask, changes, rng)
        box = jittered_box(box_of(mask) or view.box, changes.box_jitter / 2, size, rng)
        return garment_crop(view.image, box, config, window=(mask, 0, 0))
    box = view.box
    if not view.is_whole and rng.random() < changes.context:
        box = (0.0, 0.0, float(size[0]), float(size[1]))
    return garment_crop(view.image, jittered_box(box, changes.box_jitter, size, rng), config)


def _swap_backdrop(view: _View, mask: Mask, other: PreparedCrop, rng: Generator) -> None:
    """Another photo, or plain white, stands behind the mask."""
    height, width = view.image.shape[:2]
    if rng.random() < 0.2:
        behind = np.full_like(view.image, rng.integers(200, 256))
    else:
        behind = np.asarray(cv2.resize(other.image_rgb, (width, height)), dtype=np.uint8)
    alpha = cv2.GaussianBlur(mask * np.float32(1.0), (0, 0), 0.8)[..., None]
    view.image = (view.image * alpha + behind * (1 - alpha) + 0.5).astype(np.uint8)


def _occlude(view: _View, other: PreparedCrop, changes: ViewConfig, rng: Generator) -> None:
    """A part of another picture lies over the box, in its own outline where it has one."""
    box = view.box
    share = rng.uniform(0.1, changes.occlusion_max_share, 2)
    width, height = int((box[2] - box[0]) * share[0]), int((box[3] - box[1]) * share[1])
    if width < 4 or height < 4:
        return
    left = int(np.clip(rng.uniform(box[0] - width / 2, box[2] - width / 2), 0, view.image.shape[1] - width))
    top = int(np.clip(rng.uniform(box[1] - height / 2, box[3] - height / 2), 0, view.image.shape[0] - height))
    x_min, y_min, x_max, y_max = (int(side) for side in other.box_xyxy_px)
    place = (slice(top, top + height), slice(left, left + width))
    pixels = cv2.resize(other.image_rgb[y_min : y_max + 1, x_min : x_max + 1], (width, height))
    outline = np.ones((height, width), np.uint8)
    if other.mask is not None:
        part = other.mask[y_min : y_max + 1, x_min : x_max + 1]
        outline = np.asarray(cv2.resize(part, (width, height), interpolation=cv2.INTER_NEAREST), dtype=np.uint8)
    if view.mask is not None:
        mask = view.mask.copy()
        mask[place] &= 1 - outline
        if mask.sum() < _LEAST_LEFT * view.mask.sum():
            return
        view.mask = mask
    image = view.image.copy()
    image[place] = np.where(outline[..., None] > 0, pixels, image[place])
    view.image = image


def _move(view: _View, changes: ViewConfig, rng: Generator) -> None:
    """Mirror, turn, stretch and tilt window, mask and box in one step."""
    height, width = view.image.shape[:2]
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], dtype=np.float32)
    center = np.array([width / 2, height / 2], dtype=np.float32)
    moved = (corners - center) * np.exp(rng.uniform(-1, 1, 2) * changes.stretch)
    if rng.random() < changes.rotation:
        angle = np.deg2rad(rng.uniform(-1, 1) * changes.rotation_max_deg)
        moved = moved @ np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    if rng.random() < changes.perspective:
        moved += rng.uniform(-1, 1, (4, 2)) * changes.perspective_max_share * (width, height) / 2
    if rng.random() < changes.flip:
        moved[:, 0] = -moved[:, 0]
    low = moved.min(axis=0)
    out = np.maximum(8, np.ceil(moved.max(axis=0) - low)).astype(int)
    matrix = np.asarray(cv2.getPerspectiveTransform(corners, (moved - low).astype(np.float32)), dtype=np.float64)
    size = (int(out[0]), int(out[1]))
    view.image = np.asarray(
        cv2.warpPerspective(view.image, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE),
        dtype=np.uint8,
    )
    if view.mask is not None:
        view.mask = np.asarray(cv2.warpPerspective(view.mask, matrix, size, flags=cv2.INTER_NEAREST), dtype=np.uint8)
    view.box = _moved_box(view, matrix, size)


def _moved_box(view: _View, matrix: NDArray[np.float64], size: tuple[int, int]) -> BoxXyxyPx:
    """Around the mask where a garment has one; else around the moved corners."""
    if view.mask is not None and not view.is_whole and (box := box_of(view.mask)) is not None:
        return box
    x_min, y_min, x_max, y_max = view.box
    corners = np.array([[[x_min, y_min], [x_max, y_min], [x_max, y_max], [x_min, y_max]]], dtype=np.float32)
    moved = cv2.perspectiveTransform(corners, matrix)[0]
    low, high = np.clip(moved.min(axis=0), 0, size), np.clip(moved.max(axis=0), 0, size)
    return float(low[0]), float(low[1]), float(high[0]), float(high[1])
