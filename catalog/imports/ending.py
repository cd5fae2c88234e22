"""How an import ends: done, failed, or cancelled; and who is told."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.utils import timezone

from catalog.access.audit import storable
from catalog.errors import ImportEnded
from catalog.imports import files
from catalog.imports.leases import Lease
from catalog.models import ImportJob, ProductImage
from catalog.webhooks import announce
from catalog.webhooks.events import IMPORT_FINISHED, PRODUCT_FAILED

ERROR_CHARS = 2000
EXAMPLES_TOLD = 10


def end_import(lease: Lease, state: ImportJob.State, *, error_code: str = "", error: str = "") -> None:
    """Writes how it ended, tells those who subscribed, and removes its files.

    Args:
        lease: Of the import.
        state: Succeeded, failed or cancelled.
        error_code: A stable word for programs; empty where nothing failed.
        error: The same in a sentence.

    Raises:
        ImportTakenOver: Another process runs it by now.
    """
    with transaction.atomic():
        lease.write(
            state=state,
            phase="",
            ended_at=timezone.now(),
            error_code=error_code,
            # It may quote the feed, which may hold what no database takes.
            error=storable(error)[:ERROR_CHARS],
            runner="",
        )
        lease.job.refresh_from_db()
        _tell(lease.job)
    files.remove(lease.job_id)


def cancel_import(job: ImportJob) -> ImportJob:
    """Stops an import: one that waits at once, one that is being run as soon as its runner looks. Rows stay.

    Raises:
        ImportEnded: It has ended otherwise.
    """
    with transaction.atomic():
        now = timezone.now()
        waiting = ImportJob.objects.filter(pk=job.pk, state=ImportJob.State.QUEUED)
        stopped = waiting.update(state=ImportJob.State.CANCELLED, cancel_requested=True, ended_at=now)
        ImportJob.objects.filter(pk=job.pk, state=ImportJob.State.RUNNING).update(cancel_requested=True)
        job.refresh_from_db()
        if job.state not in {ImportJob.State.RUNNING, ImportJob.State.CANCELLED}:
            raise ImportEnded(f"import {job.pk} has {job.state} already")
        if stopped:
            _tell(job)
    if stopped:
        files.remove(job.pk)
    return job


def _tell(job: ImportJob) -> None:
    announce(IMPORT_FINISHED, job.retailer, summary_of(job))
    if not job.dry_run and (job.n_failed or job.n_images_failed or job.n_undescribed):
        announce(PRODUCT_FAILED, job.retailer, failures_of(job))


def summary_of(job: ImportJob) -> dict[str, Any]:
    """What those who subscribed are told."""
    counted = ("new", "changed", "unchanged", "failed", "incomplete", "withheld", "gone")
    return {
        "import_id": str(job.pk),
        "retailer": job.retailer.slug,
        "state": job.state,
        "dry_run": job.dry_run,
        "rows": {name: getattr(job, f"n_{name}") for name in counted},
        "images": {"fetched": job.n_images_ok, "failed": job.n_images_failed},
        "error_code": job.error_code,
        "error": job.error,
    }


def failures_of(job: ImportJob) -> dict[str, Any]:
    """What went wrong with single products of an import: how often, and the first of them."""
    rows = job.row_errors.values("line", "column", "product_id", "reason")[:EXAMPLES_TOLD]
    # Those that are tried again by themselves have not failed yet.
    images = ProductImage.objects.filter(
        product__retailer=job.retailer, status=ProductImage.Status.FAILED, next_attempt_at=None
    ).select_related("product")
    return {
        "import_id": str(job.pk),
        "retailer": job.retailer.slug,
        "rows_failed": job.n_failed,
        "images_failed": job.n_images_failed,
        "images_undescribed": job.n_undescribed,
        "rows": list(rows),
        "images": [
            {
                "product_id": image.product.external_id,
                "position": image.position,
                "source": image.source,
                "error_code": image.error_code,
                "error": image.error,
            }
            for image in (images.order_by("-pk")[:EXAMPLES_TOLD] if job.n_images_failed else ())
        ],
    }
