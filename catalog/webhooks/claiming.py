"""Which deliveries are due, and whose turn each is: no two processes send the same one at a time."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.db.models import F, QuerySet

from catalog.models import WebhookDelivery

LEASE = timedelta(seconds=60)
"""Longer than any attempt. A process that died with one is followed by another after it: at least once, never lost."""


def due_deliveries(now: datetime) -> QuerySet[WebhookDelivery]:
    """Deliveries to active endpoints whose time has come, the longest waiting first."""
    waiting = WebhookDelivery.objects.filter(
        state=WebhookDelivery.State.PENDING, next_attempt_at__lte=now, endpoint__is_active=True
    )
    return waiting.order_by("next_attempt_at")


def claim_due(most: int, besides: Collection[UUID] = ()) -> list[WebhookDelivery]:
    """Takes deliveries to attempt now; each counts as attempted from here on.

    Args:
        most: At most so many.
        besides: Endpoints to leave alone.

    Returns:
        Those nobody else took, endpoints loaded along. `next_attempt_at` is when the claim ends: whoever writes what
        came of the attempt does so only while it still stands there (`still_claimed`).
    """
    now = datetime.now(UTC)
    candidates = due_deliveries(now).exclude(endpoint__in=list(besides)).select_related("endpoint__retailer")
    return [delivery for delivery in candidates[:most] if _take(delivery)]


def still_claimed(delivery: WebhookDelivery) -> QuerySet[WebhookDelivery]:
    """The delivery's row, while the claim on it stands: nobody else took it, and nobody cancelled or retried it."""
    return WebhookDelivery.objects.filter(
        pk=delivery.pk, state=WebhookDelivery.State.PENDING, next_attempt_at=delivery.next_attempt_at
    )


def _take(delivery: WebhookDelivery) -> bool:
    until = datetime.now(UTC) + LEASE
    if not still_claimed(delivery).update(next_attempt_at=until, n_attempts=F("n_attempts") + 1):
        return False
    delivery.next_attempt_at = until
    delivery.n_attempts += 1
    return True
