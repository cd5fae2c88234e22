"""How cloth falls: light over roundness, folds, wrinkles, pleats and quilting."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Floats = NDArray[np.float32]

NOISE_SIZE = 256


@dataclass(frozen=True, slots=True)
class Drape:
    """How a strip falls; amplitudes are shares of full brightness."""

    round: float = 0.20
    """Darkening towards both edges."""
    folds: float = 0.10
    """Long folds that run along the strip."""
    fold_count: float = 2.5
    """About how many folds lie side by side."""
    wrinkles: tuple[tuple[float, float], ...] = ()
    """(place along the strip in units, strength) of creases across it: elbows, knees, waist."""
    pleats: int = 0
    """Number of pressed pleats side by side."""
    quilt: float = 0.0
    """Units between quilting seams, 0 for none."""
    ribs: float = 0.0
    """Units between the ribs of a knitted band, 0 for none."""
    gloss: float = 0.0
    """Strength of a highlight along the strip (leather, satin)."""
    seed: int = 0


@lru_cache(maxsize=1)
def noise_sheet() -> Floats:
    """Smooth periodic noise, shape (256, 256), roughly -1..1, the same in every process."""
    rng = np.random.default_rng(20190424)
    total = np.zeros((NOISE_SIZE, NOISE_SIZE), np.float32)
    for cells, weight in ((8, 1.0), (16, 0.55), (32, 0.25)):
        coarse = rng.standard_normal((cells, cells)).astype(np.float32)
        tiled = Image.fromarray(np.tile(coarse, (3, 3)))
        fine = tiled.resize((NOISE_SIZE * 3, NOISE_SIZE * 3), Image.Resampling.BICUBIC)
        total += weight * np.asarray(fine)[NOISE_SIZE : 2 * NOISE_SIZE, NOISE_SIZE : 2 * NOISE_SIZE]
    return np.asarray(total / (np.abs(total).max() * 0.7), dtype=np.float32)


def noise_at(x: NDArray[np.floating[Any]], y: NDArray[np.floating[Any]]) -> Floats:
    """The noise at positions in cells (8 cells, then it repeats), shape kept."""
    sheet = noise_sheet()
    step = NOISE_SIZE / 8
    col = (x * step).astype(np.int32) & (NOISE_SIZE - 1)
    row = (y * step).astype(np.int32) & (NOISE_SIZE - 1)
    return np.asarray(sheet[row, col], dtype=np.float32)


def drape_light(drape: Drape, u: Floats, v: Floats, x: Floats) -> Floats:
    """Brightness of each pixel of a strip, about 0.5..1.3, light from the upper left.

    Args:
        drape: How it falls.
        u: -1..1 across.
        v: Units along.
        x: Units across from the centre line.
    """
    near: Floats = np.clip(u, -1.0, 1.0)
    light = 1.0 - drape.round * (near**4 + 0.35 * near * np.abs(near) + 0.1 * near)
    shift = np.float32(drape.seed % 97) * np.float32(0.37)
    if drape.folds > 0.0:
        lean = near * drape.fold_count * 0.5
        wave = noise_at(lean + shift + v * 0.012, v * 0.018 + shift)
        light += drape.folds * np.tanh(1.6 * wave)
        light += 0.35 * drape.folds * noise_at(x * 0.09 + shift, v * 0.09 + 3.0)
    for place, strength in drape.wrinkles:
        around = np.exp(-(((v - place) / 6.0) ** 2))
        light += strength * around * noise_at(near * 0.6 + shift + 1.0, (v + 2.2 * near) * 0.20 + shift)
    if drape.pleats > 0:
        phase = (near + 1.0) * 0.5 * drape.pleats
        phase -= np.floor(phase)
        light += 0.20 * (0.55 - phase) * np.minimum(1.0, v / 4.0) - 0.22 * (phase > 0.93)
    if drape.quilt > 0.0:
        bump = np.abs(np.sin(np.pi * (v + 0.5 * near * near) / drape.quilt))
        light += 0.30 * (np.sqrt(bump) - 0.75) + 0.08 * noise_at(x * 0.35 + shift, v * 0.22)
    if drape.ribs > 0.0:
        light -= 0.16 * (0.5 + 0.5 * np.cos(2 * np.pi * x / drape.ribs))
    if drape.gloss > 0.0:
        light += drape.gloss * np.exp(-(((near + 0.38 + 0.1 * noise_at(v * 0.05, shift + v * 0.0)) / 0.16) ** 2))
    return np.asarray(light, dtype=np.float32)
