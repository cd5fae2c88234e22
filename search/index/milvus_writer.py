"""The Milvus keeper's writer: collects changes and sends them when they are published; see `VectorIndex`."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray

from search.index.base import (
    Hits,
    IndexDamaged,
    IndexMissing,
    IndexNotWritable,
    IndexUnreachable,
    PublishFailed,
    SpaceMismatch,
    Tags,
    Where,
)
from search.index.exact import Ranked, padded, rank
from search.index.milvus_changes import MilvusChanges
from search.index.milvus_client import ROWS_A_REQUEST
from search.index.milvus_rows import MilvusRows, chunks, state_row
from search.index.milvus_spaces import MilvusSpace
from search.index.validation import check_count, check_ids, check_k, check_tags, check_unique, check_vectors


class MilvusWriter:
    """Changes one space and publishes it. Made by the keeper, which holds the lock.

    Changes to what is published wait in memory for `publish`. A space that is built anew goes into a collection that
    nobody sees before `publish` lets the alias stand for it, so its rows are sent as they come.

    Args:
        kept: The space.
        fresh: Start empty.
        before_sending: Called before anything is sent: raises `IndexUnreachable` where another writer took over.

    Raises:
        IndexDamaged, SpaceMismatch, IndexUnreachable: As `registry.open_writer`.
    """

    def __init__(self, kept: MilvusSpace, *, fresh: bool, before_sending: Callable[[], None]) -> None:
        self.space = kept.space
        self.dim = kept.dim
        self._kept = kept
        self._before_sending = before_sending
        self._lock = threading.RLock()
        self._open = True
        self._changes = MilvusChanges(kept.dim)
        kept.clear_litter()
        self._published = kept.connection.collection_of(kept.alias)
        self._is_new = fresh or self._published is None
        self._rows: MilvusRows | None = None if self._is_new else kept.published()
        self._number = 0 if self._published is None else self._last_number()

    @property
    def generation(self) -> int:
        """Number of the state it started from or last published."""
        return self._number

    def __len__(self) -> int:
        with self._lock:
            if self._rows is None:
                return self._changes.n_living
            changed = self._rows.holds(self._changes.ids())
            return len(self._rows) - len(changed) + self._changes.n_living

    def ids(self) -> NDArray[np.int64]:
        """The ids of all vectors, unpublished changes included, rising."""
        with self._lock:
            if self._rows is None:
                return self._changes.rows().ids
            kept = np.setdiff1d(self._rows.ids(), self._changes.ids(), assume_unique=True)
            return np.union1d(kept, self._changes.rows().ids)

    def tags(self, ids: NDArray[np.int64]) -> NDArray[np.int64]:
        """The tags of vectors, unpublished changes included."""
        ids = check_ids(ids)
        with self._lock:
            return self._changes.tags(ids, None if self._rows is None else self._rows.tags(ids))

    def search(self, queries: NDArray[np.float32], k: int, where: Where | None = None) -> Hits:
        """Find the k most alike vectors of each query, unpublished changes included."""
        check_k(k)
        queries = check_vectors(queries, self.dim)
        with self._lock:
            ranked = self._changes.rows().search(queries, k, where, None)
            if self._rows is not None:
                others = self._rows.search(queries, k, where, self._changes.ids())
                ranked = [_merge(one, other, k) for one, other in zip(ranked, others, strict=True)]
            return padded(ranked, k, self._number)

    def upsert(self, ids: NDArray[np.int64], vectors: NDArray[np.float32], tags: Sequence[Tags]) -> None:
        """Add or replace vectors; all or nothing."""
        ids = check_ids(ids)
        check_unique(ids)
        vectors = check_vectors(vectors, self.dim)
        tag_rows = check_tags(tags, ids.size)
        check_count(ids.size, len(vectors))
        with self._changing():
            self._changes.upsert(ids, vectors, tag_rows)
            if self._is_new and len(self._changes) >= ROWS_A_REQUEST:
                self._send(self._hidden())

    def remove(self, ids: NDArray[np.int64]) -> int:
        """Forget vectors; give how many were there."""
        ids = np.unique(check_ids(ids))
        with self._changing():
            elsewhere = np.setdiff1d(ids, self._changes.ids(), assume_unique=True)
            held = set() if self._rows is None else self._rows.holds(elsewhere)
            return self._changes.remove(ids, held)

    def publish(self) -> int:
        """Send the changes, and let readers see them."""
        with self._changing(), self._kept.connection.alone():
            rows = self._hidden() if self._is_new else self._rows
            assert rows is not None  # noqa: S101 - what is not new is published
            self._send(rows, self._number + 1)
            self._number += 1
            if self._is_new:
                self._kept.connection.point(self._kept.alias, rows.name, is_new=self._published is None)
                self._is_new, self._published = False, rows.name
                self._kept.clear_litter()
            return self._number

    def close(self) -> None:
        """Refuse all further changes; what was not published is forgotten."""
        with self._lock:
            self._open = False
            if self._is_new and self._rows is not None:
                self._kept.connection.drop(self._rows.name)

    def _hidden(self) -> MilvusRows:
        """The collection of a space that is built anew; made when the first rows go into it."""
        if self._rows is None:
            name = self._kept.new_collection()
            self._kept.connection.create(name, self.dim)
            self._kept.connection.upsert(name, [state_row(0, self.dim)])
            self._rows = MilvusRows(self._kept.connection, name, self.dim)
        return self._rows

    def _send(self, rows: MilvusRows, number: int | None = None) -> None:
        """Send all changes; the number with the last of them, so that who reads it sees the rest."""
        self._before_sending()
        for gone in chunks(self._changes.removed()):
            rows.connection.delete(rows.name, gone.tolist())
        batches = list(self._changes.batches(ROWS_A_REQUEST - 1))
        if number is not None:
            batches = [*batches[:-1], [*(batches[-1] if batches else []), state_row(number, self.dim)]]
        for batch in batches:
            rows.connection.upsert(rows.name, batch)
        self._changes.clear()

    def _last_number(self) -> int:
        try:
            return MilvusRows(self._kept.connection, self._kept.alias, self.dim).generation()
        except IndexDamaged:
            # Numbers only grow, and what the damaged one's was is lost: seconds are more than it can have counted.
            return int(time.time())

    @contextmanager
    def _changing(self) -> Iterator[None]:
        with self._lock:
            if not self._open:
                raise IndexNotWritable(f"the writer of space {self.space} is closed; use registry.open_writer")
            try:
                yield
            except (IndexUnreachable, IndexMissing, IndexDamaged, SpaceMismatch) as error:
                raise PublishFailed(f"cannot change the index of space {self.space}: {error}") from error


def _merge(one: Ranked, other: Ranked, k: int) -> Ranked:
    return rank(np.concatenate((one[0], other[0])), np.concatenate((one[1], other[1])), k)
