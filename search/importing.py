"""Runs an import step by step: rows, images, photos described and indexed; a killed one goes on where it was.

The steps know neither tasks nor queues: whoever runs them lends what follows the catalog (`Means`).
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

from catalog.downloads.stage import fetch_images
from catalog.errors import CatalogError, DownloadFailed, FeedError, ImportCancelled, ImportTakenOver
from catalog.imports.ending import end_import
from catalog.imports.leases import Lease
from catalog.imports.row_errors import RowErrors
from catalog.imports.taking_in import feed_of, images_of
from catalog.models import ImportJob
from catalog.services import ImportSummary, import_feed
from catalog.upkeep import Changing
from catalog.webhooks.announcing import storable
from search.errors import IndexingStalled, SearchError
from search.import_describing import Dispatch, describe_more
from search.index.base import VectorIndexError
from search.models import Space
from workers.errors import ModelMissing, WorkersError

SLICE_S = 20.0
"""A step gives way to other work of the queue after so long, between two images."""
MAX_ATTEMPTS = 5
"""An import that killed so many processes is not given a sixth."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Means:
    """What a run of imports needs of those above it."""

    changing: Changing
    """See `search.tasks.products_changing`."""
    dispatch: Dispatch
    """See `search.tasks.dispatch_batch`."""
    request_sync: Callable[[Space], None]
    """See `search.tasks.request_sync`."""


def work_on(lease: Lease, means: Means) -> float | None:
    """Does the next step of an import, and ends it where that was the last one or went wrong.

    Returns:
        Seconds until the next step is worth while; None where there is none.
    """
    try:
        return _step(lease, means)
    except ImportTakenOver as error:
        logger.warning("%s", error)
    except ImportCancelled:
        _end_as(lease, ImportJob.State.CANCELLED)
    except (CatalogError, SearchError, VectorIndexError, WorkersError) as error:
        logger.info("Import %s failed: %s", lease.job_id, error)
        _end_as(lease, ImportJob.State.FAILED, _code(error), str(error))
    except Exception as error:  # whatever it is, the job must say that it ended; the log has the traceback
        logger.exception("Import %s failed.", lease.job_id)
        sentence = f"The server failed ({type(error).__name__}); hand it in again, and quote this import's id."
        _end_as(lease, ImportJob.State.FAILED, "internal_error", sentence)
    return None


def _step(lease: Lease, means: Means) -> float | None:
    job = lease.job
    if job.n_attempts > MAX_ATTEMPTS:
        _end_as(lease, ImportJob.State.FAILED, "given_up", f"{MAX_ATTEMPTS} processes died while they ran it.")
        return None
    lease.obey()
    if job.phase in {"", ImportJob.Phase.ROWS}:
        _take_rows(lease, means)
        if job.dry_run:
            _end(lease)
            return None
        lease.write(phase=ImportJob.Phase.IMAGES)
        return 0.0
    if job.phase == ImportJob.Phase.IMAGES:
        if _take_images(lease, means):
            lease.write(phase=ImportJob.Phase.DESCRIBING)
        return 0.0
    wait_s = describe_more(lease, means.dispatch, means.request_sync)
    if wait_s is None:
        _end(lease)
    return wait_s


def _end_as(lease: Lease, state: ImportJob.State, error_code: str = "", error: str = "") -> None:
    """Ends it, unless another process has it by now, or it was deleted with its retailer."""
    try:
        end_import(lease, state, error_code=error_code, error=error)
    except ImportTakenOver as taken:
        logger.warning("%s", taken)


def _end(lease: Lease) -> None:
    """Rows that were taken over stay, also where the feed's withdrawals were refused."""
    job = lease.job
    state = ImportJob.State.FAILED if job.error_code else ImportJob.State.SUCCEEDED
    end_import(lease, state, error_code=job.error_code, error=job.error)


def _take_rows(lease: Lease, means: Means) -> None:
    job = lease.job
    lease.write(phase=ImportJob.Phase.ROWS, n_images_ok=0, n_images_failed=0, error_code="", error="")
    errors = RowErrors(job)
    summary = import_feed(
        job.retailer.slug,
        feed_of(lease),
        images_dir=images_of(lease),
        feed_format=job.feed_format if job.feed_format else None,
        mode=job.mode,
        allow_withdrawals=bool(job.options.get("allow_withdrawals")),
        currency=job.options.get("currency", ""),
        link_template=job.options.get("link_template", ""),
        dry_run=job.dry_run,
        on_errors=errors.add,
        on_chunk=lambda summary: lease.report(**_counts(summary), n_row_errors=errors.n_found),
        changing=means.changing,
        should_stop=lease.is_to_stop,
    )
    lease.write(
        **_counts(summary),
        n_row_errors=errors.n_found,
        feed_format=summary.feed_format,
        # They quote the feed, which may hold what no database takes.
        examples=storable(summary.examples),
        notes=storable(summary.notes),
        error_code=summary.refusal_code,
        error=storable(summary.refusal),
    )
    if summary.is_stopped:
        lease.obey()
        raise ImportCancelled(f"import {job.pk} was stopped")


def _counts(summary: ImportSummary) -> dict[str, int]:
    return {
        "n_lines": summary.n_lines,
        "lines_done": summary.lines_done,
        "n_new": summary.new,
        "n_changed": summary.changed,
        "n_unchanged": summary.unchanged,
        "n_failed": summary.failed,
        "n_incomplete": summary.incomplete,
        "n_withheld": summary.withheld,
        "n_gone": summary.gone,
    }


def _take_images(lease: Lease, means: Means) -> bool:
    """Fetches images for a while; whether all are fetched that can be."""
    job, until = lease.job, time.monotonic() + SLICE_S
    is_out_of_time = False

    def should_stop() -> bool:
        nonlocal is_out_of_time
        is_out_of_time = time.monotonic() > until
        return is_out_of_time or lease.is_to_stop()

    fetched = fetch_images([job.retailer_id], changing=means.changing, should_stop=should_stop)
    lease.write(n_images_ok=job.n_images_ok + fetched.n_ok, n_images_failed=job.n_images_failed + fetched.n_failed)
    lease.obey()
    return not is_out_of_time


def _code(error: Exception) -> str:
    """A stable word for programs."""
    own = getattr(error, "code", "")
    if isinstance(own, str) and own:
        return own[:40]
    for kind, code in _CODES:
        if isinstance(error, kind):
            return code
    return "import_failed"


_CODES: tuple[tuple[type[Exception], str], ...] = (
    (FeedError, "feed_unreadable"),
    (DownloadFailed, "download_failed"),
    (IndexingStalled, "describing_stalled"),
    (ModelMissing, "model_missing"),
    (WorkersError, "vision_unavailable"),
    (VectorIndexError, "index_failed"),
)
