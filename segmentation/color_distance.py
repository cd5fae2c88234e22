"""How far apart the colors of two garments are, as people see them; no torch, so that searches can rank by it.

Histograms are compared by the earth mover's distance: the least work that turns one garment's colors into the other's,
so that a navy shirt that is half named black in the shade stays near a navy one. The work between two names is the
difference of their shades in CIE L*a*b*, saturated: beyond some difference, colors are simply different.
Source: Rubner, Tomasi and Guibas, "The earth mover's distance as a metric for image retrieval", IJCV 2000; Ruzon and
Tomasi, "Color edge detection with the compass operator", CVPR 1999 (the saturation).
"""

from __future__ import annotations

from collections.abc import Mapping

import cv2
import numpy as np
from numpy.typing import NDArray

from segmentation.colors import COLOR_NAMES, SHADES_LAB
from segmentation.types import ColorHistogram

_SATURATION = 20.0
"""Difference in weighted L*a*b* at which the distance is 1 - 1/e: that of blue from navy (27)."""

KINDS: Mapping[str, tuple[str, ...]] = {
    "gray": ("silver",),
    "white": ("cream", "silver"),
    "brown": ("tan",),
    "red": ("burgundy",),
    "green": ("olive", "teal"),
    "blue": ("light blue", "navy", "teal"),
    "purple": ("lavender",),
    "beige": ("cream", "tan"),
}
"""What else a basic color word means: who asks for blue is shown navy too, who asks for navy is not shown blue.
Source of the basic words: Berlin and Kay, "Basic color terms", 1969."""


def _shade_distance(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    """Between names of several shades: from each shade to the other name's nearest, on average, both ways."""
    pairs = np.linalg.norm(one[:, None] - other[None], axis=2)
    return float(pairs.min(axis=0).mean() + pairs.min(axis=1).mean()) / 2


COLOR_DISTANCES: NDArray[np.float32] = np.array(
    [[1 - np.exp(-_shade_distance(one, other) / _SATURATION) for other in SHADES_LAB] for one in SHADES_LAB], np.float32
)
"""float32, shape (colors, colors), 0 (the same) to 1, in the order of `COLOR_NAMES`."""
_POSITION = {name: position for position, name in enumerate(COLOR_NAMES)}


def names_meant(color: str) -> frozenset[str]:
    """The names of garments' colors that a shopper means by a color.

    Raises:
        KeyError: It is none of `COLOR_NAMES`.

    >>> sorted(names_meant("blue")), sorted(names_meant("navy"))
    (['blue', 'light blue', 'navy', 'teal'], ['navy'])
    """
    return frozenset({COLOR_NAMES[_POSITION[color]], *KINDS.get(color, ())})


def color_match(histogram: ColorHistogram, color: str) -> float:
    """How much a garment is "in that color": 1 minus the distance from a garment of that color alone.

    Args:
        histogram: The garment's colors; one that is empty (not known) matches nothing.
        color: One of `COLOR_NAMES`.

    Returns:
        0..1; the share of the color, to which near shades add as they resemble it.

    Raises:
        KeyError: `color` is none of `COLOR_NAMES`.

    >>> [round(color_match({name: 1.0}, "navy"), 2) for name in ("navy", "blue", "yellow")]
    [1.0, 0.26, 0.01]
    """
    weights = 1.0 - COLOR_DISTANCES[_POSITION[color]]
    total = sum(histogram.values())
    if not total > 0:
        return 0.0
    return sum(share * float(weights[_POSITION[name]]) for name, share in histogram.items()) / total


def color_distance(one: ColorHistogram, other: ColorHistogram) -> float:
    """The earth mover's distance of two garments' colors.

    Returns:
        0 (the same colors in the same shares) to 1; 1 where either is empty (not known).

    >>> striped = {"navy": 0.6, "white": 0.4}
    >>> color_distance(striped, striped), round(color_distance(striped, {"navy": 1.0}), 2)
    (0.0, 0.37)
    """
    if not (sum(one.values()) > 0 and sum(other.values()) > 0):
        return 1.0
    work, _, _ = cv2.EMD(_signature(one), _signature(other), cv2.DIST_USER, cost=COLOR_DISTANCES)
    return min(1.0, max(0.0, float(work)))


def _signature(histogram: ColorHistogram) -> NDArray[np.float32]:
    """float32, shape (colors, 1), sum 1."""
    shares = np.zeros((len(COLOR_NAMES), 1), np.float32)
    for name, share in histogram.items():
        shares[_POSITION[name]] = share
    return np.asarray(shares / shares.sum(), dtype=np.float32)
