"""Refuse what would poison an index: one NaN or long vector would silently outrank everything."""

from collections.abc import Sequence
from operator import attrgetter

import numpy as np
from numpy.typing import ArrayLike, NDArray

from search.index.base import NO_VALUE, TAG_NAMES, InvalidSearch, InvalidVectors, Tags

_values_of = attrgetter(*TAG_NAMES)

UNIT_TOLERANCE = 1e-3
"""How far a norm may be from 1; embeddings normalised in half precision and widened stay within it."""


def check_vectors(vectors: NDArray[np.float32], dim: int) -> NDArray[np.float32]:
    """Give the vectors back, C-contiguous, if they keep the contract.

    Args:
        vectors: Should be float32 (N, dim), finite, unit length.
        dim: Expected length of a vector.

    Raises:
        InvalidVectors: They do not; the message names the first offending row.
    """
    if not isinstance(vectors, np.ndarray) or vectors.dtype != np.float32:
        kind = vectors.dtype if isinstance(vectors, np.ndarray) else type(vectors).__name__
        raise InvalidVectors(f"vectors must be a float32 array, not {kind}")
    if vectors.ndim != 2 or vectors.shape[1] != dim:
        raise InvalidVectors(f"vectors must have shape (N, {dim}), not {vectors.shape}")
    norms = np.sqrt(np.einsum("ij,ij->i", vectors, vectors, dtype=np.float64))
    # Written so that NaN, which compares false with everything, counts as wrong.
    wrong = np.flatnonzero(~(np.abs(norms - 1.0) <= UNIT_TOLERANCE))
    if wrong.size:
        row = int(wrong[0])
        raise InvalidVectors(f"vector in row {row} has length {norms[row]:.6g}, not 1 ({wrong.size} such rows)")
    return np.ascontiguousarray(vectors)


def check_ids(ids: ArrayLike) -> NDArray[np.int64]:
    """Give the ids as an int64 array (N,).

    Raises:
        InvalidVectors: They are not whole numbers in one dimension, or one is negative or beyond int64.
    """
    given = np.asarray(ids)
    if given.ndim != 1:
        raise InvalidVectors(f"ids must have shape (N,), not {given.shape}")
    if given.size == 0:
        return np.empty(0, dtype=np.int64)
    if not np.issubdtype(given.dtype, np.integer):
        raise InvalidVectors(f"ids must be integers, not {given.dtype}")
    if given.min() < 0 or given.max() > np.iinfo(np.int64).max:
        raise InvalidVectors("ids must lie in 0..2**63-1; -1 is the padding of hit lists")
    return given.astype(np.int64)


def check_unique(ids: NDArray[np.int64]) -> None:
    """Refuse an id that occurs twice in one upsert.

    Which of two vectors is meant, only the caller knows; "the last wins" would hide the bug that sent both.

    Raises:
        InvalidVectors: An id repeats; the message names one.
    """
    unique, counts = np.unique(ids, return_counts=True)
    if unique.size != ids.size:
        raise InvalidVectors(f"id {unique[counts > 1][0]} occurs more than once in one upsert")


def check_tags(tags: Sequence[Tags], count: int) -> NDArray[np.int64]:
    """Give the tags as an int64 array (count, len(TAG_NAMES)).

    Raises:
        InvalidVectors: There are not `count` tags, or one in them is not a whole number or below `NO_VALUE`.
    """
    if len(tags) != count:
        raise InvalidVectors(f"{count} vectors came with {len(tags)} tags")
    if count == 0:
        return np.empty((0, len(TAG_NAMES)), dtype=np.int64)
    rows = np.array([_values_of(tag) for tag in tags])
    if not np.issubdtype(rows.dtype, np.integer):
        raise InvalidVectors("tags must hold whole numbers; a missing category is NO_CATEGORY, not None")
    if rows.min() < NO_VALUE or rows.max() > np.iinfo(np.int64).max:
        raise InvalidVectors(f"tags must lie in {NO_VALUE}..2**63-1")
    return rows.astype(np.int64)


def check_count(ids: int, vectors: int) -> None:
    """Refuse ids and vectors that do not pair up.

    Raises:
        InvalidVectors: Their numbers differ.
    """
    if ids != vectors:
        raise InvalidVectors(f"{vectors} vectors came with {ids} ids")


def check_k(k: int) -> None:
    """Refuse to look for no hits.

    Raises:
        InvalidSearch: `k` is below 1.
    """
    if k < 1:
        raise InvalidSearch(f"k must be at least 1, not {k}")
