"""Embedded garments of which cut, pattern and color are known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from segmentation.colors import seen_colors
from segmentation.types import ColorHistogram


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """Embedded garments; what is known of them is aligned with the rows.

    `vectors` float32 (N, dim), unit length; `cuts` int64 (N,), equal for one cut, or for one item group of a shop;
    `patterns` and `colors` str (N,), as drawn or as the feed says ("" where unknown), colors in the words of
    `segmentation.colors.COLOR_NAMES` where they are drawn; `seen` what a search sees of their colors.
    """

    vectors: NDArray[np.float32]
    cuts: NDArray[np.int64]
    patterns: NDArray[np.str_]
    colors: NDArray[np.str_]
    seen: tuple[ColorHistogram, ...]

    def __len__(self) -> int:
        return len(self.vectors)

    def __getitem__(self, rows: NDArray[np.bool_] | slice) -> Samples:
        """Some of the rows."""
        chosen = np.arange(len(self))[rows]
        seen = tuple(self.seen[row] for row in chosen)
        return Samples(self.vectors[rows], self.cuts[rows], self.patterns[rows], self.colors[rows], seen)

    def designs(self) -> NDArray[np.int64]:
        """Equal for garments of one cut and pattern, which differ in color alone, int64 (N,)."""
        patterns = np.unique(self.patterns, return_inverse=True)[1]
        return np.unique(np.stack((self.cuts, patterns)), axis=1, return_inverse=True)[1].reshape(-1).astype(np.int64)


def color_word(rgb: tuple[int, int, int]) -> str:
    """What a shopper would call a dye.

    >>> color_word((33, 46, 84))
    'navy'
    """
    return seen_colors(np.array([rgb], np.uint8))[0].name
