"""An index so simple that it cannot be wrong: a dictionary, a full multiplication, a sort."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from search.index.base import NO_VALUE, Hits, Tags, Where


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
        rows = [(one, vector) for one, (vector, tag) in self.rows.items() if where is None or allows(where, tag)]
        if not rows:
            return {}
        products = np.stack([vector for _, vector in rows]).astype(np.float64) * query.astype(np.float64)
        scores = products.sum(axis=1).astype(np.float32)
        return dict(zip((one for one, _ in rows), scores.tolist(), strict=True))

    def search(self, queries: NDArray[np.float32], k: int, where: Where | None = None) -> Hits:
        ids = np.full((len(queries), k), -1, dtype=np.int64)
        scores = np.full((len(queries), k), -np.inf, dtype=np.float32)
        for row, query in enumerate(queries):
            best = sorted(self.scores(query, where).items(), key=lambda hit: (-hit[1], hit[0]))[:k]
            for column, (vector_id, score) in enumerate(best):
                ids[row, column] = vector_id
                scores[row, column] = score
        return Hits(ids, scores, 0)


def allows(where: Where, tag: Tags) -> bool:
    """Whether a restriction lets these tags pass."""
    if where.category_ids is not None and tag.category_id not in where.category_ids:
        return False
    for name in ("retailer_id", "brand_id", "gender_id", "color_id", "currency_id"):
        wanted, value = getattr(where, f"{name}s"), getattr(tag, name)
        if wanted is not None and (value == NO_VALUE or value not in wanted):
            return False
    if (where.price_min is not None or where.price_max is not None) and tag.price == NO_VALUE:
        return False
    if where.price_min is not None and tag.price < where.price_min:
        return False
    if where.price_max is not None and tag.price > where.price_max:
        return False
    return where.in_stock is None or tag.in_stock == where.in_stock


def assert_same_hits(hits: Hits, expected: Hits) -> None:
    """Compare shape, type, ids and order exactly, scores to 1e-3."""
    assert hits.ids.dtype == np.int64
    assert hits.scores.dtype == np.float32
    np.testing.assert_array_equal(hits.ids, expected.ids)
    np.testing.assert_allclose(hits.scores, expected.scores, atol=1e-3, rtol=0)


def assert_good_hits(
    hits: Hits, oracle: Oracle, queries: NDArray[np.float32], k: int, where: Where | None = None
) -> None:
    """What may miss some of the nearest: as many hits as exist, each allowed, once, truly scored, in order; recall."""
    expected = oracle.search(queries, k, where)
    np.testing.assert_array_equal((hits.ids >= 0).sum(axis=1), (expected.ids >= 0).sum(axis=1))
    found = wanted = 0
    for row, query in enumerate(queries):
        truth = oracle.scores(query, where)
        ids = [int(vector_id) for vector_id in hits.ids[row] if vector_id >= 0]
        assert len(set(ids)) == len(ids)
        assert set(ids) <= set(truth)
        listed = [(-float(score), vector_id) for score, vector_id in zip(hits.scores[row], ids, strict=False)]
        assert listed == sorted(listed)
        np.testing.assert_allclose(hits.scores[row, : len(ids)], [truth[one] for one in ids], atol=1e-6, rtol=0)
        least = float(expected.scores[row, max(len(ids) - 1, 0)]) if ids else 0.0
        found += sum(truth[one] >= least for one in ids)  # of several with the last score, any is right
        wanted += len(ids)
    assert found >= (0.99 if where is None else 0.98) * wanted


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
    unit: NDArray[np.float32] = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    return unit
