"""The FAISS keeper's writer: appends to the log of the published base, or begins a new base; see `VectorIndex`."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

import numpy as np
from filelock import FileLock, Timeout
from numpy.typing import NDArray

from search.index import snapshots
from search.index.base import Hits, IndexBusy, IndexNotWritable, PublishFailed, Tags, VectorIndexError, Where
from search.index.drafts import Draft, begin_draft, continue_draft
from search.index.opened import OpenedSpace
from search.index.validation import check_count, check_ids, check_k, check_tags, check_unique, check_vectors

WRITER_LOCK = "writer.lock"


class FaissWriter:
    """Changes one space and publishes it. Made by `open_writer`, which holds the lock.

    Args:
        opened: The space.
        draft: What it starts from.
    """

    def __init__(self, opened: OpenedSpace, draft: Draft) -> None:
        self.space = opened.space
        self.dim = opened.dim
        self._draft = draft
        self._open = True
        self._lock = threading.Lock()  # of changes; searches take the state that is there
        self._searches: set[object] = set()  # under way
        self._search_ended = threading.Condition()

    @property
    def generation(self) -> int:
        """Number of the state it started from or last published."""
        return self._draft.number

    def __len__(self) -> int:
        return len(self._draft.state)

    def ids(self) -> NDArray[np.int64]:
        """The ids of all vectors, unpublished changes included, rising."""
        return self._draft.state.ids()

    def tags(self, ids: NDArray[np.int64]) -> NDArray[np.int64]:
        """The tags of vectors, unpublished changes included."""
        return self._draft.state.tags(check_ids(ids))

    def search(self, queries: NDArray[np.float32], k: int, where: Where | None = None) -> Hits:
        """Find the k most alike vectors of each query, unpublished changes included."""
        check_k(k)
        queries = check_vectors(queries, self.dim)
        with self._searching():
            return self._draft.state.search(queries, k, where, self._draft.number)

    def upsert(self, ids: NDArray[np.int64], vectors: NDArray[np.float32], tags: Sequence[Tags]) -> None:
        """Add or replace vectors; all or nothing."""
        ids = check_ids(ids)
        check_unique(ids)
        vectors = check_vectors(vectors, self.dim)
        tag_rows = check_tags(tags, ids.size)
        check_count(ids.size, len(vectors))
        with self._changing():
            if ids.size:
                self._draft.upsert(ids, vectors, tag_rows)

    def remove(self, ids: NDArray[np.int64]) -> int:
        """Forget vectors; give how many were there."""
        ids = np.unique(check_ids(ids))
        with self._changing():
            return self._draft.remove(ids)

    def publish(self) -> int:
        """Make the changes durable and switch readers to them."""
        with self._changing():
            return self._draft.publish()

    def close(self) -> None:
        """Refuse all further changes; what was not published is forgotten.

        Waits for the searches under way: the next writer cuts off the mapped vectors that they may be looking into.
        """
        with self._lock:
            self._open = False
            self._draft.forget()
        with self._search_ended:
            before = set(self._searches)
            self._search_ended.wait_for(lambda: before.isdisjoint(self._searches))

    @contextmanager
    def _searching(self) -> Iterator[None]:
        search = object()
        with self._search_ended:
            self._searches.add(search)
        try:
            yield
        finally:
            with self._search_ended:
                self._searches.remove(search)
                self._search_ended.notify_all()

    @contextmanager
    def _changing(self) -> Iterator[None]:
        with self._lock:
            if not self._open:
                raise IndexNotWritable(f"the writer of space {self.space} is closed; use registry.open_writer")
            try:
                yield
            except (OSError, RuntimeError) as error:  # FAISS reports a full disk as RuntimeError
                raise PublishFailed(f"cannot change the index of space {self.space}: {error}") from error


@contextmanager
def open_writer(opened: OpenedSpace, *, fresh: bool, timeout_s: float) -> Iterator[FaissWriter]:
    """Hold the writer's lock of a space and give its writer; see `search.index.registry.open_writer`."""
    if not fresh:
        # A base that others have built is checked before the lock is taken: a large one takes seconds.
        with suppress(VectorIndexError):
            opened.newest()
    with writer_lock(opened, timeout_s):
        is_new = fresh or snapshots.read_pointer(opened.folder) is None
        try:
            draft = begin_draft(opened) if is_new else continue_draft(opened)
        except OSError as error:
            raise PublishFailed(f"cannot write to {opened.folder}: {error}") from error
        writer = FaissWriter(opened, draft)
        try:
            yield writer
        finally:
            writer.close()


@contextmanager
def writer_lock(opened: OpenedSpace, timeout_s: float) -> Iterator[None]:
    """Hold the writer's lock of a space.

    Raises:
        IndexBusy: Another held it for `timeout_s`.
        PublishFailed: The place cannot be written to.
    """
    lock = FileLock(opened.folder / WRITER_LOCK, timeout=timeout_s)
    try:
        opened.folder.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout as error:
        raise IndexBusy(f"another writer held space {opened.space} for {timeout_s:g} s; try again later") from error
    except OSError as error:
        raise PublishFailed(f"cannot write to {opened.folder}: {error}") from error
    try:
        yield
    finally:
        lock.release()
