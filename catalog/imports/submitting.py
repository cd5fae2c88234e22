"""Hands in an import: a record first, so that nothing is lost, then the word that it waits."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction

from catalog.errors import IdempotencyKeyReused, TooManyImports
from catalog.imports import files
from catalog.models import ImportJob, Retailer

MOST_UNFINISHED = 50
"""Of one retailer: each may hold as much of the disk as a feed may have, until it has ended."""


@dataclass(frozen=True, slots=True)
class ImportRequest:
    """What is asked of an import; exactly one of `feed` and `feed_url` is given."""

    feed: Path | None = None
    """An uploaded feed, which is moved away."""
    feed_url: str = ""
    """Where to fetch it from, when the job is run."""
    feed_name: str = ""
    """As the client calls it; shown, never opened."""
    images: Path | None = None
    """An uploaded zip of images, which is moved away."""
    mode: str = ImportJob.Mode.FULL
    feed_format: str = ""
    """One of `catalog.feeds.detecting.FORMATS`; empty: detected."""
    dry_run: bool = False
    allow_withdrawals: bool = False
    currency: str = ""
    """Of prices that name none."""
    link_template: str = ""
    """Makes links of products that have none."""
    idempotency_key: str = ""
    created_by: str = ""

    def options(self) -> dict[str, Any]:
        """What the job keeps beside its own fields."""
        names = ("feed_url", "allow_withdrawals", "currency", "link_template")
        return {name: getattr(self, name) for name in names}

    def fingerprint(self) -> str:
        """SHA-256 of all that is asked, the files' contents included."""
        said = self.options() | {"mode": self.mode, "format": self.feed_format, "dry_run": self.dry_run}
        contents = [None if path is None else files.sha256_of(path) for path in (self.feed, self.images)]
        return hashlib.sha256(json.dumps([said, contents], sort_keys=True).encode()).hexdigest()


def submit_import(
    retailer: Retailer, wanted: ImportRequest, *, submitted: Callable[[UUID], None]
) -> tuple[ImportJob, bool]:
    """Records a job and tells `submitted` of it once that is committed.

    Args:
        retailer: Whose catalog it changes.
        wanted: What is asked.
        submitted: Gets it run; see `catalog.upkeep.Upkeep.import_submitted`.

    Returns:
        The job, and whether it is new: the same request with the same idempotency key is answered with its first job.

    Raises:
        IdempotencyKeyReused: The retailer used the key for something else.
        TooManyImports: `MOST_UNFINISHED` of it have not ended yet.
        OSError: The files cannot be kept.
    """
    fingerprint = wanted.fingerprint() if wanted.idempotency_key else ""
    known = _known(retailer, wanted.idempotency_key, fingerprint)
    if known is not None:
        return known, False
    states = (ImportJob.State.QUEUED, ImportJob.State.RUNNING)
    if ImportJob.objects.filter(retailer=retailer, state__in=states).count() >= MOST_UNFINISHED:
        raise TooManyImports(f"{MOST_UNFINISHED} imports have not ended yet; wait for them, or cancel some")
    job = _new_job(retailer, wanted, fingerprint)
    given = ((files.FEED_NAME, wanted.feed), (files.IMAGES_NAME, wanted.images))
    try:
        files.keep(job.pk, [(name, path) for name, path in given if path is not None])
        with transaction.atomic():
            job.save(force_insert=True)
            transaction.on_commit(lambda: submitted(job.pk))
    except IntegrityError:
        files.remove(job.pk)
        # The same key, a moment ago, by another request.
        known = _known(retailer, wanted.idempotency_key, fingerprint)
        if known is None:
            raise
        return known, False
    except BaseException:
        files.remove(job.pk)
        raise
    return job, True


def _known(retailer: Retailer, key: str, fingerprint: str) -> ImportJob | None:
    if not key:
        return None
    job = ImportJob.objects.filter(retailer=retailer, idempotency_key=key).select_related("retailer").first()
    if job is not None and job.request_sha256 != fingerprint:
        raise IdempotencyKeyReused(f'the key "{key}" came with another import before ({job.pk})')
    return job


def _new_job(retailer: Retailer, wanted: ImportRequest, fingerprint: str) -> ImportJob:
    pk = uuid.uuid4()
    return ImportJob(
        pk=pk,
        retailer=retailer,
        mode=wanted.mode,
        dry_run=wanted.dry_run,
        feed_name=wanted.feed_name[:200],
        feed_path="" if wanted.feed is None else f"{pk}/{files.FEED_NAME}",
        images_path="" if wanted.images is None else f"{pk}/{files.IMAGES_NAME}",
        feed_format=wanted.feed_format,
        options=wanted.options(),
        idempotency_key=wanted.idempotency_key,
        request_sha256=fingerprint,
        created_by=wanted.created_by[:200],
    )
