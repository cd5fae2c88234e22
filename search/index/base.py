"""What every vector index promises, whoever keeps the vectors; and what can go wrong, named by what the caller can do.

Scores are inner products of unit vectors (cosines). A hit list is ordered by falling score, ties by the lower id,
where "score" is the product taken in float64 and rounded to float32. Small indexes are searched exactly, so the same
content gives the same answer whichever keeper, thread or batch computed it; large ones may miss a few of the nearest
vectors (recall@10 of at least 0.99, with restrictions at least 0.98), but what they return is scored and ordered so
too, allowed by the restrictions, never removed, and k hits whenever k vectors are allowed.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
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


class IndexUnreachable(VectorIndexError):
    """The server that keeps the vectors does not answer, or refuses: try again later; nothing is wrong with them."""


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


NO_VALUE = -1
"""A tag whose value is not known: it matches no restriction on that tag."""

ABSENT = -3
"""Stands in `VectorIndex.tags` for every tag of an id that is not there; no tag may be below `NO_VALUE`."""


@dataclass(frozen=True)
class Tags:
    """What a vector can be filtered by: whole numbers that callers give a meaning.

    Tags may lag behind the records by a moment, so callers check what they promise (price, stock) against the
    records; see `search.filters`.

    Attributes:
        retailer_id: Primary key of the retailer.
        category_id: Taxonomy id of the garment, or `NO_CATEGORY`.
        brand_id: Stands for the brand's name, or `NO_VALUE`.
        gender_id: Stands for the gender the product is made for, or `NO_VALUE`.
        color_id: Position in `segmentation.colors.COLOR_NAMES`, or `NO_VALUE`.
        currency_id: Stands for the price's currency, or `NO_VALUE`.
        price: What a shopper pays, in hundredths of the currency, or `NO_VALUE`.
        in_stock: 1 where it can be bought now, in any size of its color, else 0.
    """

    retailer_id: int
    category_id: int
    brand_id: int = NO_VALUE
    gender_id: int = NO_VALUE
    color_id: int = NO_VALUE
    currency_id: int = NO_VALUE
    price: int = NO_VALUE
    in_stock: int = 0


TAG_NAMES: tuple[str, ...] = tuple(field.name for field in fields(Tags))
"""The tags in the order in which keepers store them."""


@dataclass(frozen=True)
class Where:
    """Which vectors may be hits: all restrictions hold. None means no restriction, an empty set matches nothing.

    Attributes:
        retailer_ids: Allowed values of this tag; so for the other sets.
        category_ids: `NO_CATEGORY` stands for vectors of whole images.
        price_min, price_max: Least and highest price in hundredths, included.
        in_stock: True: only what can be bought now; False: only what cannot.
    """

    retailer_ids: frozenset[int] | None = None
    category_ids: frozenset[int] | None = None
    brand_ids: frozenset[int] | None = None
    gender_ids: frozenset[int] | None = None
    color_ids: frozenset[int] | None = None
    currency_ids: frozenset[int] | None = None
    price_min: int | None = None
    price_max: int | None = None
    in_stock: bool | None = None


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

    def tags(self, ids: NDArray[np.int64]) -> NDArray[np.int64]:
        """The tags of some vectors, int64 (N,), in any order: what a reconciliation compares with the records.

        Returns:
            int64 (N, len(TAG_NAMES)), a row per id in the order of `TAG_NAMES`; `ABSENT` throughout for unknown ids.
        """
        ...

    def upsert(self, ids: NDArray[np.int64], vectors: NDArray[np.float32], tags: Sequence[Tags]) -> None:
        """Add vectors, replacing those (and their tags) whose id is already there. All or nothing.

        Args:
            ids: integers (N,), not negative, each at most once.
            vectors: float32 (N, dim), unit length, finite.
            tags: N tags.

        Raises:
            InvalidVectors: Something above does not hold.
            PublishFailed: There is no room for the change.
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
        """Make the present content visible to all readers, in every process, at once and whole, at the change's cost.

        Returns:
            The new generation's number; numbers only grow.

        Raises:
            PublishFailed: The content could not be stored; readers keep the state they have.
        """
        ...


@dataclass(frozen=True)
class IndexFacts:
    """What is published for a space.

    Attributes:
        kind: How it is searched, in the keeper's words.
        n_base: Vectors in the part that is built for fast search, removed ones included.
        n_delta: Vectors added or replaced since that part was built.
        n_removed: Vectors of the base that were removed or replaced since.
        bytes_on_disk: Size of all files, older states that are still kept included.
        generation: Number of the published state.
    """

    kind: str
    n_base: int
    n_delta: int
    n_removed: int
    bytes_on_disk: int
    generation: int

    @property
    def n_vectors(self) -> int:
        """How many vectors can be found."""
        return self.n_base - self.n_removed + self.n_delta
