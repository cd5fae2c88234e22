"""The last step of an import: its photos are described and indexed, in batches that the queue works through.

Nobody waits for a batch: each look counts what came of those on their way and sends more. What is on its way stands in
the job, so that another process goes on where one died.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from catalog.imports.leases import Lease
from catalog.models import ProductImage
from search.descriptions import rechoose_products
from search.errors import IndexingStalled
from search.models import ImageDescription, Space
from search.selectors import chunked, due_images
from search.spaces import fresh_spaces
from workers.client import is_embedded

IMAGES_A_BATCH = 8
IMAGES_IN_FLIGHT = 128
LOOK_AGAIN_S = 1.0
STALL_TIMEOUT_S = 300.0
"""A cold vision worker loads its model and describes a first batch well within."""

Dispatch = Callable[[Sequence[ProductImage], Space], None]


def describe_more(lease: Lease, dispatch: Dispatch, request_sync: Callable[[Space], None]) -> float | None:
    """Sends photos of the import's retailer to be described in every space that follows the catalog.

    Args:
        lease: Of the import.
        dispatch: Gets a batch described and indexed; where there is no queue, before it returns.
        request_sync: Gets a space's index compared with the records.

    Returns:
        Seconds until another look is worth while; None once nothing is due any more.

    Raises:
        IndexingStalled: Photos are on their way and none has arrived for long.
        ImportCancelled, ImportTakenOver: As `Lease.obey` and `Lease.write`.
        WorkersError, VectorIndexError: As `search.tasks.dispatch_batch`.
    """
    spaces = fresh_spaces()
    state = lease.job.options.get("describing")
    if state is None:
        state = {"in_flight": {}, "moved_at": timezone.now().isoformat()}
        for space in spaces:
            rechoose_products(space, lease.job.retailer)
            request_sync(space)
    n_before = sum(map(len, state["in_flight"].values()))
    in_flight = {str(space.pk): _still_due(space, state["in_flight"].get(str(space.pk), [])) for space in spaces}
    sent = 0
    for space in spaces:
        sent += _send_more(lease, space, in_flight[str(space.pk)], dispatch)
    _keep(lease, in_flight, state, has_moved=bool(sent) or sum(map(len, in_flight.values())) < n_before)
    if not any(in_flight.values()):
        return None
    return 0.0 if is_embedded() else LOOK_AGAIN_S


def _still_due(space: Space, image_ids: list[int]) -> list[int]:
    return list(due_images(space).filter(pk__in=image_ids).values_list("pk", flat=True)) if image_ids else []


def _send_more(lease: Lease, space: Space, in_flight: list[int], dispatch: Dispatch) -> int:
    """Fills up what is on its way; how many were sent."""
    room = IMAGES_IN_FLIGHT - len(in_flight)
    if room < IMAGES_A_BATCH:
        return 0
    images = list(due_images(space, lease.job.retailer).exclude(pk__in=in_flight)[:room])
    for batch in chunked(images, IMAGES_A_BATCH):
        lease.obey()
        dispatch(batch, space)
        in_flight.extend(image.pk for image in batch)
        lease.report(**_described(lease))
    return len(images)


def _keep(lease: Lease, in_flight: dict[str, list[int]], state: dict[str, Any], *, has_moved: bool) -> None:
    moved_at = timezone.now() if has_moved else datetime.fromisoformat(state["moved_at"])
    kept = {"in_flight": in_flight, "moved_at": moved_at.isoformat()}
    lease.write(options=lease.job.options | {"describing": kept}, **_described(lease))
    if timezone.now() - moved_at > timedelta(seconds=STALL_TIMEOUT_S):
        raise IndexingStalled(
            "Rows and images are taken over, but no photo was described for a while; is a vision worker running? "
            "They are described as soon as one is."
        )


def _described(lease: Lease) -> dict[str, int]:
    """How many of the retailer's photos were described since the import began, and how many could not be."""
    job = lease.job
    seen = ImageDescription.objects.filter(described_at__gte=job.started_at, image__product__retailer=job.retailer)
    states = ImageDescription.State
    return {
        "n_described": seen.filter(state=states.OK).count(),
        "n_undescribed": seen.filter(state=states.FAILED).count(),
    }
