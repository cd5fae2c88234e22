"""Vectors with their ids and tags as parallel arrays, and the search over them: which way is cheapest."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from search.index.base import Where
from search.index.coarse import Coarse
from search.index.exact import Ranked, rank_all
from search.index.masks import Selections

MULTIPLY_AT_MOST = 8192
"""Up to this many selected rows, multiplying just those is faster than scanning all codes (0.5 ms at 256 floats)."""

MULTIPLY_SHARE = 0.5
"""Up to this share of the rows, too: at 100k x 256, multiplying 10 % takes 1.0 ms, a scan with a bitmap 3.7; at 50 %,
4.6 against 6.1; at 80 % they are even (its branches guess badly)."""

MULTIPLY_BEFORE_LISTS_AT_MOST = 4096
"""Up to this many, multiplying is as fast as looking into lists, and exact."""


def candidates_for(k: int) -> int:
    """Decide how many coarse scores are checked: 64 for the usual 10, which cost hardly more than 10 would."""
    return 2 * k + 44


@dataclass(frozen=True)
class Rows:
    """A base: rows that never change, with what makes searching them fast.

    Whoever keeps it tells by a bitmap which rows are still alive; the bitmap is never changed either.

    Attributes:
        ids: int64 (N,), each once, rising.
        tags: A column (N,) of integers for each of `TAG_NAMES`, in that order; of any width.
        vectors: float32 (N, dim), unit length; may be a mapped file.
        coarse: Compact copy of `vectors` for wide searches; None: multiply all.
    """

    ids: NDArray[np.int64]
    tags: tuple[NDArray[np.integer], ...]
    vectors: NDArray[np.float32]
    coarse: Coarse | None = None

    @property
    def kind(self) -> str:
        """How it is searched, for people."""
        return "none" if self.coarse is None else self.coarse.description

    @cached_property
    def _selections(self) -> Selections:
        return Selections(self.tags, self.ids.size)

    def search(
        self, queries: NDArray[np.float32], k: int, where: Where | None, alive: NDArray[np.uint8] | None
    ) -> list[Ranked]:
        """Find the k best rows of each query, all that there are if fewer.

        Args:
            queries: float32 (Q, dim), valid.
            k: At least 1.
            where: Restriction; None means none.
            alive: uint8 (ceil(N / 8),), bit i % 8 of byte i // 8 (least first) is set where row i may be a hit, as
                `np.packbits(..., bitorder="little")` makes it and FAISS reads it; None means all rows.

        Returns:
            A ranking per query, with true scores (see `exact.true_scores`).
        """
        selection = self._selections.select(where, alive)
        n = candidates_for(k)
        if self.coarse is None or selection.count <= max(n, _multiply_at_most(self.coarse, self.ids.size)):
            return [rank_all(self.ids, self.vectors, query, k, selection.positions) for query in queries]
        return self.coarse.rank(self.ids, self.vectors, queries, k, n, selection)


def _multiply_at_most(coarse: Coarse, n_rows: int) -> float:
    if coarse.scans_all:
        return max(MULTIPLY_AT_MOST, MULTIPLY_SHARE * n_rows)
    return min(MULTIPLY_AT_MOST, MULTIPLY_BEFORE_LISTS_AT_MOST)
