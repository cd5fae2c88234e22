"""Who runs an import: one process at a time, for as long as it says that it is alive.

One import of a retailer runs at a time, the oldest first. Whoever runs it holds a lease, which it renews; one whose
process died is taken up by another after
`SELVEDGE_IMPORT_LEASE_S`. What a runner that lost its lease still writes about the job is
refused, so a process that was only asleep cannot end what another one runs.
"""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import DatabaseError, connection, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from catalog.errors import ImportCancelled, ImportTakenOver
from catalog.models import ImportJob, Retailer

BEATS_A_LEASE = 6
"""How often within it a runner says that it is alive, whatever it is busy with."""
LOOK_S = 1.0
"""How often progress is written, and a wish to cancel looked for."""

logger = logging.getLogger(__name__)


class Lease:
    """The right to run one import. Methods raise `ImportTakenOver` once another process has it."""

    def __init__(self, job: ImportJob) -> None:
        self.job = job
        self.job_id: UUID = job.pk
        self.runner = job.runner
        self._reported_at = -LOOK_S
        self._looked_at = -LOOK_S
        self._is_to_stop = False

    def write(self, **values: Any) -> None:
        """Writes the job's fields, and that this runner is alive.

        Raises:
            ImportTakenOver: Another process runs it by now, or it was deleted with its retailer.
        """
        if not _own(self.job_id, self.runner).update(heartbeat_at=timezone.now(), **values):
            raise ImportTakenOver(f"import {self.job_id} is run by another process")
        for name, value in values.items():
            setattr(self.job, name, value)

    def report(self, **values: Any) -> None:
        """Writes progress, at most once a second.

        Raises:
            ImportTakenOver: As `write`.
        """
        if time.monotonic() - self._reported_at >= LOOK_S:
            self._reported_at = time.monotonic()
            self.write(**values)

    def is_to_stop(self) -> bool:
        """Whether somebody wishes to cancel it, or it is no longer this runner's; asked at most once a second."""
        if not self._is_to_stop and time.monotonic() - self._looked_at >= LOOK_S:
            self._looked_at = time.monotonic()
            self._is_to_stop = not _own(self.job_id, self.runner).filter(cancel_requested=False).exists()
        return self._is_to_stop

    def obey(self) -> None:
        """Stops where it is to stop.

        Raises:
            ImportCancelled: It is.
        """
        if self.is_to_stop():
            raise ImportCancelled(f"import {self.job_id} is to stop")

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Renews the lease from a thread for the length of a `with`: some steps take longer than it."""
        over = threading.Event()
        beating = threading.Thread(target=self._beat, args=(over,), name="import heartbeat", daemon=True)
        beating.start()
        try:
            yield
        finally:
            over.set()
            beating.join()

    def _beat(self, over: threading.Event) -> None:
        try:
            while not over.wait(settings.SELVEDGE_IMPORT_LEASE_S / BEATS_A_LEASE):
                try:
                    if not _own(self.job_id, self.runner).update(heartbeat_at=timezone.now()):
                        return
                except DatabaseError:
                    logger.warning("Import %s could not say that it is alive.", self.job_id, exc_info=True)
        finally:
            # Threads have connections of their own.
            connection.close()


def take_up(retailer_id: int) -> Lease | None:
    """The right to run the retailer's oldest import that waits or whose runner died; None where nothing is to be run.

    None, too, while another import of the retailer is being run.
    """
    with transaction.atomic():
        # Two processes at a time wait for each other here, whatever job each of them looks at.
        if not Retailer.objects.select_for_update().filter(pk=retailer_id).exists():
            return None
        unfinished = ImportJob.objects.filter(retailer_id=retailer_id, state__in=_UNFINISHED)
        if unfinished.filter(_alive(timezone.now())).exists():
            return None
        # One that was begun is ended before the next begins.
        job = unfinished.select_related("retailer").order_by("-state", "submitted_at", "pk").first()
        if job is None:
            return None
        now = timezone.now()
        job.state, job.runner, job.heartbeat_at = ImportJob.State.RUNNING, uuid.uuid4().hex, now
        job.started_at = now if job.started_at is None else job.started_at
        job.n_attempts += 1
        job.save(update_fields=["state", "runner", "heartbeat_at", "started_at", "n_attempts"])
    return Lease(job)


def go_on(job_id: UUID, runner: str) -> Lease | None:
    """The lease a runner had, for its next step; None where it was lost meanwhile."""
    if not _own(job_id, runner).update(heartbeat_at=timezone.now()):
        return None
    job = ImportJob.objects.select_related("retailer").filter(pk=job_id).first()
    return None if job is None else Lease(job)


def is_any_running() -> bool:
    """Whether any import is being run."""
    return ImportJob.objects.filter(_alive(timezone.now())).exists()


def waiting_retailers() -> list[int]:
    """Retailers with an import to be run, none of which is being run."""
    now = timezone.now()
    alive = ImportJob.objects.filter(_alive(now), retailer=OuterRef("retailer"), state__in=_UNFINISHED)
    waiting = ImportJob.objects.filter(~Exists(alive), state__in=_UNFINISHED)
    return list(waiting.order_by("retailer_id").values_list("retailer_id", flat=True).distinct())


_UNFINISHED = (ImportJob.State.QUEUED, ImportJob.State.RUNNING)


def _alive(now: datetime) -> Q:
    return Q(state=ImportJob.State.RUNNING, heartbeat_at__gt=now - timedelta(seconds=settings.SELVEDGE_IMPORT_LEASE_S))


def _own(job_id: UUID, runner: str) -> QuerySet[ImportJob]:
    return ImportJob.objects.filter(pk=job_id, runner=runner, state=ImportJob.State.RUNNING)
