"""Work on records that the queue brings: store what was seen, publish the index. No task waits for another.

Run by `celery -A deploy.celery worker -Q records`; in this process where no broker is configured.
"""

from __future__ import annotations

from collections.abc import Sequence

from catalog.models import ProductImage
from search import descriptions, indexing
from search.index.base import IndexBusy
from search.models import Space
from workers.celery import app
from workers.client import describe_images_signature, send
from workers.codec import Payload, PhotoReference, decode_descriptions, described_space

BUSY_RETRY_S = 5
"""Wait before trying again while another worker publishes; storing is idempotent."""

BUSY_RETRIES = 20


@app.task(
    name="search.tasks.store_garments",
    autoretry_for=(IndexBusy,),
    default_retry_delay=BUSY_RETRY_S,
    max_retries=BUSY_RETRIES,
    ignore_result=True,
)
def store_garments(encoded_descriptions: Payload, image_ids: list[int], image_sha256s: list[str]) -> None:
    """Stores one batch and publishes where that is worthwhile.

    The space is the one the vision worker names: during a change of model its last batches still land where they
    belong.

    Args:
        encoded_descriptions: Result of `workers.tasks.describe_images`.
        image_ids: Primary keys of the images, in the descriptions' order.
        image_sha256s: The files that were described.
    """
    results = decode_descriptions(encoded_descriptions)
    space = Space.objects.get(name=described_space(encoded_descriptions))
    descriptions.store_descriptions(
        space, image_ids, image_sha256s, results, segmenter_version=encoded_descriptions["model_version"]
    )
    indexing.sync_index_if_worthwhile(space, image_ids)


@app.task(
    name="search.tasks.sync_index",
    autoretry_for=(IndexBusy,),
    default_retry_delay=BUSY_RETRY_S,
    max_retries=BUSY_RETRIES,
    ignore_result=True,
)
def sync_index(space_name: str) -> None:
    """Makes the published index equal to the database."""
    indexing.sync_index(Space.objects.get(name=space_name))


def request_sync(space: Space) -> None:
    """Asks for the published index to be made equal to the database; in this process it is when this returns.

    Raises:
        VisionUnavailable: The queue cannot be reached.
        VectorIndexError: In this process, what `search.indexing.sync_index` raises.
    """
    send(sync_index.si(space.name))


def dispatch_batch(images: Sequence[ProductImage], space: Space) -> None:
    """Sends images through vision, then records: chained, so that nobody waits in between.

    Args:
        images: What to describe.
        space: The space to describe it in.

    Raises:
        WorkersError: Over the queue, that it cannot be reached; in this process, that the model is missing.
        VectorIndexError: In this process, what `search.indexing.sync_index` raises.
    """
    seen = describe_images_signature([PhotoReference(str(image.file)) for image in images], space=space.name)
    stored = store_garments.s([image.pk for image in images], [image.sha256 for image in images])
    send(seen | stored)
