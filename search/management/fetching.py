"""The fetch stage as commands run it: with a bar, and told in lines."""

from __future__ import annotations

from collections.abc import Sequence

from catalog.downloads.due import ask_again, retry_failed
from catalog.downloads.stage import fetch_images
from search.management.bars import fetching_bar
from search.management.reporting import tell_fetched
from search.tasks import products_changing


def fetch_due(
    retailer_ids: Sequence[int] | None, *, failed_too: bool = False, stored_too: bool = False, shown: bool = True
) -> list[str]:
    """Fetches the images that are due; returns what to tell: nothing where none was.

    Args:
        retailer_ids: Whose; None for all.
        failed_too: Ask at once for all that failed, for good or until later.
        stored_too: Ask also for images that are there, whether they changed.
        shown: Show a bar.
    """
    if failed_too:
        retry_failed(retailer_ids)
    if stored_too:
        ask_again(retailer_ids)
    with fetching_bar(shown=shown) as show:
        summary = fetch_images(retailer_ids, on_progress=show, changing=products_changing)
    return tell_fetched(summary)
