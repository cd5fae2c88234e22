"""What an attempt means for its delivery, and for the endpoint: accepted, tried again, given up, disabled."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F, QuerySet, Value
from django.db.models.functions import Coalesce

from catalog.access import audit
from catalog.access.caller import Caller
from catalog.models import WebhookDelivery, WebhookEndpoint
from catalog.webhooks.attempts import Outcome
from catalog.webhooks.claiming import still_claimed
from catalog.webhooks.schedule import next_wait

SERVER = Caller("anonymous", frozenset(), name="the server (webhooks)")
"""Who disables an endpoint that nobody asked to be disabled, for the audit log."""


@transaction.atomic
def note_outcome(delivery: WebhookDelivery, outcome: Outcome) -> datetime | None:
    """Writes down an attempt.

    Args:
        delivery: As it was claimed; where the claim ended meanwhile, whoever holds the next one writes.
        outcome: What came of the attempt.

    Returns:
        When it is tried again; None where it is not.
    """
    now = datetime.now(UTC)
    if outcome.is_accepted:
        still_claimed(delivery).update(
            state=WebhookDelivery.State.DELIVERED,
            delivered_at=now,
            next_attempt_at=None,
            status_code=outcome.status_code,
            error="",
        )
        _endpoint(delivery).filter(n_failures__gt=0).update(n_failures=0, failing_since=None)
        return None
    wait = None if outcome.is_gone else next_wait(delivery.n_attempts, outcome.retry_after_s)
    again_at = None if wait is None else now + wait
    written = still_claimed(delivery).update(
        state=WebhookDelivery.State.FAILED if again_at is None else WebhookDelivery.State.PENDING,
        next_attempt_at=again_at,
        status_code=outcome.status_code,
        error=outcome.error[:500],
    )
    _endpoint(delivery).update(n_failures=F("n_failures") + 1, failing_since=Coalesce("failing_since", Value(now)))
    if _disabled(delivery, outcome, now):
        return None
    return again_at if written else None


def _disabled(delivery: WebhookDelivery, outcome: Outcome, now: datetime) -> bool:
    """Whether the endpoint is told no more, from now on."""
    if outcome.is_gone:
        reason = "the receiver answered 410 Gone"
    else:
        days = settings.SELVEDGE_WEBHOOK_DISABLE_DAYS
        if not _endpoint(delivery).filter(failing_since__lt=now - timedelta(days=days)).exists():
            return False
        reason = f"nothing was accepted for {days:g} days; last: {outcome.error}"
    # Of several processes that find out at once, one writes it down.
    if _endpoint(delivery).filter(is_active=True).update(is_active=False, disabled_reason=reason[:200]):
        WebhookDelivery.objects.filter(endpoint=delivery.endpoint_id, state=WebhookDelivery.State.PENDING).update(
            state=WebhookDelivery.State.FAILED, next_attempt_at=None, error="the endpoint was disabled"
        )
        audit.record(
            SERVER,
            "webhook.disable",
            str(delivery.endpoint_id),
            retailer=delivery.endpoint.retailer,
            detail={"reason": reason},
        )
    return True


def _endpoint(delivery: WebhookDelivery) -> QuerySet[WebhookEndpoint]:
    return WebhookEndpoint.objects.filter(pk=delivery.endpoint_id)
