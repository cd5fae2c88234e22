"""The FAISS keeper's readers. Searches never lock: a state never changes, a publish replaces the reference to it."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from search.index.base import Hits, IndexNotWritable, Tags, Where
from search.index.opened import opened_space
from search.index.options import IndexOptions
from search.index.validation import check_ids, check_k, check_vectors

DEFAULT_OPTIONS = IndexOptions()


class FaissReader:
    """Serves the last published state of a space; see `VectorIndex`.

    Args:
        root: Folder of all spaces.
        space: Name of the vector space.
        dim: Length of a vector.
        options: How bases are searched.

    Raises:
        IndexMissing: Nothing is published for the space.
        IndexDamaged: What is published cannot be trusted.
        SpaceMismatch: What is published has another vector length.
    """

    def __init__(self, root: Path, space: str, dim: int, options: IndexOptions = DEFAULT_OPTIONS) -> None:
        self.space = space
        self.dim = dim
        self._opened = opened_space(root, space, dim, options)
        self._opened.newest()

    @property
    def generation(self) -> int:
        """Number of the published state, after a look for a newer one."""
        return self._opened.latest().pointer.number

    def __len__(self) -> int:
        return len(self._opened.latest().state)

    def ids(self) -> NDArray[np.int64]:
        """The ids of the published vectors, rising."""
        return self._opened.latest().state.ids()

    def tags(self, ids: NDArray[np.int64]) -> NDArray[np.int64]:
        """The tags of published vectors."""
        return self._opened.latest().state.tags(check_ids(ids))

    def search(self, queries: NDArray[np.float32], k: int, where: Where | None = None) -> Hits:
        """Find the k most alike vectors of each query in the published state."""
        check_k(k)
        queries = check_vectors(queries, self.dim)
        published = self._opened.latest()
        return published.state.search(queries, k, where, published.pointer.number)

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
