"""Sends what is due, several deliveries at a time, and writes down what came of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import httpx

from catalog.downloads.guard import guarded_client
from catalog.webhooks.attempts import TIMEOUT_S, attempt
from catalog.webhooks.claiming import claim_due
from catalog.webhooks.outcomes import note_outcome

AT_ONCE = 8
"""Attempts at a time: a receiver that hangs holds up the others of its batch for `TIMEOUT_S`, once a run."""
TIDYING_S = 60.0


@dataclass(frozen=True, slots=True)
class Sent:
    """What a run did."""

    n_attempts: int = 0
    n_delivered: int = 0
    next_at: datetime | None = None
    """When the first of those that failed in this run is due again."""


def send_due(should_stop: Callable[[], bool] | None = None) -> Sent:
    """Attempts every delivery that is due. Any number of processes may run it at the same time.

    An endpoint that failed is left alone for the rest of the run: what else waits for it is attempted in later ones.

    Args:
        should_stop: Asked between batches.
    """
    sent, failed = Sent(), set[UUID]()
    with (
        guarded_client(timeout_s=TIMEOUT_S, max_redirects=0, max_connections=AT_ONCE) as client,
        ThreadPoolExecutor(AT_ONCE, thread_name_prefix="webhooks") as pool,
    ):
        while not (should_stop is not None and should_stop()):
            batch = _send_batch(client, pool, failed)
            if batch.n_attempts == 0:
                return sent
            moments = [moment for moment in (sent.next_at, batch.next_at) if moment is not None]
            sent = Sent(
                sent.n_attempts + batch.n_attempts,
                sent.n_delivered + batch.n_delivered,
                min(moments, default=None),
            )
    return sent


def send_for_a_while() -> int:
    """Sends what is due, for `manage.py tidy`, and leaves the rest to the next time; returns how many were accepted."""
    end_s = time.monotonic() + TIDYING_S
    return send_due(lambda: time.monotonic() > end_s).n_delivered


def _send_batch(client: httpx.Client, pool: ThreadPoolExecutor, failed: set[UUID]) -> Sent:
    """One batch; endpoints that fail in it are added to `failed`."""
    claimed = claim_due(AT_ONCE, besides=failed)
    n_delivered, next_at = 0, None
    # The threads only talk HTTP; records are read and written here.
    for delivery, outcome in zip(claimed, pool.map(lambda each: attempt(each, client), claimed), strict=True):
        again_at = note_outcome(delivery, outcome)
        if outcome.is_accepted:
            n_delivered += 1
            continue
        failed.add(delivery.endpoint_id)
        if again_at is not None:
            next_at = again_at if next_at is None else min(next_at, again_at)
    return Sent(len(claimed), n_delivered, next_at)
