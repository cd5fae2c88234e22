"""An index so simple that it cannot be wrong: a dictionary, a full multiplication, a sort."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from search.index.base import Hits, Tags, Where


class Oracle:
    """Does what `VectorIndex` promises, in float64 over all vectors; `snapshot` stands in for publishing."""

    def __init__(self) -> None:
        self.rows: dict[int, tuple[NDArray[np.float32], Tags]] = {}

    def snapshot(self) -> Oracle:
        copy = Oracle()
        copy.rows = dict(self.rows)
        return copy

    def upsert(self, ids: Iterable[int], vectors: NDArray[np.float32], tags: Sequence[Tags]) -> None:
        for vector_id, vector, tag in zip(ids, vectors, tags, strict=True):
            self.rows[int(vector_id)] = (vector.copy(), tag)

    def remove(self, ids: Iterable[int]) -> int:
        return sum(self.rows.pop(int(vector_id), None) is not None for vector_id in ids)

    def scores(self, query: NDArray[np.float32], where: Where | None = None) -> dict[int, float]:
        """Score of every vector that may be a hit, by id."""
        where = Where() if where is None else where
        found = {}
        for vector_id, (vector, tag) in self.rows.items():
            if where.retailer_ids is not None and tag.retailer_id not in where.retailer_ids:
                continue
            if where.category_ids is not None and tag.category_id not in where.category_ids:
                continue
            found[vector_id] = float(np.float32(np.sum(vector.astype(np.float64) * query.astype(np.float64))))
        return found

    def search(self, queries: NDArray[np.float32], k: int, where: Where | None = None) -> Hits:
        ids = np.full((len(queries), k), -1, dtype=np.int64)
        scores = np.full((len(queries), k), -np.inf, dtype=np.float32)
        for row, query in enumerate(queries):
            best = sorted(self.scores(query, where).items(), key=lambda hit: (-hit[1], hit[0]))[:k]
            for column, (vector_id, score) in enumerate(best):
                ids[row, column] = vector_id
                scores[row, column] = score
        return Hits(ids, scores, 0)


def assert_same_hits(hits: Hits, expected: Hits) -> None:
    """Compare shape, type, ids and order exactly, scores to 1e-3."""
    assert hits.ids.dtype == np.int64
    assert hits.scores.dtype == np.float32
    np.testing.assert_array_equal(hits.ids, expected.ids)
    np.testing.assert_allclose(hits.scores, expected.scores, atol=1e-3, rtol=0)


def unit_vectors(count: int, dim: int, seed: int, *, copies: int = 0, clusters: int = 0) -> NDArray[np.float32]:
    """Draw float32 (count, dim) unit vectors.

    Args:
        count: How many.
        dim: Their length.
        seed: Same seed, same vectors.
        copies: So many of the last are exact copies of the first, which makes ties.
        clusters: Scatter them around so many centers; 0 means evenly.
    """
    random = np.random.default_rng(seed)
    vectors = random.standard_normal((count, dim))
    if clusters:
        vectors = 0.3 * vectors + random.standard_normal((clusters, dim))[random.integers(0, clusters, count)]
    if copies:
        vectors[-copies:] = vectors[:copies]
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
