"""What can happen to a training photo and its masks; each change is a function of the sample and plain numbers."""

from __future__ import annotations

import dataclasses

import cv2
import numpy as np
from numpy.typing import NDArray

from segmentation.data.samples import Sample
from segmentation.masks import Mask

_LUMA = np.array([0.299, 0.587, 0.114])
"""Shares of red, green and blue in brightness. Source: ITU-R BT.601."""


def flip_horizontal(sample: Sample) -> Sample:
    """Mirror left and right."""
    return Sample(
        # Not ascontiguousarray: it leaves what is one pixel wide with a negative stride, which torch refuses.
        sample.image_rgb[:, ::-1].copy(),
        sample.masks[:, :, ::-1].copy(),
        sample.category_ids,
    )


def rotate(sample: Sample, degrees: float, fill: tuple[int, ...]) -> Sample:
    """Turn counter-clockwise about the middle, the size staying; corners that come into view get the color `fill`."""
    height, width = sample.image_rgb.shape[:2]
    matrix = np.asarray(cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), degrees, 1.0), np.float64)
    image = cv2.warpAffine(sample.image_rgb, matrix, (width, height), flags=cv2.INTER_LINEAR, borderValue=fill)
    masks = np.zeros_like(sample.masks)
    for turned, mask in zip(masks, sample.masks, strict=True):
        _rotate_mask(mask, matrix, turned)
    return Sample(np.asarray(image, dtype=np.uint8), masks, sample.category_ids)


def _rotate_mask(mask: Mask, matrix: NDArray[np.float64], out: Mask) -> None:
    """Warp the mask's own window alone: most garments are small."""
    x, y, width, height = cv2.boundingRect(mask)
    corners = np.array([[x, y, 1], [x + width, y, 1], [x, y + height, 1], [x + width, y + height, 1]]) @ matrix.T
    left, top = np.maximum(np.floor(corners.min(axis=0)).astype(int) - 1, 0)
    right, bottom = np.minimum(np.ceil(corners.max(axis=0)).astype(int) + 2, (out.shape[1], out.shape[0]))
    if width == 0 or right <= left or bottom <= top:
        return
    window = mask[y : y + height, x : x + width] * np.uint8(255)
    shifted = matrix.copy()  # from the window's pixels to those of its place in the result
    shifted[:, 2] += matrix[:, :2] @ (x, y) - (left, top)
    smooth = cv2.warpAffine(window, shifted, (int(right - left), int(bottom - top)), flags=cv2.INTER_LINEAR)
    out[top:bottom, left:right] = smooth >= 128


def jitter_color(
    image_rgb: NDArray[np.uint8], *, brightness: float, contrast: float, saturation: float
) -> NDArray[np.uint8]:
    """Scale saturation, then contrast about the mean grey, then brightness, each by a factor (1 changes nothing)."""
    grey = float(_LUMA @ cv2.mean(image_rgb)[:3])
    mix = saturation * np.eye(3) + (1 - saturation) * np.tile(_LUMA, (3, 1))
    matrix = np.column_stack([brightness * contrast * mix, np.full(3, brightness * (1 - contrast) * grey)])
    return np.asarray(cv2.transform(image_rgb, matrix), dtype=np.uint8)


def blur(image_rgb: NDArray[np.uint8], sigma_px: float) -> NDArray[np.uint8]:
    """Gaussian blur."""
    return np.asarray(cv2.GaussianBlur(image_rgb, (0, 0), sigma_px, borderType=cv2.BORDER_REFLECT_101), dtype=np.uint8)


def sharpen(image_rgb: NDArray[np.uint8], strength: float) -> NDArray[np.uint8]:
    """Unsharp masking: add `strength` times what a blur of one pixel takes away."""
    soft = cv2.GaussianBlur(image_rgb, (0, 0), 1.0, borderType=cv2.BORDER_REFLECT_101)
    return np.asarray(cv2.addWeighted(image_rgb, 1 + strength, soft, -strength, 0.0), dtype=np.uint8)


def mask_areas(masks: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Pixels of each mask: int64, shape (N,)."""
    return np.array([cv2.countNonZero(mask) for mask in masks], dtype=np.int64)


def keep(sample: Sample, kept: NDArray[np.bool_]) -> Sample:
    """The sample with some of its instances."""
    if kept.all():
        return sample
    return dataclasses.replace(sample, masks=sample.masks[kept], category_ids=sample.category_ids[kept])


def boxes_from_masks(masks: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Tight boxes, float32 (N, 4), xyxy pixels, the far edges exclusive; every mask must have a pixel."""
    boxes = np.zeros((len(masks), 4), dtype=np.float32)
    for box, mask in zip(boxes, masks, strict=True):
        x, y, width, height = cv2.boundingRect(mask)
        box[:] = (x, y, x + width, y + height)
    return boxes
