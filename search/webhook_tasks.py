"""The queue's face of webhooks: deliveries that are due are sent by whoever has time, never by who announced them."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta

from django.db import transaction

from catalog.webhooks import sending
from catalog.webhooks.claiming import due_deliveries
from search.background import run_later, run_soon, wait_for_background
from workers.celery import app
from workers.errors import WorkersError

logger = logging.getLogger(__name__)

FOLLOWED_UP_WITHIN = timedelta(minutes=10)
"""Early retries follow by themselves; later ones are for `manage.py tidy`, since no queue keeps a task that long."""


@app.task(name="search.webhook_tasks.send_due", ignore_result=True)
def send_due() -> None:
    """Sends what is due, and comes again for what failed."""
    sent = sending.send_due()
    if sent.next_at is None:
        return
    wait = sent.next_at - datetime.now(UTC)
    if wait <= FOLLOWED_UP_WITHIN:
        run_later(send_due.si(), max(0.0, wait.total_seconds()))


def request_sending() -> None:
    """Lets what was announced be sent once the caller's transaction is committed, if anybody wants to be told.

    A queue that cannot be reached is logged: what is due stays due.
    """
    transaction.on_commit(_send_soon)


def send_before_leaving(timeout_s: float = 30.0) -> None:
    """Lets what was announced be sent, for commands: their process, and with it its background, ends soon.

    Args:
        timeout_s: How long the embedded process waits for receivers; what they leave is due for `manage.py tidy`.
    """
    request_sending()
    wait_for_background(timeout_s)


def _send_soon() -> None:
    if not due_deliveries(datetime.now(UTC)).exists():
        return
    try:
        run_soon(send_due.si())
    except WorkersError:
        logger.exception("Webhooks that are due wait for `manage.py tidy`.")
