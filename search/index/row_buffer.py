"""The rows a writer changes: growable arrays with a place for each id, so that removing costs the same at any size."""

import numpy as np
from numpy.typing import NDArray

from search.index.base import ABSENT, TAG_NAMES
from search.index.rows import Rows

_LEAST_CAPACITY = 1024


class RowBuffer:
    """Vectors, ids and tags in the first `len(self)` rows of larger arrays.

    A removed row is filled with the last one, so rows have no lasting order; `Rows` sorted by id are taken out for
    publishing. Not thread-safe.
    """

    def __init__(self, dim: int) -> None:
        self._size = 0
        self._place: dict[int, int] = {}
        self._ids = np.empty(0, dtype=np.int64)
        self._tags = np.empty((0, len(TAG_NAMES)), dtype=np.int64)
        self._vectors = np.empty((0, dim), dtype=np.float32)

    @classmethod
    def holding(cls, rows: Rows) -> "RowBuffer":
        """Start from a copy of published rows."""
        buffer = cls(rows.vectors.shape[1])
        buffer.put(rows.ids, rows.vectors, np.stack(rows.tags, axis=1))
        return buffer

    def __len__(self) -> int:
        return self._size

    def put(self, ids: NDArray[np.int64], vectors: NDArray[np.float32], tags: NDArray[np.int64]) -> None:
        """Add rows, or replace those whose id is here.

        Args:
            ids: int64 (N,), each once.
            vectors: float32 (N, dim).
            tags: int64 (N, len(TAG_NAMES)).
        """
        places = np.empty(ids.size, dtype=np.int64)
        size = self._size
        for row, vector_id in enumerate(ids.tolist()):
            place = self._place.setdefault(vector_id, size)
            size += place == size
            places[row] = place
        self._reserve(size)
        self._ids[places] = ids
        self._vectors[places] = vectors
        self._tags[places] = tags
        self._size = size

    def drop(self, ids: NDArray[np.int64]) -> int:
        """Remove the rows with these ids and give how many there were; unknown ids are passed over."""
        before = self._size
        for vector_id in ids.tolist():
            place = self._place.pop(vector_id, None)
            if place is None:
                continue
            self._size = last = self._size - 1
            if place != last:
                self._ids[place] = self._ids[last]
                self._vectors[place] = self._vectors[last]
                self._tags[place] = self._tags[last]
                self._place[int(self._ids[place])] = place
        return before - self._size

    def tags(self, ids: NDArray[np.int64]) -> NDArray[np.int64]:
        """The tags of these ids, int64 (N, len(TAG_NAMES)); `ABSENT` where there is none."""
        places = np.array([self._place.get(vector_id, -1) for vector_id in ids.tolist()], dtype=np.int64)
        found = np.full((ids.size, len(TAG_NAMES)), ABSENT, dtype=np.int64)
        found[places >= 0] = self._tags[places[places >= 0]]
        return found

    def rows(self) -> Rows:
        """View the present rows; valid until the next change."""
        used = slice(0, self._size)
        return Rows(self._ids[used], tuple(self._tags[used].T), self._vectors[used])

    def sorted_rows(self) -> Rows:
        """Copy the rows in order of id, so that equal content makes equal files."""
        order = np.argsort(self._ids[: self._size])
        return Rows(self._ids[order], tuple(self._tags[order].T.copy()), self._vectors[order])

    def _reserve(self, size: int) -> None:
        """Make room for `size` rows, doubling, so that many small upserts cost as much as one large."""
        if size <= self._ids.size:
            return
        capacity = max(size, 2 * self._ids.size, _LEAST_CAPACITY)
        for name in ("_ids", "_tags", "_vectors"):
            old = getattr(self, name)
            new = np.empty((capacity, *old.shape[1:]), dtype=old.dtype)
            new[: self._size] = old[: self._size]
            setattr(self, name, new)
