"""Printed, woven and knitted patterns, each painted on one periodic tile."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from segmentation.drawn.shading import noise_sheet

Floats = NDArray[np.float32]
Rgb = tuple[int, int, int]
Colors = tuple[Rgb, Rgb, Rgb]
Pattern = Literal[
    "plain",
    "striped",
    "pinstripe",
    "vertical_stripe",
    "gingham",
    "plaid",
    "dots",
    "floral",
    "camo",
    "leopard",
    "houndstooth",
    "cable",
    "color_block",
    "melange",
]

TILE_UNITS = 32
"""Body units a tile spans; every pattern period divides it."""
OVERSAMPLE = 2


def _ground(colors: Colors, size: int) -> Floats:
    return np.broadcast_to(np.array(colors[0], np.float32), (size, size, 3)).copy()


def _mix(under: Floats, color: Rgb, weight: Floats) -> Floats:
    w = weight[..., None].astype(np.float32)
    return under * (1 - w) + np.array(color, np.float32) * w


def _band(size: int, period: float, start: float, share: float) -> Floats:
    """1 inside stripes that begin at `start` of the period and take `share` of it, soft-edged; shape (size,)."""
    at = (np.arange(size) + 0.5) / size * TILE_UNITS / period
    inside = np.abs((at - start - share / 2 + 0.5) % 1.0 - 0.5)
    edge = size / TILE_UNITS * period
    return np.clip((share / 2 - inside) * edge + 0.5, 0.0, 1.0).astype(np.float32)


def _plain(colors: Colors, period: float, rng: Generator, size: int) -> Floats:
    return _ground(colors, size)


def _striped(colors: Colors, period: float, rng: Generator, size: int) -> Floats:
    share = float(rng.choice([0.25, 0.35, 0.5]))
    sheet = _mix(_ground(colors, size), colors[1], np.tile(_band(size, period, 0.1, share)[:, None], (1, size)))
    if rng.random() < 0.35 and share < 0.5:
        sheet = _mix(sheet, colors[2], np.tile(_band(size, period, 0.65, 0.12)[:, None], (1, size)))
    return sheet


def _vertical(colors: Colors, period: float, rng: Generator, size: int) -> Floats:
    return np.ascontiguousarray(_striped(colors, period, rng, size).transpose(1, 0, 2))


def _pinstripe(colors: Colors, period: float, rng: Generator, size: int) -> Floats:
    return _mix(
        _ground(colors, size), colors[1], np.tile(_band(size, period, 0.4, 0.35 / period)[None, :] * 0.75, (size, 1))
    )


def _gingham(colors: Colors, period: float, rng: Generator, size: int) -> Floats:
    band = _band(size, period, 0.0, 0.5)
    return _mix(_ground(colors, size), colors[1], 0.5 * (band[:, None] + band[None, :]))


def _plaid(colors: Colors, period: float, rng: Generator, size: int) -> Floats:
    wide = 8.0 if period < 8 else period
    sheet = _ground(colors, size)
    for color, start, share, weight in (
        (1, 0.05, 0.38, 0.48),
        (2, 0.22, 0.05, 0.65),
        (0, 0.70, 0.10, 0.5),
        (2, 0.72, 0.05, 0.6),
    ):
        band = _band(size, wide, start, share) * weight
        sheet = _mix(sheet, colors[color], np.tile(band[None, :], (size, 1)))
        sheet = _mix(sheet, colors[color], np.tile(band[:, None], (1, size)))
    return sheet


class _Wrapped:
    """Draws shapes on an oversampled tile so that what leaves one side enters on the other."""

    def __init__(self, colors: Colors, size: int) -> None:
        self.size = size
        self.big = size * OVERSAMPLE
        self.image = Image.new("RGB", (self.big, self.big), colors[0])
        self.draw = ImageDraw.Draw(self.image)

    def blob(self, x: float, y: float, rx: float, ry: float, color: Rgb) -> None:
        """An ellipse given in units."""
        k = self.big / TILE_UNITS
        for dx in (-TILE_UNITS, 0, TILE_UNITS):
            for dy in (-TILE_UNITS, 0, TILE_UNITS):
                cx, cy = (x + dx) * k, (y + dy) * k
                self.draw.ellipse((cx - rx * k, cy - ry * k, cx + rx * k, cy + ry * k), fill=color)

    def sheet(self) -> Floats:
        return np.asarray(self.image.reduce(OVERSAMPLE), dtype=np.float32)


def _dots(colors: Colors, period: float, rng: Generator, size: int) -> Floats:
    tile = _Wrapped(colors, size)
    radius = period * float(rng.choice([0.16, 0.22, 0.28]))
    for row in range(int(TILE_UNITS / period) * 2):
        for col in range(int(TILE_UNITS / period)):
            tile.blob((col + 0.25 + 0.5 * (row % 2)) * period, (row + 0.5) * period / 2, radius, radius, colors[1])
    return tile.sheet()


def _scattered(rng: Generator, count: int, gap: float) -> list[tuple[float, float]]:
    """Places on the torus no nearer than `gap` to each other where room allows."""
    found: list[tuple[float, float]] = []
    for _ in range(count * 12):
        x, y = (float(c) for c in rng.uniform(0, TILE_UNITS, 2))
        near = [((x - a + 16) % 32 - 16) ** 2 + ((y - b + 16) % 32 - 16) ** 2 for a, b in found]
        if not near or min(near) > gap * gap:
            found.append((x, y))
        if len(found) == count:
            break
    return found


def _floral(colors: Colors, period: float, rng: Generator, size: int) -> Floats:
    tile = _Wrapped(colors, size)
    scale = 0.55 + period / 10
    leaf = (74, 110, 66) if sum(colors[0]) > 300 else (126, 158, 104)
    for number, (x, y) in enumerate(_scattered(rng, 34, 3.9 * scale)):
        turn = float(rng.uniform(0, 2 * np.pi))
        petal = colors[1] if number % 3 else colors[2]
        radius = scale * float(rng.uniform(0.8, 1.25))
        for k in (2.0, 4.5):
            tile.blob(
                x + 2.0 * radius * np.cos(turn + k),
                y + 2.0 * radius * np.sin(turn + k),
                0.75 * radius,
                0.45 * radius,
                leaf,
            )
        for k in range(5):
            a = turn + k * 2 * np.pi / 5
            tile.blob(x + radius * np.cos(a), y + radius * np.sin(a), 0.85 * radius, 0.85 * radius, petal)
        tile.blob(x, y, 0.55 * radius, 0.55 * radius, (236, 196, 92))
    return tile.sheet()


def _leopard(colors: Colors, period: float, rng: Generator, size: int) -> Floats:
    tile = _Wrapped(colors, size)
    for x, y in _scattered(rng, 75, 2.5):
        radius = float(rng.uniform(0.9, 1.3))
        for k in range(4):
            a = float(rng.uniform(0, 0.7)) + k * np.pi / 2
            tile.blob(x + radius * np.cos(a), y + radius * np.sin(a), 0.55 * radius, 0.5 * radius, colors[2])
        tile.blob(x, y, 0.7 * radius, 0.65 * radius, colors[1])
    return tile.sheet()


def _camo(colors: Colors, period: float, rng: Generator, size: int) -> Floats:
    sheet = _ground(colors, size)
    noise = noise_sheet()
    repeat = np.tile(noise, (2, 2))[:: max(1, 512 // size), :: max(1, 512 // size)][:size, :size]
    third = (int(colors[0][0] * 0.45), int(colors[0][1] * 0.45), int(colors[0][2] * 0.42))
    for k, color in enumerate((colors[1], colors[2], third)):
        field = np.roll(repeat, (int(rng.integers(size)), int(rng.integers(size))), (0, 1))
        field = field if k % 2 else field.T
        sheet = _mix(sheet, color, np.clip((field - 0.22) * 30, 0, 1))
    return sheet


def _houndstooth(colors: Colors, period: float, rng: Generator, size: int) -> Floats:
    at = (np.arange(size) + 0.5) / size * TILE_UNITS / 4.0
    x, y = np.meshgrid(at % 1.0, at % 1.0)
    block = (
        ((x < 0.5) & (y < 0.5))
        | ((x >= 0.5) & (y < 0.5) & ((x + y) % 0.5 < 0.25))
        | ((x < 0.5) & (y >= 0.5) & ((x + y) % 0.5 < 0.25))
    )
    return _mix(_ground(colors, size), colors[1], block.astype(np.float32))


def _cable(colors: Colors, period: float, rng: Generator, size: int) -> Floats:
    """Cable knit: two strands that twine in relief, on columns of purl."""
    at = (np.arange(size) + 0.5) / size * TILE_UNITS
    x, y = np.meshgrid(at % 8.0 - 4.0, at)
    light = np.full((size, size), 0.84, np.float32)
    for side in (0.0, np.pi):
        strand = 1.35 * np.sin(2 * np.pi * y / 8.0 + side)
        near = np.clip(1.0 - ((x - strand) / 1.15) ** 2, 0.0, 1.0)
        front = 0.85 + 0.15 * np.cos(2 * np.pi * y / 8.0 + side)
        light = np.maximum(light, (0.84 + 0.34 * np.sqrt(near) * front).astype(np.float32))
    light -= (0.16 * np.exp(-(((np.abs(x) - 3.0) / 0.3) ** 2))).astype(np.float32)
    return _ground(colors, size) * light[:, :, None]


def _melange(colors: Colors, period: float, rng: Generator, size: int) -> Floats:
    noise = rng.standard_normal((size, size)).astype(np.float32)
    smear = (noise + np.roll(noise, 1, 1) + np.roll(noise, 2, 1) + np.roll(noise, 3, 1)) / 2
    return np.asarray(_ground(colors, size) * (1.0 + 0.09 * smear)[:, :, None], dtype=np.float32)


PATTERN_PAINTERS: dict[Pattern, Callable[[Colors, float, Generator, int], Floats]] = {
    "plain": _plain,
    "striped": _striped,
    "pinstripe": _pinstripe,
    "vertical_stripe": _vertical,
    "gingham": _gingham,
    "plaid": _plaid,
    "dots": _dots,
    "floral": _floral,
    "camo": _camo,
    "leopard": _leopard,
    "houndstooth": _houndstooth,
    "cable": _cable,
    "color_block": _plain,
    "melange": _melange,
}
"""`color_block` is cut and sewn, not printed: the garments themselves put the accent below a seam."""
