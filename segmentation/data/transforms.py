"""What happens to a training photo and its masks before the model sees them."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from segmentation.masks import Mask


@dataclass(frozen=True, slots=True)
class Sample:
    """A photo with its masks.

    image_rgb: uint8, shape (H, W, 3), RGB, 0..255. masks: uint8, shape (N, H, W), 0 or 1.
    category_ids: int64, shape (N,), 0..45.
    """

    image_rgb: NDArray[np.uint8]
    masks: NDArray[np.uint8]
    category_ids: NDArray[np.int64]


def fitted_size(width: int, height: int, *, max_side: int, min_side: int) -> tuple[int, int]:
    """The size (width, height) a photo gets: shorter side `min_side`, unless the longer would pass `max_side`.

    >>> fitted_size(550, 832, max_side=512, min_side=512)
    (338, 512)
    """
    scale = min(min_side / min(width, height), max_side / max(width, height))
    return max(1, round(width * scale)), max(1, round(height * scale))


def resize(image_rgb: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """Resample to `size` (width, height) in pixels; by area when shrinking, so that fine patterns do not alias."""
    shrinking = size[0] < image_rgb.shape[1]
    method = cv2.INTER_AREA if shrinking else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(image_rgb, size, interpolation=method), dtype=np.uint8)


def resize_mask(mask: Mask, size: tuple[int, int]) -> Mask:
    """Resample a 0/1 mask to `size` (width, height); a pixel belongs to it where it covers at least half."""
    smooth = cv2.resize(mask * np.uint8(255), size, interpolation=cv2.INTER_AREA)
    return (smooth >= 128).astype(np.uint8)


def flip_horizontal(sample: Sample) -> Sample:
    """Mirror left and right."""
    return Sample(
        np.ascontiguousarray(sample.image_rgb[:, ::-1]),
        np.ascontiguousarray(sample.masks[:, :, ::-1]),
        sample.category_ids,
    )


def jitter_color(image_rgb: NDArray[np.uint8], strength: float, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Scale brightness, contrast and saturation each by a factor from 1 - strength to 1 + strength."""
    brightness, contrast, saturation = rng.uniform(1 - strength, 1 + strength, size=3)
    pixels = image_rgb.astype(np.float32)
    grey = pixels @ np.array([0.299, 0.587, 0.114], dtype=np.float32)
    pixels = grey[..., None] + (pixels - grey[..., None]) * np.float32(saturation)
    pixels = (pixels - grey.mean()) * np.float32(contrast) + grey.mean()
    return np.asarray(np.clip(pixels * np.float32(brightness), 0, 255), dtype=np.uint8)


def boxes_from_masks(masks: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Tight boxes, float32 (N, 4), xyxy pixels, the far edges exclusive; every mask must have a pixel."""
    boxes = np.zeros((len(masks), 4), dtype=np.float32)
    for index, mask in enumerate(masks):
        columns, rows = np.flatnonzero(mask.any(axis=0)), np.flatnonzero(mask.any(axis=1))
        boxes[index] = (columns[0], rows[0], columns[-1] + 1, rows[-1] + 1)
    return boxes
