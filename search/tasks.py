"""Work on records that the queue brings: store what was seen, keep the index up to date. No task waits for another.

Run by `celery -A deploy.celery worker -Q records`; in this process where no broker is configured.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from django.db import transaction

from catalog.models import ProductImage
from search import compaction, descriptions, indexing
from search.catalog_photos import in_messages
from search.description_reuse import copy_descriptions, one_a_file, twins_of
from search.index.base import IndexBusy, VectorIndexError
from search.models import Space
from search.selectors import IDS_A_QUERY, chunked
from workers.celery import app
from workers.client import describe_images_signature, is_embedded, send
from workers.codec import Payload, decode_descriptions, described_space
from workers.errors import WorkersError

logger = logging.getLogger(__name__)

BUSY_RETRY_S = 5
"""Wait before trying again while another process builds the whole index; all these tasks are idempotent."""

BUSY_RETRIES = 120
"""Ten minutes and the waits for the lock."""

GARMENTS_A_MESSAGE = 5000

_UNTIL_WRITABLE: dict[str, Any] = {
    # In this process nothing can be put off: whoever called is told, after the wait for the lock.
    "autoretry_for": () if is_embedded() else (IndexBusy,),
    "default_retry_delay": BUSY_RETRY_S,
    "max_retries": BUSY_RETRIES,
    "ignore_result": True,
}


@app.task(name="search.tasks.store_garments", ignore_result=True)
def store_garments(encoded_descriptions: Payload, image_ids: list[int], image_sha256s: list[str]) -> None:
    """Stores one batch, for all images that have the same files, and publishes it.

    The space is the one the vision worker names: during a change of model its last batches still land where they
    belong.

    Args:
        encoded_descriptions: Result of `workers.tasks.describe_images`.
        image_ids: Primary keys of the images, in the descriptions' order.
        image_sha256s: The files that were described.
    """
    results = decode_descriptions(encoded_descriptions)
    space = Space.objects.get(name=described_space(encoded_descriptions))
    gone = descriptions.store_descriptions(
        space, image_ids, image_sha256s, results, segmenter_version=encoded_descriptions["model_version"]
    )
    for twins in chunked(twins_of(space, image_sha256s), IDS_A_QUERY):
        copied = copy_descriptions(space, twins, failures_too=True)
        image_ids, gone = image_ids + copied.image_ids, gone + copied.gone
    try:
        indexing.index_images(space, image_ids, gone=gone)
    except IndexBusy:
        # Later, by itself: were this task to come again, nobody would know any more which garments went.
        send(index_images.si(space.name, image_ids, gone).set(countdown=BUSY_RETRY_S))
    else:
        request_compaction(space)


@app.task(name="search.tasks.index_images", **_UNTIL_WRITABLE)
def index_images(space_name: str, image_ids: list[int], gone: list[int]) -> None:
    """Publishes what was stored of some images."""
    space = Space.objects.get(name=space_name)
    indexing.index_images(space, image_ids, gone=gone)
    request_compaction(space)


@app.task(name="search.tasks.index_garments", **_UNTIL_WRITABLE)
def index_garments(garment_ids: list[int]) -> None:
    """Publishes what became of some garments in every space that follows the records."""
    for space in indexing.followed_spaces():
        indexing.index_garments(space, garment_ids)
        request_compaction(space)


@app.task(name="search.tasks.sync_index", **_UNTIL_WRITABLE)
def sync_index(space_name: str) -> None:
    """Makes the published index equal to the database."""
    space = Space.objects.get(name=space_name)
    indexing.sync_index(space)
    request_compaction(space)


@app.task(name="search.tasks.compact_index", ignore_result=True)
def compact_index(space_name: str) -> None:
    """Begins to compact a space's index in a thread, so that a worker of one process goes on storing meanwhile."""
    compaction.compact_in_background(Space.objects.get(name=space_name))


@contextmanager
def products_changing(product_ids: Iterable[int]) -> Iterator[None]:
    """Wraps a change of known products or of their images, deletion included: the index follows once it is committed.

    What cannot be handed over is logged and healed by the next `sync_index`; searches are right meanwhile, because
    every hit is checked against the records.

    Args:
        product_ids: Products that exist before the change.
    """
    ids = list(product_ids)
    before = indexing.garments_of(ids)
    yield
    transaction.on_commit(lambda: _follow(ids, before))


def request_sync(space: Space) -> None:
    """Asks for the published index to be made equal to the database; in this process it is when this returns.

    Raises:
        VisionUnavailable: The queue cannot be reached.
        VectorIndexError: In this process, what `search.indexing.sync_index` raises.
    """
    send(sync_index.si(space.name))


def request_compaction(space: Space) -> None:
    """Asks for the index to be compacted where that is worthwhile; it happens beside all else.

    Raises:
        VisionUnavailable: The queue cannot be reached.
        VectorIndexError: What is published cannot be read.
    """
    if compaction.is_due(space):
        send(compact_index.si(space.name))


def dispatch_batch(images: Sequence[ProductImage], space: Space) -> None:
    """Sends images through vision, then records: chained, so that nobody waits in between.

    A file is sent once, and not at all where it was described before; what is seen in it is stored for all its images.

    Args:
        images: What to describe.
        space: The space to describe it in.

    Raises:
        WorkersError: Over the queue, that it cannot be reached; in this process, that the model is missing.
        VectorIndexError: In this process, what `search.indexing.index_images` raises.
        StorageUnavailable: The photos lie in an object storage that does not answer.
    """
    reused = set(reuse_descriptions([image.pk for image in images], space))
    for message in in_messages(one_a_file(image for image in images if image.pk not in reused)):
        seen = describe_images_signature([photo for _, photo in message], space=space.name)
        stored = store_garments.s([image.pk for image, _ in message], [image.sha256 for image, _ in message])
        send(seen | stored)


def reuse_descriptions(image_ids: Sequence[int], space: Space) -> list[int]:
    """Describes images whose file was described for another product before, without a model; the index follows.

    Args:
        image_ids: What is to be described, few enough for one query.
        space: The space to describe it in.

    Returns:
        Those of them that are described now.

    Raises:
        VisionUnavailable: The queue cannot be reached; what is stored is published by the next `sync_index`.
        VectorIndexError: In this process, what `search.indexing.index_images` raises.
    """
    copied = copy_descriptions(space, image_ids)
    if copied.image_ids:
        send(index_images.si(space.name, copied.image_ids, copied.gone))
    return copied.image_ids


def _follow(product_ids: Sequence[int], before: Sequence[int]) -> None:
    # Asked again: a photo may have been described while the products were written.
    touched = sorted({*before, *indexing.garments_of(product_ids)})
    try:
        for garment_ids in chunked(touched, GARMENTS_A_MESSAGE):
            send(index_garments.si(list(garment_ids)))
    except (VectorIndexError, WorkersError):
        logger.exception("The index does not know of %d changed products until it is reconciled.", len(product_ids))
