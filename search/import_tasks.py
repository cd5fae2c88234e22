"""Imports over the queue: each message is one step of one import, so that other work gets its turn in between.

Where no broker is configured, `search.background` runs them in a thread of this process, all steps in one go.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection
from datetime import timedelta
from uuid import UUID

from django.utils import timezone

from catalog.downloads.stage import fetch_images
from catalog.imports import leases
from catalog.imports.leases import Lease
from catalog.models import Product
from catalog.upkeep import Upkeep
from search.background import run_soon
from search.import_describing import IMAGES_A_BATCH
from search.importing import Means, work_on
from search.selectors import IDS_A_QUERY, chunked, due_images
from search.spaces import fresh_spaces
from search.tasks import dispatch_batch, products_changing, request_sync
from search.webhook_tasks import request_sending
from workers.celery import app
from workers.client import is_embedded, send
from workers.errors import ModelMissing, VisionUnavailable

logger = logging.getLogger(__name__)

FORGOTTEN_AFTER = timedelta(minutes=15)
FORGOTTEN_AT_ONCE = 64

MEANS = Means(products_changing, dispatch_batch, request_sync)


@app.task(name="search.import_tasks.run_imports", ignore_result=True)
def run_imports(retailer_id: int) -> None:
    """Takes up a retailer's oldest import, unless one of its imports is being run; then the next one."""
    lease = leases.take_up(retailer_id)
    while lease is not None:
        if not _work(lease):
            return
        lease = leases.take_up(retailer_id)


@app.task(name="search.import_tasks.go_on_with_import", ignore_result=True)
def go_on_with_import(job_id: str, runner: str) -> None:
    """The next step of an import, by whoever holds its lease; nothing where that was lost meanwhile."""
    lease = leases.go_on(UUID(job_id), runner)
    if lease is not None and _work(lease):
        run_imports(lease.job.retailer_id)


@app.task(name="search.import_tasks.look_at_products", ignore_result=True)
def look_at_products(product_ids: list[int]) -> None:
    """Fetches and describes the new images of some products, which were written one by one."""
    retailer_ids = list(Product.objects.filter(pk__in=product_ids).values_list("retailer_id", flat=True).distinct())
    if not retailer_ids:
        return
    fetch_images(retailer_ids, changing=products_changing)
    for space in fresh_spaces():
        for image_ids in chunked(product_ids, IDS_A_QUERY):
            due = list(due_images(space).filter(product__in=image_ids))
            for batch in chunked(due, IMAGES_A_BATCH):
                dispatch_batch(batch, space)


def look_at_forgotten() -> int:
    """Has photos described that nobody saw to, because a process died or a fetch succeeded late; how many products.

    Few at a time: where photos wait in a long queue, some of them are described twice.
    """
    try:
        spaces = fresh_spaces()
    except ModelMissing:
        return 0
    before = timezone.now() - FORGOTTEN_AFTER
    forgotten: set[int] = set()
    for space in spaces:
        due = due_images(space).filter(product__updated_at__lt=before)[:FORGOTTEN_AT_ONCE]
        forgotten.update(due.values_list("product_id", flat=True))
    if forgotten and not leases.is_any_running():
        run_soon(look_at_products.si(sorted(forgotten)))
        return len(forgotten)
    return 0


def take_up_imports() -> int:
    """Gets every import run that waits or whose process died; returns of how many retailers."""
    retailer_ids = leases.waiting_retailers()
    for retailer_id in retailer_ids:
        run_soon(run_imports.si(retailer_id))
    return len(retailer_ids)


def _work(lease: Lease) -> bool:
    """Does a step (in this process: all); whether the import has ended."""
    with lease.kept():
        wait_s = work_on(lease, MEANS)
        while wait_s is not None and is_embedded():
            wait_s = work_on(lease, MEANS)
    if wait_s is None:
        request_sending()
        return True
    send(go_on_with_import.si(str(lease.job_id), lease.runner).set(countdown=wait_s))
    return False


def _import_submitted(job_id: UUID) -> None:
    # All that wait: whoever hands one in helps those along whose process died.
    _unless_away(take_up_imports, f"Import {job_id}")


def _images_came(product_ids: Collection[int]) -> None:
    if product_ids:
        _unless_away(lambda: run_soon(look_at_products.si(sorted(product_ids))), f"{len(product_ids)} products")


def _unless_away(hand_over: Callable[[], object], what: str) -> None:
    """What cannot be handed over is a record already: `manage.py tidy` takes it up."""
    try:
        hand_over()
    except VisionUnavailable:
        logger.exception("%s: the queue does not answer; `manage.py tidy` takes it up.", what)


UPKEEP = Upkeep(products_changing, _images_came, _import_submitted)
"""How the search follows the catalog; `deploy.urls` hands it to the catalog's views."""
