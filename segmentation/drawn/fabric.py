"""Cloth: a pattern in colors on a material, as a periodic tile that garments sample along their own chart."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from segmentation.drawn.patterns import PATTERN_PAINTERS, TILE_UNITS, Pattern, Rgb
from segmentation.drawn.shading import noise_sheet

Floats = NDArray[np.float32]
Material = Literal["cotton", "denim", "knit", "wool", "leather", "satin", "linen", "nylon", "suede", "straw", "metal"]

TILE_PX_PER_UNIT = 8
TILE_PX = TILE_UNITS * TILE_PX_PER_UNIT


@dataclass(frozen=True, slots=True)
class Fabric:
    """What a garment is made of; equal fabrics look equal wherever they are drawn."""

    pattern: Pattern
    material: Material
    colors: tuple[Rgb, Rgb, Rgb]
    """Ground, first and second accent."""
    period: float = 4.0
    """Units after which the pattern repeats; a divisor of `TILE_UNITS` (32)."""
    seed: int = 0

    @property
    def ground(self) -> Rgb:
        """Its main color."""
        return self.colors[0]


def darker(color: Rgb, share: float) -> Rgb:
    """The color at `share` of its brightness (above 1: lighter, towards white)."""
    if share <= 1.0:
        return (int(color[0] * share), int(color[1] * share), int(color[2] * share))
    lift = min(share - 1.0, 1.0)
    red, green, blue = (int(c + (255 - c) * lift) for c in color)
    return (red, green, blue)


def is_dark(color: Rgb) -> bool:
    """Whether white detail shows better on it than black detail."""
    return 0.30 * color[0] + 0.59 * color[1] + 0.11 * color[2] < 110


def detail_color(color: Rgb) -> Rgb:
    """A color for seams on this ground: darker on light cloth, lighter on nearly black cloth."""
    return darker(color, 1.22) if 0.30 * color[0] + 0.59 * color[1] + 0.11 * color[2] < 48 else darker(color, 0.62)


def sample_fabric(cloth: Fabric | Rgb, x: NDArray[np.generic], y: NDArray[np.generic], scale: float) -> Floats:
    """Colors at positions in units.

    Args:
        cloth: A fabric or one flat color.
        x: Units across, shape (n,).
        y: Units along, shape (n,).
        scale: Pixels per unit of the canvas; chooses a coarser tile for small figures, against moire.

    Returns:
        float32, shape (n, 3), 0..255.
    """
    if not isinstance(cloth, Fabric):
        return np.tile(np.array(cloth, np.float32), (len(x), 1))
    level = 0 if scale > 5.0 else 1 if scale > 2.2 else 2
    tile = fabric_tile(cloth, level)
    size = TILE_PX >> level
    per_unit = np.float32(TILE_PX_PER_UNIT / (1 << level))
    fx = x.astype(np.float32) * per_unit + np.float32(size * 64 - 0.5)
    fy = y.astype(np.float32) * per_unit + np.float32(size * 64 - 0.5)
    col, row = fx.astype(np.int32), fy.astype(np.int32)
    wx, wy = (fx - col)[:, None], (fy - row)[:, None]
    last = size - 1
    c0, c1, r0, r1 = col & last, (col + 1) & last, row & last, (row + 1) & last
    top = tile[r0, c0] * (1 - wx) + tile[r0, c1] * wx
    low = tile[r1, c0] * (1 - wx) + tile[r1, c1] * wx
    return np.asarray(top * (1 - wy) + low * wy, dtype=np.float32)


@lru_cache(maxsize=96)
def fabric_tile(fabric: Fabric, level: int) -> Floats:
    """The periodic tile, float32, shape (256 >> level, 256 >> level, 3), 0..255."""
    if level > 0:
        full = fabric_tile(fabric, level - 1)
        half = full.reshape(full.shape[0] // 2, 2, full.shape[1] // 2, 2, 3).mean(axis=(1, 3))
        return np.asarray(half, dtype=np.float32)
    sheet = PATTERN_PAINTERS[fabric.pattern](fabric.colors, fabric.period, np.random.default_rng(fabric.seed), TILE_PX)
    grain = MATERIAL_GRAINS.get(fabric.material, _weave)
    return np.asarray(np.clip(sheet * grain(fabric.seed)[:, :, None], 0.0, 255.0), dtype=np.float32)


def _grid() -> tuple[Floats, Floats]:
    at = np.arange(TILE_PX, dtype=np.float32) / TILE_PX_PER_UNIT
    return np.broadcast_to(at[None, :], (TILE_PX, TILE_PX)), np.broadcast_to(at[:, None], (TILE_PX, TILE_PX))


def _white(seed: int, amplitude: float) -> Floats:
    noise = np.random.default_rng(seed + 7).standard_normal((TILE_PX, TILE_PX)).astype(np.float32)
    return np.asarray(noise * amplitude, dtype=np.float32)


def _weave(seed: int) -> Floats:
    """Plain woven cloth: a barely visible grain."""
    return np.asarray(1.0 + _white(seed, 0.012), dtype=np.float32)


def _twill(seed: int) -> Floats:
    """Denim: diagonal twill with white weft showing, streaked along the warp."""
    x, y = _grid()
    twill = np.sin(2 * np.pi * (x + y) * 2.0)
    streak = np.random.default_rng(seed + 3).standard_normal((1, TILE_PX)).astype(np.float32)
    worn = noise_sheet()
    return np.asarray(1.04 + 0.05 * twill + 0.05 * streak + 0.07 * worn + _white(seed, 0.035), dtype=np.float32)


def _stitches(seed: int) -> Floats:
    """Knit: columns of V stitches."""
    x, y = _grid()
    column = x % 1.0
    rise = np.abs(column - 0.5) * 1.4
    loops = np.sin(2 * np.pi * (y + rise) * 1.0)
    gap = np.exp(-(((column - 0.5) / 0.13) ** 2)) + np.exp(-((np.minimum(column, 1 - column) / 0.10) ** 2))
    return np.asarray(1.0 + 0.075 * loops - 0.11 * gap + _white(seed, 0.015), dtype=np.float32)


def _felt(seed: int) -> Floats:
    """Wool coating: mottled."""
    return np.asarray(1.0 + _white(seed, 0.035) + 0.025 * noise_sheet(), dtype=np.float32)


def _hide(seed: int) -> Floats:
    """Leather: fine grain in broad shine."""
    return np.asarray(1.0 + _white(seed, 0.018) + 0.05 * noise_sheet(), dtype=np.float32)


def _slubs(seed: int) -> Floats:
    """Linen: threads of uneven thickness both ways."""
    rng = np.random.default_rng(seed + 5)
    across, along = rng.standard_normal((1, TILE_PX)), rng.standard_normal((TILE_PX, 1))
    return np.asarray(1.0 + 0.025 * across + 0.025 * along + _white(seed, 0.015), dtype=np.float32)


def _smooth(seed: int) -> Floats:
    del seed
    return np.ones((TILE_PX, TILE_PX), np.float32)


def _plaits(seed: int) -> Floats:
    """Straw: a basket weave."""
    x, y = _grid()
    over = np.sin(2 * np.pi * x) * np.sin(2 * np.pi * y)
    return np.asarray(1.0 + 0.16 * over + _white(seed, 0.03), dtype=np.float32)


MATERIAL_GRAINS: dict[Material, Callable[[int], Floats]] = {
    "cotton": _weave,
    "denim": _twill,
    "knit": _stitches,
    "wool": _felt,
    "leather": _hide,
    "satin": _smooth,
    "linen": _slubs,
    "nylon": _smooth,
    "suede": _felt,
    "straw": _plaits,
    "metal": _smooth,
}
