"""From records to index: the database is the record, the index a cache that is made equal to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from django.conf import settings

from catalog.models import Retailer
from search.index.base import NO_CATEGORY, IndexDamaged, IndexMissing, SpaceMismatch, Tags, VectorIndex
from search.index.registry import open_reader, open_writer
from search.models import Garment, Space
from search.selectors import chunked, due_images, indexable_garments, read_embedding
from search.spaces import serving_record

PUBLISH_EVERY_GARMENTS = 500
"""A generation is written whole, so not after every batch; so much may be unseen by searches during a long run."""

ROWS_A_CHUNK = 500


@dataclass(frozen=True, slots=True)
class IndexChange:
    """What making the index equal to the database took."""

    added: int
    removed: int
    n_vectors: int
    generation: int


def register_space() -> Space:
    """The record of the space that serves; see `search.spaces.serving_record`.

    Raises:
        ModelMissing: No space serves yet, and a checkpoint is missing or damaged.
    """
    return serving_record()


def sync_index(space: Space, *, fresh: bool = False) -> IndexChange:
    """Makes the published index equal to the database: adds what is missing, removes what is gone.

    Args:
        space: Whose index.
        fresh: Build it anew from nothing, for one that is damaged.

    Raises:
        IndexBusy: Another writer holds the lock.
        IndexDamaged: What is published cannot be read; build it `fresh`.
        PublishFailed: The new generation could not be stored.
    """
    with open_writer(settings.VECTOR_INDEX_URL, space.name, space.dim, fresh=fresh) as writer:
        wanted = set(indexable_garments(space).values_list("pk", flat=True))
        present = set(writer.ids().tolist())
        removed = writer.remove(np.array(sorted(present - wanted), dtype=np.int64))
        missing = sorted(wanted - present)
        for ids in chunked(missing, ROWS_A_CHUNK):
            _add(writer, ids)
        if removed or missing or fresh or writer.generation == 0:
            writer.publish()
        return IndexChange(len(missing), removed, len(writer), writer.generation)


def sync_index_if_worthwhile(space: Space, image_ids: Sequence[int]) -> IndexChange | None:
    """Publishes after a batch: when enough has gathered, or when nothing else of its retailers is due.

    The last of several workers to store its batch always finds nothing due, so a finished catalog is always published.

    Returns:
        What changed; None where it was not worth publishing yet.
    """
    if unpublished_garments(space) < PUBLISH_EVERY_GARMENTS:
        retailers = Retailer.objects.filter(products__images__in=image_ids).distinct()
        if any(due_images(space, retailer).exists() for retailer in retailers):
            return None
    return sync_index(space)


def index_is_whole(space: Space) -> bool:
    """Whether the published index can be read and holds exactly the garments that belong into it."""
    try:
        open_reader(settings.VECTOR_INDEX_URL, space.name, space.dim)
        with open_writer(settings.VECTOR_INDEX_URL, space.name, space.dim) as writer:
            return set(writer.ids().tolist()) == set(indexable_garments(space).values_list("pk", flat=True))
    except (IndexMissing, IndexDamaged, SpaceMismatch):
        return False


def unpublished_garments(space: Space) -> int:
    """How many garments are in the database and not in the published index, or the other way round."""
    try:
        published = set(open_reader(settings.VECTOR_INDEX_URL, space.name, space.dim).ids().tolist())
    except IndexMissing:
        published = set()
    return len(published.symmetric_difference(indexable_garments(space).values_list("pk", flat=True)))


def _add(writer: VectorIndex, garment_ids: Sequence[int]) -> None:
    rows = Garment.objects.filter(pk__in=garment_ids).order_by("pk")
    found = rows.values_list("pk", "embedding", "category_id", "description__image__product__retailer_id")
    # A worker may have replaced some of them since they were listed.
    ids, vectors, tags = [], [], []
    for pk, embedding, category_id, retailer_id in found:
        ids.append(pk)
        vectors.append(read_embedding(embedding))
        tags.append(Tags(retailer_id, NO_CATEGORY if category_id is None else category_id))
    if ids:
        writer.upsert(np.array(ids, dtype=np.int64), np.stack(vectors), tags)
