"""The FAISS keeper: generations on disk, one writer, many readers that share the mapped files.

Readers never lock while searching: a generation is immutable, and a reload replaces the reference to it. A writer
holds plain arrays and multiplies them all when it is searched; FAISS's copy is built when publishing, because an
index that is built once and never changed has none of FAISS's traps (see `search.index.scans`).
"""

import logging
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from filelock import FileLock, Timeout
from numpy.typing import NDArray

from search.index import snapshots
from search.index.base import Hits, IndexBusy, IndexDamaged, IndexNotWritable, PublishFailed, Tags, Where
from search.index.exact import padded
from search.index.options import IndexOptions
from search.index.row_buffer import RowBuffer
from search.index.stored_rows import Published, open_published, write_rows
from search.index.validation import check_count, check_ids, check_k, check_tags, check_unique, check_vectors

log = logging.getLogger(__name__)

DEFAULT_OPTIONS = IndexOptions()


class FaissReader:
    """Serves the last published generation of a space; see `VectorIndex`.

    Args:
        root: Folder of all spaces.
        space: Name of the vector space.
        dim: Length of a vector.

    Raises:
        IndexMissing: Nothing is published for the space.
        IndexDamaged: What is published cannot be trusted.
        SpaceMismatch: What is published has another vector length.
    """

    def __init__(self, root: Path, space: str, dim: int, options: IndexOptions = DEFAULT_OPTIONS) -> None:
        self.space = space
        self.dim = dim
        self._root = root
        self._options = options
        self._folder = snapshots.space_folder(root, space)
        self._reloading = threading.Lock()
        self._refused: str | None = None
        self._published = open_published(root, space, dim, options)

    @property
    def generation(self) -> int:
        """Number of the published state, after a look for a newer one."""
        return self._current().number

    def __len__(self) -> int:
        return int(self._current().rows.ids.size)

    def ids(self) -> NDArray[np.int64]:
        """The ids of the published vectors, rising."""
        return np.sort(self._current().rows.ids)

    def tags(self, ids: NDArray[np.int64]) -> NDArray[np.int64]:
        """The tags of published vectors."""
        return RowBuffer.holding(self._current().rows).tags(check_ids(ids))

    def search(self, queries: NDArray[np.float32], k: int, where: Where | None = None) -> Hits:
        """Find the k most alike vectors of each query in the published state."""
        check_k(k)
        queries = check_vectors(queries, self.dim)
        published = self._current()
        return padded(published.rows.search(queries, k, where, None), k, published.number)

    def upsert(self, ids: NDArray[np.int64], vectors: NDArray[np.float32], tags: Sequence[Tags]) -> None:
        """Refused: `IndexNotWritable`."""
        raise self._not_writable()

    def remove(self, ids: NDArray[np.int64]) -> int:
        """Refused: `IndexNotWritable`."""
        raise self._not_writable()

    def publish(self) -> int:
        """Refused: `IndexNotWritable`."""
        raise self._not_writable()

    def _not_writable(self) -> IndexNotWritable:
        return IndexNotWritable(f"the index of space {self.space} is open for reading; use registry.open_writer")

    def _current(self) -> Published:
        """Give the published generation, loading it first if the pointer has changed.

        One thread loads; the others answer from the old generation meanwhile. A new generation that turns out to be
        damaged is reported once in the log, and the old one, whose files were checked and are still mapped, stays.
        """
        pointer = snapshots.read_pointer(self._folder)
        if pointer is None:
            raise snapshots.missing(self._root, self.space)
        published = self._published
        if pointer in (published.pointer, self._refused) or not self._reloading.acquire(blocking=False):
            return published
        try:
            if self._published.pointer != pointer:
                self._published = open_published(self._root, self.space, self.dim, self._options)
        except IndexDamaged:
            self._refused = pointer
            log.exception("a new generation of space %s is damaged; still serving %d", self.space, published.number)
        finally:
            self._reloading.release()
        return self._published


