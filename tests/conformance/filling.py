"""What the tests here fill indexes with."""

from __future__ import annotations

import numpy as np

from search.index.base import Tags
from search.index.registry import open_writer
from tests.conformance.keepers import SPACE
from tests.conformance.oracle import Oracle, unit_vectors

DIM = 8
ONE = Tags(1, 4)


def ids_of(*ids: int) -> np.ndarray:
    return np.array(ids, dtype=np.int64)


def tags_of(ids: np.ndarray) -> list[Tags]:
    """Tags decided by the id, every column with several values and some unknown."""
    return [
        Tags(i % 3 + 1, i % 6 - 1, i % 5 - 1, i % 4 - 1, i % 7 - 1, i % 2, i % 11 * 100 - (i % 11 == 0), i % 2)
        for i in ids.tolist()
    ]


def filled(url: str, count: int, dim: int = DIM, **how: int) -> tuple[Oracle, np.ndarray]:
    """Publish vectors under shuffled, gappy ids, and the same in an oracle."""
    vectors = unit_vectors(count, dim, seed=count, **how)
    ids = np.random.default_rng(count).permutation(count * 3)[:count].astype(np.int64)
    oracle = Oracle()
    oracle.upsert(ids, vectors, tags_of(ids))
    with open_writer(url, SPACE, dim) as writer:
        writer.upsert(ids, vectors, tags_of(ids))
        writer.publish()
    return oracle, vectors
