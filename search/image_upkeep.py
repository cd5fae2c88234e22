"""Images that did not come are asked for again by themselves, and described when they do."""

from __future__ import annotations

import time
from datetime import timedelta

from django.utils import timezone

from catalog.downloads.due import due_images as images_to_fetch
from catalog.downloads.stage import fetch_images
from catalog.models import FetchedUrl
from search.selectors import IDS_A_QUERY, chunked, due_images
from search.spaces import fresh_spaces
from search.tasks import dispatch_batch, products_changing

AT_ONCE = 20_000
FETCHING_S = 60.0
"""A chore has a minute; the next one goes on."""
IMAGES_A_BATCH = 8
VALIDATORS_KEPT = timedelta(days=90)
"""Of addresses that nobody confirmed since: no product names them, or they fail."""


def retry_images() -> int:
    """Fetches images whose next attempt is due, for a minute, and gets those described that came; returns how many."""
    due = images_to_fetch(None, timezone.now(), retries_only=True)
    image_ids = list(due.order_by("pk").values_list("pk", flat=True)[:AT_ONCE])
    if not image_ids:
        return 0
    until = time.monotonic() + FETCHING_S
    summary = fetch_images(changing=products_changing, should_stop=lambda: time.monotonic() > until, retries_only=True)
    for space in fresh_spaces():
        for ids in chunked(image_ids, IDS_A_QUERY):
            for batch in chunked(due_images(space).filter(pk__in=ids), IMAGES_A_BATCH):
                dispatch_batch(batch, space)
    return summary.n_ok


def forget_old_validators() -> int:
    """Forgets the ETags of addresses that were not fetched for long; returns how many."""
    return FetchedUrl.objects.filter(fetched_at__lt=timezone.now() - VALIDATORS_KEPT).delete()[0]
