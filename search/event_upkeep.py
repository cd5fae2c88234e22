"""How long events are kept."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from django.conf import settings

from search.models import Event

ROWS_AT_ONCE = 5000
"""Deleted in one statement, so that others may write in between."""


def forget_old_events() -> int:
    """Deletes what occurred more than `SELVEDGE_EVENT_RETENTION_DAYS` ago; returns how many.

    Events of a search that is deleted go with it.
    """
    before = datetime.now(UTC) - timedelta(days=settings.SELVEDGE_EVENT_RETENTION_DAYS)
    old = Event.objects.filter(occurred_at__lt=before)
    n_deleted = 0
    while keys := list(old.order_by("occurred_at").values_list("pk", flat=True)[:ROWS_AT_ONCE]):
        n_deleted += Event.objects.filter(pk__in=keys).delete()[0]
    return n_deleted
