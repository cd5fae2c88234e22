"""The fetch stage: brings the images that feeds name by web address into the media folder.

It is a stage of its own, beside import and description, because it is the slow one and the one that fails: concurrent,
polite to each host, asked with ETags, tried again in the run and later by itself, and resumable after any kill.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext

from django.conf import settings
from django.utils import timezone

from catalog.downloads.due import Retailers, due_images, order_windows
from catalog.downloads.guard import guarded_client
from catalog.downloads.orders import Order, Outcome
from catalog.downloads.photos import fetch_photo
from catalog.downloads.recording import Changing
from catalog.downloads.run import FetchRun
from catalog.downloads.summary import FetchSummary


def fetch_images(
    retailer_ids: Retailers = None,
    *,
    on_progress: Callable[[int, int], object] | None = None,
    changing: Changing | None = None,
    should_stop: Callable[[], bool] | None = None,
    retries_only: bool = False,
) -> FetchSummary:
    """Fetches every image that is due; a failure is a status of its image, never an error.

    Args:
        retailer_ids: Primary keys of retailers; None for all.
        on_progress: Called with (images done, images that were due).
        changing: Entered around every write with the products that will look different.
        should_stop: Asked several times a second; what was fetched by then is recorded.
        retries_only: Leave images that were never asked for to the import that brought them.
    """
    due = due_images(retailer_ids, timezone.now(), retries_only=retries_only)
    total = due.count()
    if not total:
        return FetchSummary()
    n_done = 0

    def show(n_written: int) -> None:
        nonlocal n_done
        n_done += n_written
        if on_progress is not None:
            on_progress(n_done, max(n_done, total))

    timeout_s, concurrency = settings.SELVEDGE_FETCH_TIMEOUT_S, settings.SELVEDGE_FETCH_CONCURRENCY
    with (
        guarded_client(timeout_s=timeout_s, max_connections=concurrency) as client,
        ThreadPoolExecutor(concurrency, thread_name_prefix="fetch") as pool,
    ):

        def fetch(order: Order) -> Outcome:
            return fetch_photo(order, client, timeout_s=timeout_s)

        follow = _unseen if changing is None else changing
        run = FetchRun(order_windows(due), pool, fetch, changing=follow, on_written=show)
        run.go(_never if should_stop is None else should_stop)
    return run.summary


def _never() -> bool:
    return False


def _unseen(product_ids: Sequence[int]) -> AbstractContextManager[None]:
    return nullcontext()
