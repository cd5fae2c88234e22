"""The Milvus keeper's reader: asks the server, which shows every process what is published; see `VectorIndex`."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from search.index.base import Hits, IndexMissing, IndexNotWritable, Tags, Where
from search.index.exact import padded
from search.index.milvus_rows import MilvusRows
from search.index.milvus_spaces import MilvusSpace
from search.index.validation import check_ids, check_k, check_vectors


class MilvusReader:
    """Serves the published state of a space. It keeps nothing itself, so nothing in it can be stale.

    Args:
        kept: The space.

    Raises:
        IndexMissing, IndexDamaged, SpaceMismatch, IndexUnreachable: As `registry.open_reader`.
    """

    def __init__(self, kept: MilvusSpace) -> None:
        self.space = kept.space
        self.dim = kept.dim
        self._kept = kept
        # Through the alias, so that a space built anew is seen by the next request.
        self._rows = MilvusRows(kept.connection, kept.alias, kept.dim)
        kept.published()

    @property
    def generation(self) -> int:
        """Number of the published state."""
        return self._rows.generation()

    def __len__(self) -> int:
        return len(self._rows)

    def ids(self) -> NDArray[np.int64]:
        """The ids of the published vectors, rising."""
        return self._rows.ids()

    def tags(self, ids: NDArray[np.int64]) -> NDArray[np.int64]:
        """The tags of published vectors."""
        return self._rows.tags(check_ids(ids))

    def search(self, queries: NDArray[np.float32], k: int, where: Where | None = None) -> Hits:
        """Find the k most alike vectors of each query in the published state."""
        check_k(k)
        queries = check_vectors(queries, self.dim)
        try:
            return self._search(queries, k, where)
        except IndexMissing:
            # The space was built anew, and what this search had begun to look at was deleted.
            self._kept.published()
            return self._search(queries, k, where)

    def upsert(self, ids: NDArray[np.int64], vectors: NDArray[np.float32], tags: Sequence[Tags]) -> None:
        """Refused: `IndexNotWritable`."""
        raise self._not_writable()

    def remove(self, ids: NDArray[np.int64]) -> int:
        """Refused: `IndexNotWritable`."""
        raise self._not_writable()

    def publish(self) -> int:
        """Refused: `IndexNotWritable`."""
        raise self._not_writable()

    def _search(self, queries: NDArray[np.float32], k: int, where: Where | None) -> Hits:
        with self._kept.connection.alone():
            number = self._rows.generation()
            return padded(self._rows.search(queries, k, where), k, number)

    def _not_writable(self) -> IndexNotWritable:
        return IndexNotWritable(f"the index of space {self.space} is open for reading; use registry.open_writer")
