"""Changes that were not sent yet: they lie over the rows that are stored."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from search.index.base import ABSENT, TAG_NAMES
from search.index.milvus_client import ID, VECTOR, Row
from search.index.rows import Rows

_Living = tuple[NDArray[np.float32], NDArray[np.int64]]


class MilvusChanges:
    """By id: a vector with its tags, or that it is removed. Not thread-safe.

    Args:
        dim: Length of a vector.
    """

    def __init__(self, dim: int) -> None:
        self._dim = dim
        self._by_id: dict[int, _Living | None] = {}
        self._rows: Rows | None = None

    def __len__(self) -> int:
        return len(self._by_id)

    @property
    def n_living(self) -> int:
        """How many vectors were added or replaced."""
        return sum(change is not None for change in self._by_id.values())

    def upsert(self, ids: NDArray[np.int64], vectors: NDArray[np.float32], tags: NDArray[np.int64]) -> None:
        """Add or replace; the arrays are copied."""
        self._rows = None
        vectors, tags = vectors.copy(), tags.copy()
        self._by_id.update((one, (vectors[row], tags[row])) for row, one in enumerate(ids.tolist()))

    def remove(self, ids: NDArray[np.int64], held: set[int]) -> int:
        """Remove; `held` are those that are stored and not changed. Give how many were there."""
        self._rows = None
        count = 0
        for one in ids.tolist():
            if one in held or self._by_id.get(one) is not None:
                self._by_id[one] = None
                count += 1
        return count

    def clear(self) -> None:
        """Forget all: they were sent."""
        self._rows = None
        self._by_id = {}

    def ids(self) -> NDArray[np.int64]:
        """All ids that were changed or removed, rising."""
        return np.sort(np.fromiter(self._by_id, dtype=np.int64, count=len(self._by_id)))

    def removed(self) -> NDArray[np.int64]:
        """The ids that were removed."""
        return np.array([one for one, change in self._by_id.items() if change is None], dtype=np.int64)

    def rows(self) -> Rows:
        """The vectors that were added or replaced, to be searched."""
        if self._rows is None:
            living = sorted((one, *change) for one, change in self._by_id.items() if change is not None)
            tags = np.array([tags for _, _, tags in living], dtype=np.int64).reshape(-1, len(TAG_NAMES))
            self._rows = Rows(
                np.array([one for one, _, _ in living], dtype=np.int64),
                tuple(np.ascontiguousarray(column) for column in tags.T),
                np.array([vector for _, vector, _ in living], dtype=np.float32).reshape(-1, self._dim),
            )
        return self._rows

    def tags(self, ids: NDArray[np.int64], stored: NDArray[np.int64] | None) -> NDArray[np.int64]:
        """The tags of vectors, given those that are stored, (N, len(TAG_NAMES)); None: nothing is."""
        found = np.full((ids.size, len(TAG_NAMES)), ABSENT, dtype=np.int64) if stored is None else stored
        for row, one in enumerate(ids.tolist()):
            if one in self._by_id:
                change = self._by_id[one]
                found[row] = ABSENT if change is None else change[1]
        return found

    def batches(self, size: int) -> Iterator[list[Row]]:
        """What is to be stored, cut for sending."""
        living = [(one, change) for one, change in self._by_id.items() if change is not None]
        for start in range(0, len(living), size):
            yield [
                {ID: one, VECTOR: vector} | dict(zip(TAG_NAMES, tags.tolist(), strict=True))
                for one, (vector, tags) in living[start : start + size]
            ]
