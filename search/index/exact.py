"""Exact answers at the price of approximate ones: candidates from a cheap score, then the true scores of those.

The cheap score's error is bounded, so one comparison tells whether a better vector can have been left out; where it
can (many near-duplicates around rank k), all allowed vectors are scored in full.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from search.index.base import NO_ID, Hits
from search.index.scans import multiply

_CHUNK_ROWS = 4096  # float64 copies of this many rows at a time: 8 MiB at 256 dimensions

Ranked = tuple[NDArray[np.int64], NDArray[np.float32]]
"""Ids int64 (n,) and scores float32 (n,), best first, not padded."""


def true_scores(
    vectors: NDArray[np.float32], positions: NDArray[np.int64], query: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Score some rows as the contract defines it: products summed in float64, rounded to float32.

    Each row is summed by itself in the same order, so equal vectors get equal scores wherever they stand; BLAS does
    not promise that.

    Args:
        vectors: float32 (N, dim).
        positions: int64 (n,), rows to score.
        query: float32 (dim,).

    Returns:
        float32 (n,).
    """
    scores = np.empty(positions.size, dtype=np.float32)
    query64 = query.astype(np.float64)
    for start in range(0, positions.size, _CHUNK_ROWS):
        rows = vectors[positions[start : start + _CHUNK_ROWS]].astype(np.float64)
        scores[start : start + _CHUNK_ROWS] = (rows * query64).sum(axis=1)
    return scores


def rank(ids: NDArray[np.int64], scores: NDArray[np.float32], k: int) -> Ranked:
    """Order by falling score, ties by the lower id, and keep the first k.

    >>> rank(np.array([9, 4, 7]), np.array([0.5, 0.5, 0.9], dtype=np.float32), 2)[0].tolist()
    [7, 4]
    """
    order = np.lexsort((ids, -scores))[:k]
    return ids[order], scores[order]


def rank_all(
    ids: NDArray[np.int64],
    vectors: NDArray[np.float32],
    query: NDArray[np.float32],
    k: int,
    positions: NDArray[np.int64] | None = None,
) -> Ranked:
    """Find the k best of the given rows by multiplying them all.

    Args:
        ids: int64 (N,).
        vectors: float32 (N, dim).
        query: float32 (dim,).
        k: How many to keep.
        positions: int64 (n,), rows that may be hits; None means all.
    """
    scores = multiply(vectors, query, positions)
    if positions is None:
        positions = np.arange(ids.size)
    if scores.size > k:
        kth = np.partition(scores, scores.size - k)[scores.size - k]
        # Both the k-th and its rival may be off by the float32 sum's error.
        near = np.flatnonzero(scores >= kth - 2.0 * query.size * 2.0**-23)
        positions = positions[near]
    return rank(ids[positions], true_scores(vectors, positions, query), k)


def rank_nominated(
    ids: NDArray[np.int64],
    vectors: NDArray[np.float32],
    query: NDArray[np.float32],
    k: int,
    nominated: tuple[NDArray[np.float32], NDArray[np.int64]],
    error: float,
) -> Ranked | None:
    """Find the k best among nominated rows, if they certainly contain the k best of all.

    Args:
        ids: int64 (N,).
        vectors: float32 (N, dim).
        query: float32 (dim,).
        k: How many to keep.
        nominated: Coarse scores, falling, and positions (n,) with -1 where there were no more; n > k.
        error: Bound of |coarse score - true score|.

    Returns:
        The ranking, or None when a row that was not nominated could belong to it.
    """
    coarse, positions = nominated
    complete = bool(positions[-1] == NO_ID)
    positions = positions[positions != NO_ID]
    best_ids, scores = rank(ids[positions], true_scores(vectors, positions, query), k)
    if complete or scores[-1] > coarse[-1] + error:
        return best_ids, scores
    return None


def padded(ranked: Sequence[Ranked], k: int, generation: int) -> Hits:
    """Put rankings of up to k entries into rectangular arrays; `generation` is handed on."""
    ids = np.full((len(ranked), k), NO_ID, dtype=np.int64)
    scores = np.full((len(ranked), k), -np.inf, dtype=np.float32)
    for row, (best_ids, best_scores) in enumerate(ranked):
        ids[row, : best_ids.size] = best_ids
        scores[row, : best_ids.size] = best_scores
    return Hits(ids, scores, generation)
