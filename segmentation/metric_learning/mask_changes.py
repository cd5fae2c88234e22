"""Masks and boxes as a segmenter's are: coarse, a little large or small, and hidden in part."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.random import Generator

from segmentation.masks import Mask
from segmentation.metric_learning.config import ViewConfig
from segmentation.metric_learning.preparation import box_of
from segmentation.types import BoxXyxyPx

COARSE_SIDE = 28
"""Of Mask R-CNN's masks."""


def changed_mask(mask: Mask, config: ViewConfig, rng: Generator) -> Mask:
    """Raster coarsely, grow or shrink; the mask itself where a change would leave nothing.

    Args:
        mask: uint8, shape (h, w), 0 or 1.
        config: Probabilities.
        rng: Decides.
    """
    changed = mask
    if rng.random() < config.mask_coarse:
        changed = _coarse(changed, float(rng.uniform(0.35, 0.65)))
    if rng.random() < config.mask_grow:
        changed = _grown(changed, float(rng.uniform(-1, 1)) * config.mask_grow_max_share)
    return changed if changed.any() else mask


def jittered_box(box: BoxXyxyPx, share: float, size: tuple[int, int], rng: Generator) -> BoxXyxyPx:
    """Move each side by up to a share of the box, inside a picture of `size` (width, height)."""
    width, height = box[2] - box[0], box[3] - box[1]
    moved = np.array(box) + rng.uniform(-share, share, 4) * (width, height, width, height)
    limits = np.array([size[0], size[1], size[0], size[1]], dtype=np.float64)
    x_min, y_min, x_max, y_max = np.clip(moved, 0, limits).tolist()
    return box if x_max - x_min < 4 or y_max - y_min < 4 else (x_min, y_min, x_max, y_max)


def _coarse(mask: Mask, threshold: float) -> Mask:
    box = box_of(mask)
    if box is None:
        return mask
    x_min, y_min, x_max, y_max = (int(side) for side in box)
    part = mask[y_min:y_max, x_min:x_max] * np.float32(1.0)
    square = cv2.resize(part, (COARSE_SIDE, COARSE_SIDE), interpolation=cv2.INTER_AREA)
    back = cv2.resize(square, (x_max - x_min, y_max - y_min), interpolation=cv2.INTER_LINEAR)
    changed = np.zeros_like(mask)
    changed[y_min:y_max, x_min:x_max] = back >= threshold
    return changed


def _grown(mask: Mask, share: float) -> Mask:
    box = box_of(mask)
    if box is None:
        return mask
    radius = round(abs(share) * max(box[2] - box[0], box[3] - box[1]))
    if radius < 1:
        return mask
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    changed = cv2.dilate(mask, kernel) if share > 0 else cv2.erode(mask, kernel, borderValue=0)
    return np.asarray(changed, dtype=np.uint8)
