"""Writes what came of fetches into the records, a batch a transaction: a kill loses a batch, never half an image."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from catalog.downloads.due import url_key
from catalog.downloads.orders import Arrived, Failed, Order, Outcome
from catalog.downloads.roots import web_address
from catalog.models import FetchedUrl, ProductImage

FIRST_RETRY_S = 300.0
LONGEST_RETRY_S = 86400.0
"""Later attempts come daily, as long as the feed names the image."""
OLD_PICTURE_ATTEMPTS = 6
"""After so many failures of a new link, five hours, the picture of the old one is taken away."""
JITTER = 0.2
IMAGES_A_TRANSACTION = 500
IMAGE_FIELDS = ("file", "sha256", "source_size", "status", "error", "error_code", "n_attempts", "next_attempt_at")
_STATUS = ProductImage.Status

Changing = Callable[[Sequence[int]], AbstractContextManager[None]]
Ended = tuple[Order, Outcome]


def record(ended: Sequence[Ended], changing: Changing) -> None:
    """Writes the outcomes of some orders to all images that still have these links.

    Args:
        ended: Orders with what came of them.
        changing: Entered around it with the products that will look different.
    """
    now = timezone.now()
    _remember(ended, now)
    rows = [(image_id, each) for each in ended for image_id in each[0].image_ids]
    for start in range(0, len(rows), IMAGES_A_TRANSACTION):
        _record_images(dict(rows[start : start + IMAGES_A_TRANSACTION]), changing, now)


def next_attempt_s(n_attempts: int, wait_s: float | None) -> float:
    """Seconds until another attempt: twice as long after each failure, never before the server wants it.

    Args:
        n_attempts: That failed, this one included.
        wait_s: What the server asked for.
    """
    doubled_s = FIRST_RETRY_S * 2.0 ** (min(n_attempts, 20) - 1)
    backoff_s = min(doubled_s, LONGEST_RETRY_S) * random.uniform(1 - JITTER, 1 + JITTER)
    return backoff_s if wait_s is None else max(backoff_s, wait_s)


def _record_images(ended: Mapping[int, Ended], changing: Changing, now: datetime) -> None:
    images = ProductImage.objects.filter(pk__in=ended).order_by("pk")
    touched = {image.product_id for image in images if _looks_different(image, *ended[image.pk])}
    with changing(sorted(touched)), transaction.atomic():
        # A feed may have given an image another link meanwhile: then it is due by itself.
        locked = [image for image in images.select_for_update() if _address(image) == ended[image.pk][0].url]
        for image in locked:
            _apply(image, *ended[image.pk], now)
        # An upsert of rows that are locked and so are there: `bulk_update` takes ten times as long.
        ProductImage.objects.bulk_create(
            locked, update_conflicts=True, unique_fields=["id"], update_fields=IMAGE_FIELDS
        )


def _looks_different(image: ProductImage, order: Order, outcome: Outcome) -> bool:
    if isinstance(outcome, Arrived):
        return image.sha256 != outcome.sha256 or image.status != _STATUS.OK
    return image.status == _STATUS.OK and not _keeps_copy(image, order, outcome)


def _apply(image: ProductImage, order: Order, outcome: Outcome, now: datetime) -> None:
    if isinstance(outcome, Arrived):
        image.file, image.sha256, image.source_size = outcome.file, outcome.sha256, outcome.size
        image.status, image.error, image.error_code, image.n_attempts = _STATUS.OK, "", "", 0
        image.next_attempt_at = _refresh_at(now)
        return
    keeps_copy = _keeps_copy(image, order, outcome)
    image.n_attempts += 1
    image.error, image.error_code = outcome.reason[:500], outcome.code
    wait_s = next_attempt_s(image.n_attempts, outcome.wait_s)
    image.next_attempt_at = _much_later(now, image) if outcome.is_final else now + timedelta(seconds=wait_s)
    if keeps_copy:
        return
    image.status = _STATUS.FAILED
    image.file, image.sha256, image.source_size = "", "", 0


def _keeps_copy(image: ProductImage, order: Order, outcome: Failed) -> bool:
    """Whether the picture that is there stays good: this link's own always, another link's for a while."""
    if image.status != _STATUS.OK or not image.file:
        return False
    if order.known is not None and order.known.sha256 == image.sha256:
        return True
    return not outcome.is_final and image.n_attempts + 1 < OLD_PICTURE_ATTEMPTS


def _much_later(now: datetime, image: ProductImage) -> datetime | None:
    """What is dead today may be there tomorrow, as feeds come before their pictures: asked ever more rarely."""
    wait_s = min(LONGEST_RETRY_S * image.n_attempts, settings.SELVEDGE_FETCH_REFRESH_S)
    return now + timedelta(seconds=wait_s * random.uniform(1 - JITTER, 1 + JITTER)) if wait_s > 0 else None


def _refresh_at(now: datetime) -> datetime | None:
    refresh_s = settings.SELVEDGE_FETCH_REFRESH_S
    return now + timedelta(seconds=refresh_s * random.uniform(1 - JITTER, 1 + JITTER)) if refresh_s > 0 else None


def _address(image: ProductImage) -> str:
    address = web_address(image.source)
    return image.source if address is None else address


def _remember(ended: Iterable[Ended], now: datetime) -> None:
    """The validators of what arrived, for the next run and for other products with the same address."""
    records = {
        order.url: FetchedUrl(
            url_sha256=url_key(order.url),
            url=order.url[:2000],
            etag=outcome.etag,
            last_modified=outcome.last_modified,
            file=outcome.file,
            sha256=outcome.sha256,
            size=outcome.size,
            fetched_at=now,
        )
        for order, outcome in ended
        if isinstance(outcome, Arrived)
    }
    FetchedUrl.objects.bulk_create(
        records.values(),
        update_conflicts=True,
        unique_fields=["url_sha256"],
        update_fields=["etag", "last_modified", "file", "sha256", "size", "fetched_at"],
    )
