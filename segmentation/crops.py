"""The square picture of one garment that the embedder looks at."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from segmentation.config import EmbedderConfig
from segmentation.masks import Mask
from segmentation.types import BoxXyxyPx


def garment_crop(
    image_rgb: NDArray[np.uint8],
    box_xyxy_px: BoxXyxyPx,
    config: EmbedderConfig,
    *,
    window: tuple[Mask, int, int] | None = None,
) -> NDArray[np.uint8]:
    """Cut a garment out, suppress its background, and fit it into a square.

    Args:
        image_rgb: uint8, shape (H, W, 3), RGB.
        box_xyxy_px: Where the garment is, in this image's pixels.
        config: Margin, background and side.
        window: The garment's mask: uint8 (h, w), 0 or 1, and its left and upper edge; None keeps the background.

    Returns:
        uint8, shape (side, side, 3); what lies outside the mask, or the photo, has the embedder's mean color.
    """
    height, width = image_rgb.shape[:2]
    x_min, y_min, x_max, y_max = box_xyxy_px
    margin = config.crop_margin * max(x_max - x_min, y_max - y_min)
    left, top = max(0, int(x_min - margin)), max(0, int(y_min - margin))
    right, bottom = min(width, int(np.ceil(x_max + margin))), min(height, int(np.ceil(y_max + margin)))
    left, top = min(left, width - 1), min(top, height - 1)
    right, bottom = max(right, left + 1), max(bottom, top + 1)
    crop = image_rgb[top:bottom, left:right]
    mean = np.array([round(255 * value) for value in config.image_mean], dtype=np.uint8)
    scale = config.input_side_px / max(crop.shape[:2])
    size = (max(1, round(crop.shape[1] * scale)), max(1, round(crop.shape[0] * scale)))
    resample = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    fitted = cv2.resize(crop, size, interpolation=resample)
    if window is not None and config.background < 1:
        mask = _mask_of_crop(window, (left, top, right, bottom))
        alpha = cv2.resize(mask * np.float32(1.0), size, interpolation=resample)[..., None]
        alpha = alpha + (1 - alpha) * np.float32(config.background)
        fitted = (fitted * alpha + mean * (1 - alpha) + 0.5).astype(np.uint8)
    canvas = np.empty((config.input_side_px, config.input_side_px, 3), dtype=np.uint8)
    canvas[:] = mean
    x, y = (config.input_side_px - size[0]) // 2, (config.input_side_px - size[1]) // 2
    canvas[y : y + size[1], x : x + size[0]] = fitted
    return canvas


def _mask_of_crop(window: tuple[Mask, int, int], crop: tuple[int, int, int, int]) -> Mask:
    """The mask's part inside a crop (left, top, right, bottom), zero elsewhere."""
    mask, mask_left, mask_top = window
    left, top, right, bottom = crop
    result = np.zeros((bottom - top, right - left), dtype=np.uint8)
    x0, y0 = max(left, mask_left), max(top, mask_top)
    x1, y1 = min(right, mask_left + mask.shape[1]), min(bottom, mask_top + mask.shape[0])
    if x1 > x0 and y1 > y0:
        result[y0 - top : y1 - top, x0 - left : x1 - left] = mask[
            y0 - mask_top : y1 - mask_top, x0 - mask_left : x1 - mask_left
        ]
    return result
