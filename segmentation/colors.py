"""The colors of a garment, with names a shopper would use: the dominant one, and the share of each."""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from segmentation.masks import Mask
from segmentation.types import Color, ColorHistogram

# Shades of shops' photos (a yellow shirt in the light is pale, an orange one ocher). More than 90 % of the colors that
# the survey of xkcd.com names by these words (https://xkcd.com/color/rgb/, CC0) get a name that the word means.
_PALETTE: dict[str, tuple[tuple[int, int, int], ...]] = {
    "black": ((18, 18, 20), (38, 38, 40)),
    "gray": ((90, 90, 92), (128, 128, 128), (165, 165, 168), (62, 62, 64)),
    "silver": ((196, 198, 202),),
    "white": ((250, 250, 250), (228, 228, 230)),
    "cream": ((245, 238, 218),),
    "beige": ((218, 200, 170), (200, 178, 148)),
    "tan": ((188, 148, 100),),
    "brown": ((115, 75, 45), (80, 52, 35), (140, 95, 65), (158, 78, 45), (125, 90, 15)),
    "red": ((200, 25, 35), (225, 60, 55), (212, 75, 85)),
    "burgundy": ((110, 20, 40),),
    "pink": ((245, 170, 190), (240, 120, 165), (225, 60, 135), (255, 145, 138)),
    "orange": ((240, 125, 30), (230, 95, 30), (255, 180, 120), (245, 180, 95), (208, 130, 55)),
    "yellow": ((245, 215, 60), (225, 185, 40), (245, 240, 150), (222, 218, 115), (200, 150, 40)),
    "olive": ((105, 105, 50), (85, 85, 55)),
    "green": ((40, 130, 65), (90, 165, 90), (25, 75, 50), (150, 195, 110), (155, 185, 20), (170, 220, 190)),
    "teal": ((20, 120, 125), (60, 165, 160)),
    "light blue": ((165, 200, 230), (130, 175, 215), (200, 248, 250)),
    "blue": ((40, 85, 185), (60, 110, 160), (80, 120, 175), (15, 15, 165), (50, 50, 215)),
    "navy": ((20, 30, 75), (35, 45, 80), (5, 5, 80)),
    "purple": ((105, 50, 140), (145, 100, 175), (50, 8, 65), (65, 50, 110), (170, 30, 230)),
    "lavender": ((195, 180, 225),),
}
_SAMPLED_PIXELS = 4096
_CELL = 8
"""Levels of a channel that one name is looked up for."""
LEAST_SHARE = 0.02
"""Colors of a smaller share of a garment are seams, buttons and reflections, not what it looks like."""


def _lab(rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
    """uint8 (N, 3) RGB -> float32 (N, 3) CIE L*a*b* (L 0..100)."""
    pixels = np.ascontiguousarray(rgb.reshape(-1, 1, 3)).astype(np.float32) / 255.0
    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2LAB).reshape(-1, 3), dtype=np.float32)


COLOR_NAMES: tuple[str, ...] = tuple(_PALETTE)
# Lightness is weighed down: a fold's shadow should not change a garment's name.
_LAB_WEIGHTS = np.array([0.6, 1.0, 1.0], dtype=np.float32)
_SHADES = _lab(np.array([shade for shades in _PALETTE.values() for shade in shades], dtype=np.uint8)) * _LAB_WEIGHTS
_NAME_OF_SHADE = np.array([number for number, shades in enumerate(_PALETTE.values()) for _ in shades])
SHADES_LAB: tuple[NDArray[np.float32], ...] = tuple(_SHADES[n == _NAME_OF_SHADE] for n in range(len(COLOR_NAMES)))
"""The shades of each of `COLOR_NAMES`, float32 (shades, 3), L*a*b* with lightness weighed down."""


def seen_colors(pixels_rgb: NDArray[np.uint8]) -> tuple[Color, ColorHistogram]:
    """Name the colors that pixels have.

    Args:
        pixels_rgb: uint8, shape (N, 3), RGB, the garment's pixels; N >= 1.

    Returns:
        The commonest color, with the median RGB of the pixels that bear its name; and the share of each name,
        0.001..1 with three decimals, the largest first, those below `LEAST_SHARE` left out (the commonest never is).

    >>> color, shares = seen_colors(np.repeat([(20, 30, 75), (250, 250, 250)], (30, 10), axis=0).astype(np.uint8))
    >>> color.name, shares
    ('navy', {'navy': 0.75, 'white': 0.25})
    """
    step = max(1, len(pixels_rgb) // _SAMPLED_PIXELS)
    sample = pixels_rgb[::step]
    red, green, blue = (sample // _CELL).T.astype(np.intp)
    nearest = _name_table()[red, green, blue]
    shares = np.bincount(nearest, minlength=len(COLOR_NAMES)) / len(nearest)
    commonest = int(shares.argmax())
    median = np.median(sample[nearest == commonest], axis=0).astype(int)
    kept = [int(n) for n in np.argsort(-shares, kind="stable") if n == commonest or shares[n] >= LEAST_SHARE]
    histogram = {COLOR_NAMES[n]: round(float(shares[n]), 3) for n in kept}
    return Color(COLOR_NAMES[commonest], (int(median[0]), int(median[1]), int(median[2]))), histogram


@cache
def _name_table() -> NDArray[np.uint8]:
    """The position in `COLOR_NAMES` of every cell of RGB, uint8, shape (32, 32, 32): looking up is quick."""
    levels = np.arange(0, 256, _CELL) + _CELL // 2
    grid = np.stack(np.meshgrid(levels, levels, levels, indexing="ij"), axis=-1).reshape(-1, 3).astype(np.uint8)
    # The nearest shade by |p - s|^2 = |p|^2 - 2 p.s + |s|^2, of which |p|^2 is the same for all shades.
    distances = (_SHADES**2).sum(axis=1) - 2 * (_lab(grid) * _LAB_WEIGHTS) @ _SHADES.T
    return np.asarray(_NAME_OF_SHADE[distances.argmin(axis=1)].reshape(32, 32, 32), dtype=np.uint8)


def garment_colors(crop_rgb: NDArray[np.uint8], mask: Mask | None) -> tuple[Color, ColorHistogram]:
    """As `seen_colors`, of a crop, uint8 (H, W, 3), within its mask, uint8 (H, W), 0 or 1.

    The mask's rim is left out where enough remains: it is where background shines through.
    """
    if mask is None or not mask.any():
        return seen_colors(crop_rgb.reshape(-1, 3))
    side = max(3, int(0.03 * max(mask.shape)) | 1)
    inner = cv2.erode(mask, np.ones((side, side), np.uint8), borderType=cv2.BORDER_CONSTANT, borderValue=0)
    if inner.sum() < 0.2 * mask.sum():
        inner = mask
    return seen_colors(crop_rgb[inner.astype(bool)])
