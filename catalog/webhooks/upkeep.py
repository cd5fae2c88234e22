"""What becomes of deliveries afterwards."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from django.conf import settings

from catalog.models import WebhookDelivery

ROWS_AT_ONCE = 5000
"""Deleted in one statement, so that others may write in between."""


def forget_old_deliveries() -> int:
    """Deletes deliveries that were accepted or given up `SELVEDGE_WEBHOOK_RETENTION_DAYS` after they were made."""
    before = datetime.now(UTC) - timedelta(days=settings.SELVEDGE_WEBHOOK_RETENTION_DAYS)
    old = WebhookDelivery.objects.exclude(state=WebhookDelivery.State.PENDING).filter(created_at__lt=before)
    n_deleted = 0
    while keys := list(old.order_by().values_list("pk", flat=True)[:ROWS_AT_ONCE]):
        n_deleted += WebhookDelivery.objects.filter(pk__in=keys).delete()[0]
    return n_deleted
