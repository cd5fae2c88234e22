"""How far beyond its centroid's score a list can hold something better: learnt when the lists are built.

A list need not be looked into if even its best member cannot belong to the k best. The members of list c lie around its
centroid with a root mean square distance `spread[c]`; in a query's direction they reach beyond the centroid's own score
by some multiple of that, seldom more than `factor * spread[c]`. So with the k-th best score s known so far,

    look into c   iff   query . centroid[c] + factor(s) * spread[c] >= s

How large the factor must be depends on how near the query is to what it finds (a query inside of a cluster has its
neighbours' differences in its own direction), hence on s. It is measured on stored vectors, moved about, with exact
answers: among all vectors, among random parts of them (as filters leave), and among those far from the query (as
filters against the query's kind leave). So each query looks into as many lists as it needs, whatever the number of
vectors, the clusters' shapes and the filter: recall does not fall as the index grows, and k hits are found wherever
k exist, because s is -inf until then.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

K = 10
"""Hits per query on which the factor is measured."""
N_QUERIES = 256
MISSED_AT_MOST = 0.005
"""Share of the k best whose list may be passed over."""
_PARTS = (8, 64)
"""One in so many vectors are the random parts."""
_FAR_SHARES = (0.9, 0.5)
"""Shares of the lists, the farthest from a query."""
_N_KNOTS = 8
_MOVES = (0.0, 0.3, 0.75, 1.7)
"""Lengths of the noise added to a unit vector: cosines of 0.96, 0.8 and 0.5 with what was stored."""


@dataclass(frozen=True)
class Reach:
    """The factor as a function of the k-th best score.

    Attributes:
        scores: float64 (n,), rising.
        factors: float64 (n,).
    """

    scores: NDArray[np.float64]
    factors: NDArray[np.float64]

    def factor(self, kth_score: float) -> float:
        """How many spreads beyond its centroid a list may reach, when this is the k-th best score so far."""
        return float(np.interp(kth_score, self.scores, self.factors))

    def widened(self, by: float) -> "Reach":
        """The same with all factors multiplied."""
        return Reach(self.scores, self.factors * by)


def draw_queries(sample: Floats, random: np.random.Generator) -> Floats:
    """Make queries of stored vectors: moved by less and by more, and some between two of them; float32 (Q, dim)."""
    rows = sample[random.permutation(len(sample))[:N_QUERIES]]
    noise = random.standard_normal(rows.shape, dtype=np.float32)
    noise /= np.linalg.norm(noise, axis=1, keepdims=True)
    turn = np.arange(len(rows)) % len(_MOVES)
    queries = rows + np.array(_MOVES, dtype=np.float32)[turn, None] * noise
    between = turn == 0
    queries[between] = rows[between] + 0.7 * np.roll(rows, 1, axis=0)[between]
    return np.asarray(queries / np.linalg.norm(queries, axis=1, keepdims=True), dtype=np.float32)


class ReachMeter:
    """Sees all vectors once, in chunks, with their lists, and then tells the reach.

    Args:
        queries: float32 (Q, dim).
        centroids: float32 (n_lists, dim).
        random: Draws the random parts.
    """

    def __init__(self, queries: Floats, centroids: Floats, random: np.random.Generator) -> None:
        self.queries = queries
        self._list_scores = queries @ centroids.T
        self._random = random
        self._all = _Best(len(queries))
        self._parts = {one_in: _Best(len(queries)) for one_in in _PARTS}
        edges = np.quantile(self._list_scores, _FAR_SHARES, axis=1)
        self._far = [(self._list_scores <= edge[:, None], _Best(len(queries))) for edge in edges]

    def see(self, vectors: Floats, lists: NDArray[np.int64]) -> None:
        """Take a chunk, float32 (N, dim), with the list of each row, int64 (N,)."""
        scores = self.queries @ vectors.T
        self._all.offer(scores, lists)
        for one_in, best in self._parts.items():
            part = self._random.integers(0, one_in, len(vectors)) == 0
            best.offer(scores[:, part], lists[part])
        for is_far, best in self._far:
            best.offer(np.where(is_far[:, lists], scores, -np.inf), lists)

    def kth_scores(self) -> Floats:
        """The true K-th best score of each query among all vectors, float32 (Q,)."""
        kths: Floats = self._all.scores.min(axis=1)
        return kths

    def reach(self, spreads: Floats) -> Reach:
        """Tell the reach, given the lists' spreads, float32 (n_lists,)."""
        kths, factors = [], []
        for best in (self._all, *self._parts.values(), *(best for _, best in self._far)):
            kth = np.repeat(best.scores.min(axis=1), K)
            lists, queries = best.lists.ravel(), np.repeat(np.arange(len(self.queries)), K)
            there = (lists >= 0) & np.isfinite(kth)
            kths.append(kth[there])
            beyond = kth - self._list_scores[queries, lists]
            factors.append((beyond / spreads[lists])[there])
        return _upper_edge(np.concatenate(kths), np.concatenate(factors))


class _Best:
    """The K best scores of each query so far, and the lists they lie in."""

    def __init__(self, n_queries: int) -> None:
        self.scores: Floats = np.full((n_queries, K), -np.inf, dtype=np.float32)
        self.lists: NDArray[np.int64] = np.full((n_queries, K), -1, dtype=np.int64)

    def offer(self, scores: Floats, lists: NDArray[np.int64]) -> None:
        """Take scores (Q, N) of rows that lie in lists (N,)."""
        better = scores > self.scores.min(axis=1, keepdims=True)
        for query in np.flatnonzero(better.any(axis=1)):
            rows = np.flatnonzero(better[query])
            all_scores = np.concatenate((self.scores[query], scores[query, rows]))
            all_lists = np.concatenate((self.lists[query], lists[rows]))
            kept = np.argpartition(-all_scores, K - 1)[:K]
            self.scores[query], self.lists[query] = all_scores[kept], all_lists[kept]


def _upper_edge(kths: Floats, factors: Floats) -> Reach:
    """Fit, piecewise linear, what all but a few of the factors keep below, in bins of equally many."""
    order = np.argsort(kths)
    bins = [part for part in np.array_split(order, _N_KNOTS) if part.size]
    scores = np.array([kths[part].mean(dtype=np.float64) for part in bins])
    edges = np.array([np.quantile(factors[part], 1.0 - MISSED_AT_MOST) for part in bins])
    return Reach(scores, np.maximum(edges, 0.0))
