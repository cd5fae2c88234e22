"""How a photo comes to the size a model looks at: the same function for training and for serving."""

from __future__ import annotations

import difflib

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from segmentation.config import ModelConfig
from segmentation.errors import ConfigError
from segmentation.masks import Mask

RESIZES = ("aspect", "squash")
INTERPOLATIONS = ("plain", "antialias", "area", "average_pool", "max_pool")
_MOST_WARPED_PX = 2**15 - 2
"""OpenCV refuses to warp longer sides."""


def fit_photo(image_rgb: NDArray[np.uint8], config: ModelConfig) -> NDArray[np.uint8]:
    """Resize a photo, uint8 (H, W, 3), as the model expects it."""
    height, width = image_rgb.shape[:2]
    return resize(image_rgb, input_size(width, height, config), config.interpolation)


def check_resizing(config: ModelConfig) -> None:
    """Refuse an unknown `resize` or `interpolation`.

    Raises:
        ConfigError: Which one, and what was meant.
    """
    for key, known in (("resize", RESIZES), ("interpolation", INTERPOLATIONS)):
        value = getattr(config, key)
        if value not in known:
            close = difflib.get_close_matches(value, known, n=1)
            hint = f"did you mean {close[0]!r}?" if close else f"expected one of {', '.join(known)}"
            raise ConfigError(f"model.{key}: unknown {value!r}; {hint}")


def input_size(width: int, height: int, config: ModelConfig, side_px: int | None = None) -> tuple[int, int]:
    """The size (width, height) in pixels at which the model looks at a photo.

    Args:
        width: Of the photo, in pixels.
        height: Likewise.
        config: Its `resize`, `max_side_px` and `min_side_px`.
        side_px: The longer side instead of the configuration's, as training draws it.
    """
    max_side = config.max_side_px if side_px is None else side_px
    if config.resize == "squash":
        return max_side, max_side
    return fitted_size(width, height, max_side=max_side, min_side=min(max_side, config.min_side_px))


def fitted_size(width: int, height: int, *, max_side: int, min_side: int) -> tuple[int, int]:
    """The size (width, height) a photo gets: shorter side `min_side`, unless the longer would pass `max_side`.

    >>> fitted_size(550, 832, max_side=512, min_side=512)
    (338, 512)
    """
    scale = min(min_side / min(width, height), max_side / max(width, height))
    return max(1, round(width * scale)), max(1, round(height * scale))


def resize(image_rgb: NDArray[np.uint8], size: tuple[int, int], interpolation: str = "area") -> NDArray[np.uint8]:
    """Resample to `size` (width, height) in pixels; what has to grow is always interpolated linearly.

    Args:
        image_rgb: uint8, (H, W, 3) or (H, W).
        size: Wanted width and height in pixels.
        interpolation: How it shrinks, one of `INTERPOLATIONS`; see `ModelConfig.interpolation`.
    """
    height, width = image_rgb.shape[:2]
    if size == (width, height):
        return image_rgb.copy()
    if interpolation == "area":
        return _by_area(image_rgb, size)
    if interpolation == "antialias":
        # Far larger photos are halved, thirded ... first, which the eye cannot tell and takes a third of the time.
        return np.array(Image.fromarray(image_rgb).resize(size, Image.Resampling.BILINEAR, reducing_gap=3.0))
    if interpolation in ("average_pool", "max_pool"):
        return _pooled(image_rgb, size, largest=interpolation == "max_pool")
    return np.asarray(cv2.resize(image_rgb, size, interpolation=cv2.INTER_LINEAR), dtype=np.uint8)


def resize_mask(mask: Mask, size: tuple[int, int]) -> Mask:
    """Resample a 0/1 mask to `size` (width, height); a pixel belongs to it where it covers at least half."""
    if size == (mask.shape[1], mask.shape[0]):
        return mask
    smooth = _by_area(mask * np.uint8(255), size)
    return np.asarray(smooth >= 128).view(np.uint8)


def _by_area(pixels: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """Mean of the footprint. Where only one side shrinks, OpenCV would interpolate both, so it goes first, alone."""
    height, width = pixels.shape[:2]
    shrunk = (min(size[0], width), min(size[1], height))
    if shrunk != (width, height):
        pixels = np.asarray(cv2.resize(pixels, shrunk, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    if shrunk != size:
        pixels = np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_LINEAR), dtype=np.uint8)
    return pixels


def _pooled(pixels: NDArray[np.uint8], size: tuple[int, int], *, largest: bool) -> NDArray[np.uint8]:
    """Mean or maximum of a window as wide as the shrinking factor rounded up, sampled linearly at the new pixels.

    At a whole factor this is ordinary pooling with the factor as kernel and stride.
    """
    if max(pixels.shape[:2]) > _MOST_WARPED_PX:
        height, width = pixels.shape[:2]
        pixels = _by_area(pixels, (min(width, _MOST_WARPED_PX), min(height, _MOST_WARPED_PX)))
    steps = [length / wanted for length, wanted in zip((pixels.shape[1], pixels.shape[0]), size, strict=True)]
    kernel = (max(1, -int(-steps[0] // 1)), max(1, -int(-steps[1] // 1)))
    if largest:
        pooled = cv2.dilate(pixels, np.ones(kernel[::-1], np.uint8), borderType=cv2.BORDER_REPLICATE)
    else:
        pooled = cv2.blur(pixels, kernel, borderType=cv2.BORDER_REPLICATE)
    # OpenCV anchors an even kernel half a pixel right of its middle.
    shifts = [0.5 * step - (0.0 if side % 2 == 0 else 0.5) for step, side in zip(steps, kernel, strict=True)]
    places = np.array([[steps[0], 0.0, shifts[0]], [0.0, steps[1], shifts[1]]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(cv2.warpAffine(pooled, places, size, flags=flags, borderMode=cv2.BORDER_REPLICATE), np.uint8)
