"""Vectors with their ids and tags as parallel arrays, and the search over them: which way is cheapest, always exact."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from search.index.base import NO_ID, Hits, Where
from search.index.exact import Ranked, rank_all, rank_nominated
from search.index.scans import CoarseIndex, nominate, score_error

MULTIPLY_AT_MOST = 8192
"""Up to this many allowed rows, multiplying just those is the fastest way (0.1 ms at 256 dimensions)."""

MULTIPLY_SHARE = 0.5
"""Up to this share of the rows, too. At 100k x 256, multiplying 10 % takes 1.0 ms, a scan with a bitmap 3.7; at 50 %,
4.6 against 6.1; at 80 % they are even (its branches guess badly); the scan without a filter takes 2.4."""


def candidates_for(k: int) -> int:
    """Decide how many rows the coarse scan nominates: 64 for the usual 10, which cost it no more than 10 would."""
    return 2 * k + 44


@dataclass(frozen=True)
class Rows:
    """One state of an index; nothing in it may change while it is searched.

    Attributes:
        ids: int64 (N,), each once.
        retailer_ids: int64 (N,).
        category_ids: int64 (N,).
        vectors: float32 (N, dim), unit length; may be a mapped file.
        coarse: Compact copy of `vectors` for wide searches; None: multiply all.
    """

    ids: NDArray[np.int64]
    retailer_ids: NDArray[np.int64]
    category_ids: NDArray[np.int64]
    vectors: NDArray[np.float32]
    coarse: CoarseIndex | None = None

    def allowed(self, where: Where | None) -> NDArray[np.bool_] | None:
        """Tell which rows may be hits: bool (N,), or None for all."""
        mask: NDArray[np.bool_] | None = None
        if where is not None:
            for values, wanted in ((self.retailer_ids, where.retailer_ids), (self.category_ids, where.category_ids)):
                if wanted is not None:
                    found = _is_one_of(values, wanted)
                    mask = found if mask is None else mask & found
        return mask

    def search(self, queries: NDArray[np.float32], k: int, where: Where | None, generation: int) -> Hits:
        """Answer valid queries, float32 (Q, dim); `generation` is handed on into the hits."""
        mask = self.allowed(where)
        count = self.ids.size if mask is None else int(np.count_nonzero(mask))
        if count == self.ids.size:
            mask = None  # as where there is one retailer: testing each row would double the scan's time
        n_candidates = candidates_for(k)
        if self.coarse is None or count <= max(MULTIPLY_AT_MOST, n_candidates, MULTIPLY_SHARE * self.ids.size):
            positions = None if mask is None else np.flatnonzero(mask)
            return _padded([rank_all(self.ids, self.vectors, query, k, positions) for query in queries], k, generation)
        error = score_error(self.vectors.shape[1])
        ranked: list[Ranked] = []
        for query, *nominated in zip(queries, *nominate(self.coarse, queries, n_candidates, mask), strict=True):
            best = rank_nominated(self.ids, self.vectors, query, k, (nominated[0], nominated[1]), error)
            if best is None:
                positions = None if mask is None else np.flatnonzero(mask)
                best = rank_all(self.ids, self.vectors, query, k, positions)
            ranked.append(best)
        return _padded(ranked, k, generation)


def _is_one_of(values: NDArray[np.int64], wanted: frozenset[int]) -> NDArray[np.bool_]:
    """Tell which values are wanted; for the usual handful, comparisons are 20 times faster than `np.isin`."""
    if len(wanted) > 32:
        return np.isin(values, np.fromiter(wanted, dtype=np.int64))
    found = np.zeros(values.size, dtype=np.bool_)
    for one in wanted:
        found |= values == one
    return found


def _padded(ranked: Sequence[Ranked], k: int, generation: int) -> Hits:
    """Put rankings of up to k entries into rectangular arrays."""
    ids = np.full((len(ranked), k), NO_ID, dtype=np.int64)
    scores = np.full((len(ranked), k), -np.inf, dtype=np.float32)
    for row, (best_ids, best_scores) in enumerate(ranked):
        ids[row, : best_ids.size] = best_ids
        scores[row, : best_ids.size] = best_scores
    return Hits(ids, scores, generation)
