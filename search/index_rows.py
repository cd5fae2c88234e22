"""Rows of the index as the records have them: what a writer is given, in pieces whose memory does not grow."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from django.db.models import Q, QuerySet
from numpy.typing import NDArray

from search.filters import TAG_FIELDS, tags_of
from search.index.base import VectorIndex
from search.index.validation import check_tags
from search.models import Garment, Space
from search.selectors import IDS_A_QUERY, chunked, id_windows, indexable_garments, read_embedding

Progress = Callable[[int], object]
"""Called with the number of garments just written."""


def tag_rows(garments: QuerySet[Garment]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """What garments can be filtered by.

    Returns:
        Their ids, int64 (N,), and their tags, int64 (N, len(TAG_NAMES)), in the queryset's order.
    """
    rows = list(garments.values_list("pk", *TAG_FIELDS))
    ids = np.array([row[0] for row in rows], dtype=np.int64)
    return ids, check_tags([tags_of(*row[1:]) for row in rows], len(rows))


def refresh(writer: VectorIndex, space: Space, garment_ids: Sequence[int]) -> tuple[int, int]:
    """Makes a writer say of some garments what the records say.

    Returns:
        How many were added or tagged anew, and how many were taken out.
    """
    n_written = n_removed = 0
    for some in chunked(garment_ids, IDS_A_QUERY):
        ids, tags = tag_rows(indexable_garments(space, Q(pk__in=some)).order_by("pk"))
        differing = ids[(writer.tags(ids) != tags).any(axis=1)].tolist()
        n_written += _upsert(writer, Garment.objects.filter(pk__in=differing))
        n_removed += writer.remove(np.setdiff1d(np.array(some, dtype=np.int64), ids))
    return n_written, n_removed


def fill(writer: VectorIndex, space: Space, on_progress: Progress | None = None) -> int:
    """Gives a writer all that belongs into a space's index; returns how many garments that are."""
    n_all = 0
    for low, high in id_windows():
        n_written = _upsert(writer, indexable_garments(space, Q(pk__gte=low, pk__lt=high)))
        n_all += n_written
        if on_progress is not None and n_written:
            on_progress(n_written)
    return n_all


def _upsert(writer: VectorIndex, garments: QuerySet[Garment]) -> int:
    rows: list[tuple[Any, ...]] = list(garments.order_by("pk").values_list("pk", "embedding", *TAG_FIELDS))
    if rows:
        ids = np.array([row[0] for row in rows], dtype=np.int64)
        vectors = np.stack([read_embedding(row[1]) for row in rows])
        writer.upsert(ids, vectors, [tags_of(*row[2:]) for row in rows])
    return len(rows)
