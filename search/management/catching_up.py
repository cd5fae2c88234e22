"""Brings one space up to date with the catalog: what the commands that index, and that go back to a space, share."""

from __future__ import annotations

from collections.abc import Sequence

from catalog.models import Retailer
from search.compaction import finish_compaction
from search.descriptions import count_failures, forget_failures, rechoose_products
from search.management.bars import describing_bar
from search.management.describing import STALL_TIMEOUT_S, DescribingRun
from search.models import Space
from search.selectors import due_images
from search.tasks import request_sync


def catch_up(
    space: Space,
    retailers: Sequence[Retailer],
    *,
    stall_timeout_s: float = STALL_TIMEOUT_S,
    retry_failed: bool = False,
    shown: bool = True,
) -> tuple[DescribingRun, int]:
    """Describes every due photo of some retailers in a space and publishes it; a kill loses a batch at most.

    Args:
        space: The space to describe in; another one may serve meanwhile.
        retailers: Whose photos.
        stall_timeout_s: Give up when nothing was stored for so long.
        retry_failed: Describe again what could not be described before.
        shown: Show a bar.

    Returns:
        What came of it, and how many photos had failed before and were left alone.

    Raises:
        IndexingStalled: Nothing moved for `stall_timeout_s`.
        WorkersError, VectorIndexError: As `DescribingRun.describe`.
    """
    n_failed_before = 0
    for retailer in retailers:
        if retry_failed:
            forget_failures(space, retailer)
        rechoose_products(space, retailer)
        n_failed_before += count_failures(space, retailer)
    # What a kill left between record and index is healed first, so that searches see it at once.
    request_sync(space)
    n_due = sum(due_images(space, retailer).count() for retailer in retailers)
    with describing_bar(n_due, shown=shown) as show:
        run = DescribingRun(space, stall_timeout_s, on_progress=show)
        for retailer in retailers:
            run.describe(retailer)
    # All are compared in one pass over the catalog, as one is.
    run.wait_until_published(retailers[0] if len(retailers) == 1 else None)
    # In this process it would be cut off by the command's end; where workers do it, there is nothing to wait for.
    finish_compaction(space)
    return run, n_failed_before