class FaissWriter:
    """Changes one space and publishes it; see `VectorIndex`. Made by `open_writer`, which holds the lock.

    Args:
        root: Folder of all spaces.
        space: Name of the vector space.
        dim: Length of a vector.
        buffer: The content to start from.
        generation: The published state that `buffer` was read from, or 0.
        options: How what it builds is searched.
    """

    def __init__(
        self, root: Path, space: str, dim: int, buffer: RowBuffer, generation: int, options: IndexOptions
    ) -> None:
        self.space = space
        self.dim = dim
        self._folder = snapshots.space_folder(root, space)
        self._buffer = buffer
        self._options = options
        self._generation = generation
        self._open = True
        # Searching waits for changes and the other way round: a writer is for indexing, readers are for serving.
        self._lock = threading.Lock()

    @property
    def generation(self) -> int:
        """Number of the state it started from or last published."""
        return self._generation

    def __len__(self) -> int:
        return len(self._buffer)

    def ids(self) -> NDArray[np.int64]:
        """The ids of all vectors, unpublished changes included, rising."""
        with self._lock:
            return np.sort(self._buffer.rows().ids)

    def tags(self, ids: NDArray[np.int64]) -> NDArray[np.int64]:
        """The tags of vectors, unpublished changes included."""
        with self._lock:
            return self._buffer.tags(check_ids(ids))

    def search(self, queries: NDArray[np.float32], k: int, where: Where | None = None) -> Hits:
        """Find the k most alike vectors of each query, unpublished changes included."""
        check_k(k)
        queries = check_vectors(queries, self.dim)
        with self._lock:
            return padded(self._buffer.rows().search(queries, k, where, None), k, self._generation)

    def upsert(self, ids: NDArray[np.int64], vectors: NDArray[np.float32], tags: Sequence[Tags]) -> None:
        """Add or replace vectors; all or nothing."""
        ids = check_ids(ids)
        check_unique(ids)
        vectors = check_vectors(vectors, self.dim)
        pairs = check_tags(tags, ids.size)
        check_count(ids.size, len(vectors))
        with self._changing():
            self._buffer.put(ids, vectors, pairs)

    def remove(self, ids: NDArray[np.int64]) -> int:
        """Forget vectors, each at the same small cost whatever the size; give how many were there."""
        ids = check_ids(ids)
        with self._changing():
            return self._buffer.drop(ids)

    def publish(self) -> int:
        """Write the content as a new generation and switch readers to it."""
        with self._changing():
            rows = self._buffer.sorted_rows()
            self._generation = snapshots.publish_generation(
                self._folder,
                self.space,
                self.dim,
                rows.ids.size,
                lambda folder: write_rows(rows, folder, self._options),
            )
            return self._generation

    def close(self) -> None:
        """Refuse all further changes; what was not published is forgotten."""
        with self._lock:
            self._open = False

    @contextmanager
    def _changing(self) -> Iterator[None]:
        with self._lock:
            if not self._open:
                raise IndexNotWritable(f"the writer of space {self.space} is closed; use registry.open_writer")
            yield


@contextmanager
def open_writer(
    root: Path, space: str, dim: int, *, fresh: bool, timeout_s: float, options: IndexOptions
) -> Iterator[FaissWriter]:
    """Hold the writer's lock of a space and give its writer; see `search.index.registry.open_writer`."""
    folder = snapshots.space_folder(root, space)
    lock = FileLock(folder / "writer.lock", timeout=timeout_s)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout as error:
        raise IndexBusy(f"another writer held space {space} for {timeout_s:g} s; try again later") from error
    except OSError as error:
        raise PublishFailed(f"cannot write to {folder}: {error}") from error
    try:
        if fresh or snapshots.read_pointer(folder) is None:
            writer = FaissWriter(root, space, dim, RowBuffer(dim), 0, options)
        else:
            published = open_published(root, space, dim, options)
            writer = FaissWriter(root, space, dim, RowBuffer.holding(published.rows), published.number, options)
        try:
            yield writer
        finally:
            writer.close()
    finally:
        lock.release()
