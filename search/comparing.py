"""Where the published index and the records disagree, found in one pass over both whose memory does not grow."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from django.conf import settings
from django.db.models import Q
from numpy.typing import NDArray

from catalog.models import Retailer
from search.filters import is_one_of
from search.index.base import ABSENT, VectorIndex
from search.index.registry import open_reader
from search.index_rows import tag_rows
from search.models import Space
from search.selectors import IDS_A_QUERY, chunked, id_windows, indexable_garments

BUILD_ANEW_SHARE = 0.5
"""Where more than this share of an index is wrong, building it anew is the shorter way."""

BUILD_ANEW_LEAST = 1000
"""Fewer wrong garments than this are always repaired one by one."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """What a comparison found.

    Attributes:
        differing: int64 (N,), rising: garments that are missing in the index, have other tags there, or are gone.
        n_indexed: Garments in the index when it began.
        is_complete: False where it was broken off because most of the index is wrong.
    """

    differing: NDArray[np.int64]
    n_indexed: int
    is_complete: bool = True


def compare(space: Space, retailer: Retailer | None = None) -> Comparison:
    """Compares the published index of a space with the records: ids and tags.

    Args:
        space: Whose index.
        retailer: Only what this retailer's records say is looked at; what is gone from them is not.

    Raises:
        IndexMissing, IndexDamaged, SpaceMismatch: There is nothing to compare with.
    """
    index = open_reader(settings.VECTOR_INDEX_URL, space.name, space.dim)
    indexed = index.ids()
    most = max(BUILD_ANEW_LEAST, BUILD_ANEW_SHARE * indexed.size)
    found: list[NDArray[np.int64]] = []
    n_found = 0
    for differing in _differing(index, indexed, space, retailer):
        found.append(differing)
        n_found += differing.size
        if n_found > most:
            return Comparison(np.concatenate(found), indexed.size, is_complete=False)
    return Comparison(np.concatenate([np.empty(0, np.int64), *found]), indexed.size)


def still_differing(space: Space, garment_ids: NDArray[np.int64]) -> NDArray[np.int64]:
    """Those of some garments in which index and records (still) disagree, at the cost of these garments.

    Raises:
        IndexMissing, IndexDamaged, SpaceMismatch: There is nothing to compare with.
    """
    index = open_reader(settings.VECTOR_INDEX_URL, space.name, space.dim)
    found = [np.empty(0, np.int64)]
    for some in chunked(garment_ids.tolist(), IDS_A_QUERY):
        wanted, tags = tag_rows(indexable_garments(space, Q(pk__in=some)).order_by("pk"))
        unwanted = np.setdiff1d(np.array(some, dtype=np.int64), wanted)
        found.append(wanted[(index.tags(wanted) != tags).any(axis=1)])
        found.append(unwanted[(index.tags(unwanted) != ABSENT).any(axis=1)])
    return np.concatenate(found)


def _differing(
    index: VectorIndex, indexed: NDArray[np.int64], space: Space, retailer: Retailer | None
) -> Iterator[NDArray[np.int64]]:
    """The ids that differ, window by window; ids of the index that lie between windows belong to no garment."""
    seen_until = 0
    for low, high in id_windows():
        wanted, differing = _compare_window(index, space, retailer, low, high)
        yield differing
        if retailer is None:
            start, end = np.searchsorted(indexed, (seen_until, high))
            yield np.setdiff1d(indexed[start:end], wanted, assume_unique=True)
        seen_until = high
    if retailer is None:
        yield indexed[np.searchsorted(indexed, seen_until) :]


def _compare_window(
    index: VectorIndex, space: Space, retailer: Retailer | None, low: int, high: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The ids a window should have in the index, and those of them that are missing there or tagged otherwise."""
    among = Q(pk__gte=low, pk__lt=high)
    if retailer is not None:
        among &= is_one_of("product__retailer_id", [retailer.pk])
    garments = indexable_garments(space, among).order_by("pk")
    wanted, tags = tag_rows(garments)
    differs: NDArray[np.bool_] = (index.tags(wanted) != tags).any(axis=1)
    return wanted, wanted[differs]
