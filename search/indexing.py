"""From records to index: the database is the record, the index a cache that follows it at the cost of the change.

Whoever changes records hands what was touched to `index_images` or `index_products`; each looks at the records again
under the index's lock, so the last one to write always writes what is true. What a kill leaves undone is found by
`sync_index`, which compares both as a whole.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.conf import settings

from catalog.models import Retailer
from search.comparing import compare, still_differing
from search.index.base import IndexDamaged, IndexMissing, SpaceMismatch, VectorIndex
from search.index.registry import LOCK_TIMEOUT_S, open_reader, open_writer, published_spaces
from search.index_rows import Progress, fill, refresh
from search.models import Garment, Space
from search.selectors import IDS_A_QUERY, chunked
from search.spaces import serving_record
from search.stock import sizes_of

logger = logging.getLogger(__name__)

IDS_A_LOCK = 10 * IDS_A_QUERY
"""Garments repaired before other writers get their turn."""

BUILD_TIMEOUT_S = 1800.0
"""How long to wait for another process that may be building the whole index: minutes at a million garments."""

LOOK_AGAIN_S = 0.1


@dataclass(frozen=True, slots=True)
class IndexChange:
    """What an update of the index took.

    Attributes:
        added: Garments added, or written again with other tags.
        removed: Garments taken out.
        n_vectors: Garments in the index now.
        generation: The published state.
    """

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


def index_images(space: Space, image_ids: Iterable[int], *, gone: Iterable[int] = ()) -> IndexChange:
    """Publishes what the records say about some images; readers in every process see it at their next search.

    Args:
        space: Whose index.
        image_ids: Images that were described, or described anew.
        gone: Garments that were deleted with their former descriptions.

    Raises:
        IndexBusy: Another writer held the lock for long; nothing was changed.
        PublishFailed: The change could not be stored; the published state stands.
    """
    touched = set(gone)
    for ids in chunked(sorted(set(image_ids)), IDS_A_QUERY):
        touched.update(Garment.objects.filter(description__image__in=ids).values_list("pk", flat=True))
    return index_garments(space, touched)


def index_products(space: Space, product_ids: Iterable[int], *, gone: Iterable[int] = ()) -> IndexChange:
    """Publishes what the records say about some products: their prices, stock, brands, or that they are gone.

    Args:
        space: Whose index.
        product_ids: Products that were changed, withdrawn or deleted.
        gone: Garments that were deleted with them; see `garments_of`.

    Raises:
        IndexBusy, PublishFailed: As `index_images`.
    """
    return index_garments(space, {*gone, *garments_of(product_ids)})


def index_garments(space: Space, garment_ids: Iterable[int]) -> IndexChange:
    """Publishes what the records say about some garments: adds, tags anew, or takes out what does not belong there.

    Args:
        space: Whose index.
        garment_ids: Garments, deleted ones too, of any space: those of others are none of this index.

    Raises:
        IndexBusy, PublishFailed: As `index_images`.
    """
    ids = sorted(set(garment_ids))
    try:
        # To a lock as well: on an index that was lost it builds all, and the next round finds the rest done.
        changes = [_refresh(space, some) for some in chunked(ids, IDS_A_LOCK)] or [_refresh(space, ())]
    except (IndexDamaged, SpaceMismatch) as error:
        logger.warning("The index of %s is built anew: %s", space.name, error)
        return build_index(space)
    added, removed = (sum(getattr(change, name) for change in changes) for name in ("added", "removed"))
    return IndexChange(added, removed, changes[-1].n_vectors, changes[-1].generation)


def garments_of(product_ids: Iterable[int]) -> list[int]:
    """The garments of which a change of products tells, in all spaces: ask before they or their images are deleted.

    These are the products' own, and those of the other sizes of their items and colors: what of one size is in stock
    can be bought, so they share their availability.
    """
    found: set[int] = set()
    for ids in chunked(sorted(set(product_ids)), IDS_A_QUERY):
        for sizes in chunked(sorted(sizes_of(ids)), IDS_A_QUERY):
            found.update(Garment.objects.filter(product__in=sizes, is_product=True).values_list("pk", flat=True))
    return sorted(found)


def followed_spaces() -> list[Space]:
    """The spaces whose index follows every change: all that have one, but those that served their time.

    A retired space is made equal to the records when it is gone back to.
    """
    published = published_spaces(settings.VECTOR_INDEX_URL)
    return list(Space.objects.filter(name__in=published).exclude(state=Space.State.RETIRED).order_by("pk"))


def sync_index(space: Space, *, fresh: bool = False, on_progress: Progress | None = None) -> IndexChange:
    """Makes the published index equal to the records, ids and tags: repairs what differs, or builds it anew.

    It is built anew where it is missing or damaged, or where most of it is wrong. Searches go on meanwhile.

    Args:
        space: Whose index.
        fresh: Build it anew without looking.
        on_progress: Told of the garments written while it is built anew.

    Raises:
        IndexBusy: Another writer held the lock for long.
        PublishFailed: The change could not be stored; the published state stands.
    """
    if fresh:
        return build_index(space, on_progress=on_progress)
    try:
        compared = compare(space)
    except IndexMissing:
        return build_index(space, on_progress=on_progress, unless_whole=True)
    except (IndexDamaged, SpaceMismatch) as error:
        logger.warning("The index of %s is built anew: %s", space.name, error)
        return build_index(space, on_progress=on_progress, unless_whole=True)
    if not compared.is_complete:
        return build_index(space, on_progress=on_progress)
    if compared.differing.size:
        return index_garments(space, compared.differing.tolist())
    index = open_reader(settings.VECTOR_INDEX_URL, space.name, space.dim)
    return IndexChange(0, 0, len(index), index.generation)


def build_index(space: Space, *, on_progress: Progress | None = None, unless_whole: bool = False) -> IndexChange:
    """Builds a space's index from the records and publishes it as a whole.

    Args:
        space: Whose index.
        on_progress: Called with the number of garments just written.
        unless_whole: Look again once no other process writes: it may have built the index meanwhile.

    Raises:
        IndexBusy: Another writer held the lock for `BUILD_TIMEOUT_S`.
        PublishFailed: It could not be stored; the published state stands.
    """
    writing = open_writer(settings.VECTOR_INDEX_URL, space.name, space.dim, fresh=True, timeout_s=BUILD_TIMEOUT_S)
    with writing as writer:
        if unless_whole and index_is_whole(space):
            index = open_reader(settings.VECTOR_INDEX_URL, space.name, space.dim)
            return IndexChange(0, 0, len(index), index.generation)
        return _build(writer, space, on_progress)


def index_is_whole(space: Space, retailer: Retailer | None = None, *, patience_s: float = 0.0) -> bool:
    """Whether the published index can be read and says of every garment what the records say.

    Args:
        space: Whose index.
        retailer: Only this one's garments.
        patience_s: What differs may be a change on its way: so long it is looked at again, and it alone.
    """
    deadline = time.monotonic() + patience_s
    try:
        compared = compare(space, retailer)
        differing = compared.differing
        while differing.size and compared.is_complete and time.monotonic() < deadline:
            time.sleep(LOOK_AGAIN_S)
            differing = still_differing(space, differing)
    except (IndexMissing, IndexDamaged, SpaceMismatch):
        return False
    return differing.size == 0


def _refresh(space: Space, garment_ids: Sequence[int]) -> IndexChange:
    with open_writer(settings.VECTOR_INDEX_URL, space.name, space.dim, timeout_s=LOCK_TIMEOUT_S) as writer:
        if writer.generation == 0:
            # A few garments alone would pass for the whole catalog.
            return _build(writer, space)
        added, removed = refresh(writer, space, garment_ids)
        if added or removed:
            writer.publish()
        return IndexChange(added, removed, len(writer), writer.generation)


def _build(writer: VectorIndex, space: Space, on_progress: Progress | None = None) -> IndexChange:
    added = fill(writer, space, on_progress)
    return IndexChange(added, 0, len(writer), writer.publish())
