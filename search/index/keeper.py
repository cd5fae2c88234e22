"""What a kind of index must offer to be named by `VECTOR_INDEX_URL`; `registry` lists the kinds."""

from contextlib import AbstractContextManager
from typing import Protocol

from search.index.base import IndexFacts, VectorIndex


class Keeper(Protocol):
    """All the spaces that are kept under one URL; what `search.index.registry` asks. Safe in threads and processes."""

    def open_reader(self, space: str, dim: int) -> VectorIndex:
        """See `registry.open_reader`; called once per process, space and dim."""
        ...

    def open_writer(
        self, space: str, dim: int, *, fresh: bool, timeout_s: float
    ) -> AbstractContextManager[VectorIndex]:
        """See `registry.open_writer`."""
        ...

    def compaction_due(self, space: str, dim: int) -> bool:
        """See `registry.compaction_due`."""
        ...

    def compact(self, space: str, dim: int) -> bool:
        """See `registry.compact`."""
        ...

    def facts(self, space: str, dim: int) -> IndexFacts:
        """See `registry.index_facts`."""
        ...

    def published_spaces(self) -> list[str]:
        """See `registry.published_spaces`."""
        ...

    def drop_space(self, space: str) -> None:
        """See `registry.drop_space`."""
        ...
