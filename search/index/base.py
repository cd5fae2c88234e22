"""What every vector index promises, whoever keeps the vectors; and what can go wrong, named by what the caller can do.

Scores are inner products of unit vectors (cosines). A hit list is ordered by falling score, ties by the lower id,
where "score" is the product taken in float64 and rounded to float32; so the same content gives the same answer
whichever keeper, thread or batch computed it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

NO_ID = -1
"""Pads `Hits.ids` where fewer than k vectors match; its score is -inf."""

NO_CATEGORY = -1
"""The category of a vector that describes a whole image."""


class VectorIndexError(Exception):
    """Base of the index's errors."""


class IndexMissing(VectorIndexError):
    """Nothing has been published for this space: run the indexing command."""


class IndexDamaged(VectorIndexError):
    """What is stored cannot be trusted or read: rebuild the index from the database."""


class SpaceMismatch(VectorIndexError):
    """The stored vectors are of another space or dimension than asked for: scores would mean nothing."""


class InvalidVectors(VectorIndexError, ValueError):
    """Vectors, ids or tags break the contract: the caller has a bug, nothing was changed."""


class InvalidSearch(VectorIndexError, ValueError):
    """The number of hits asked for is not positive."""


class IndexBusy(VectorIndexError):
    """Another writer holds this space: try again later."""


class IndexNotWritable(VectorIndexError):
    """A reader, or a writer whose lock is released, was asked to change: use `registry.open_writer`."""


class PublishFailed(VectorIndexError):
    """The disk refused to take a change; the published state stands: make room, or permit writing, and try again."""


class UnsupportedIndexUrl(VectorIndexError, ValueError):
    """No keeper knows this `VECTOR_INDEX_URL`: correct the setting."""


@dataclass(frozen=True)
class Tags:
    """What a vector can be filtered by.

    Attributes:
        retailer_id: Primary key of the retailer.
        category_id: Taxonomy id of the garment, or `NO_CATEGORY`.
    """

    retailer_id: int
    category_id: int


@dataclass(frozen=True)
class Where:
    """Which vectors may be hits. None means no restriction, an empty set matches nothing.

    Attributes:
        retailer_ids: Allowed retailers.
        category_ids: Allowed categories; `NO_CATEGORY` stands for vectors of whole images.
    """

    retailer_ids: frozenset[int] | None = None
    category_ids: frozenset[int] | None = None


@dataclass(frozen=True)
class Hits:
    """The best matches of each query, best first, ties by the lower id.

    Attributes:
        ids: int64 (Q, k), padded with `NO_ID`.
        scores: float32 (Q, k), cosines in about -1..1, padded with -inf.
        generation: The published state that answered; for a writer, the one it started from or last published.
    """

    ids: NDArray[np.int64]
    scores: NDArray[np.float32]
    generation: int


class VectorIndex(Protocol):
    """Unit vectors of one space under integer ids. Every method may be called from several threads.

    A reader serves the last published state and notices a new one by itself; its `upsert`, `remove` and `publish`
    raise `IndexNotWritable`. A writer sees its own changes at once; readers see them after `publish`.
    """

    @property
    def space(self) -> str:
        """Name of the vector space, `{arch}-emb{dim}@{sha8}`."""
        ...

    @property
    def dim(self) -> int:
        """Length of a vector."""
        ...

    @property
    def generation(self) -> int:
        """Number of the published state that this index serves or started from; 0 when there is none."""
        ...

    def __len__(self) -> int:
        """How many vectors there are."""
        ...

    def ids(self) -> NDArray[np.int64]:
        """The ids of all vectors, int64 (N,), in rising order: what a reconciliation compares with the database."""
        ...

    def upsert(self, ids: NDArray[np.int64], vectors: NDArray[np.float32], tags: Sequence[Tags]) -> None:
        """Add vectors, replacing those (and their tags) whose id is already there. All or nothing.

        Args:
            ids: integers (N,), not negative, each at most once.
            vectors: float32 (N, dim), unit length, finite.
            tags: N tags.

        Raises:
            InvalidVectors: Something above does not hold.
        """
        ...

    def remove(self, ids: NDArray[np.int64]) -> int:
        """Forget vectors; unknown and repeated ids are ignored.

        Returns:
            How many vectors were there and are gone.
        """
        ...

    def search(self, queries: NDArray[np.float32], k: int, where: Where | None = None) -> Hits:
        """Find the k most alike vectors of each query among those that `where` allows.

        Args:
            queries: float32 (Q, dim), unit length, finite.
            k: Hits per query, at least 1; may exceed the number of vectors.
            where: Restriction; None means none.

        Raises:
            InvalidVectors: The queries break the contract.
            InvalidSearch: `k` is below 1.
            IndexMissing: A reader finds that the published index was taken away.
        """
        ...

    def publish(self) -> int:
        """Make the present content visible to all readers, at once and as a whole.

        Returns:
            The new generation's number; numbers only grow.

        Raises:
            PublishFailed: The content could not be stored; readers keep the state they have.
        """
        ...
