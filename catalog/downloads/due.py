"""Which images are to be fetched, now or later."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from datetime import datetime

from django.db.models import Q, QuerySet
from django.utils import timezone

from catalog.downloads.orders import Order
from catalog.downloads.roots import fetched_from_the_web, web_address
from catalog.models import FetchedUrl, ProductImage

WINDOW = 500
"""Images read at once; SQLite once took at most 999 parameters a statement."""

Retailers = Sequence[int] | None
"""Primary keys; None is all."""


def due_images(retailer_ids: Retailers, at: datetime, *, retries_only: bool = False) -> QuerySet[ProductImage]:
    """Images of products on sale that are to be fetched: new ones, and those whose next attempt's time has come.

    Args:
        retailer_ids: Whose.
        at: The time.
        retries_only: Leave new ones to the import that brought them.
    """
    due = Q(next_attempt_at__lte=at)
    if not retries_only:
        due |= Q(status=ProductImage.Status.PENDING, next_attempt_at__isnull=True)
    return _of(retailer_ids).filter(due)


def count_due(retailer_ids: Retailers) -> int:
    """How many images are to be fetched now."""
    return due_images(retailer_ids, timezone.now()).count()


def order_windows(images: QuerySet[ProductImage]) -> Iterator[list[Order]]:
    """Orders for due images, a window of them at a time, so that a million take no memory."""
    last = 0
    while rows := list(images.filter(pk__gt=last).order_by("pk").values_list("pk", "source")[:WINDOW]):
        last = rows[-1][0]
        orders: dict[str, Order] = {}
        for pk, source in rows:
            address = web_address(source)
            # A link whose root is mapped no more is no web address; fetching it says so.
            url = source if address is None else address
            orders.setdefault(url, Order(url)).image_ids.append(pk)
        _look_up(orders)
        yield list(orders.values())


def retry_failed(retailer_ids: Retailers) -> int:
    """Makes images due that failed, for good or until later; returns how many."""
    return _make_due(_of(retailer_ids).exclude(error_code=""))


def ask_again(retailer_ids: Retailers) -> int:
    """Makes all images from the web due, also those with a copy, which is asked for with its ETag; returns how many."""
    return _make_due(_of(retailer_ids))


def ask_again_for(images: QuerySet[ProductImage]) -> int:
    """Makes these images due where they come from the web; returns how many."""
    return _make_due(images)


def url_key(url: str) -> str:
    """SHA-256 (hex) of an address, the key of its record."""
    return hashlib.sha256(url.encode("utf-8", "surrogatepass")).hexdigest()


def _of(retailer_ids: Retailers) -> QuerySet[ProductImage]:
    images = ProductImage.objects.filter(product__withdrawn_at__isnull=True)
    return images if retailer_ids is None else images.filter(product__retailer__in=retailer_ids)


def _make_due(images: QuerySet[ProductImage]) -> int:
    # By themselves: an update may not join.
    chosen = images.filter(fetched_from_the_web()).values("pk")
    return ProductImage.objects.filter(pk__in=chosen).update(next_attempt_at=timezone.now())


def _look_up(orders: dict[str, Order]) -> None:
    by_key = {url_key(url): order for url, order in orders.items()}
    for known in FetchedUrl.objects.filter(url_sha256__in=by_key):
        by_key[known.url_sha256].known = known
