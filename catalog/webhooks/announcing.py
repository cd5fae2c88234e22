"""An event happens: a delivery for everyone who wants to know, written in the transaction that made it happen."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from django.db.models import Q

from catalog.models import Retailer, WebhookDelivery, WebhookEndpoint
from catalog.webhooks.events import EVENTS

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


def announce(event: str, retailer: Retailer | None, payload: Mapping[str, Any]) -> None:
    """Writes what is due to be sent: for each active endpoint that subscribed, the retailer's own and the operators'.

    It happens in the caller's transaction: what is rolled back was never announced, and what is committed is sent even
    if this process dies. Sending is another matter (`search.webhook_tasks.request_sending`, `manage.py tidy`).

    Args:
        event: One of `EVENTS`.
        retailer: Whose event it is; None concerns everybody (a model that was promoted), so every subscriber is told.
        payload: JSON values. Keep it small: counts, a few examples, and the address of the resource that has the rest.

    Raises:
        ValueError: There is no such event.
    """
    if event not in EVENTS:
        raise ValueError(f"there is no event {event!r}: {', '.join(EVENTS)}")
    endpoints = WebhookEndpoint.objects.filter(is_active=True)
    if retailer is not None:
        endpoints = endpoints.filter(Q(retailer=retailer) | Q(retailer__isnull=True))
    now, body = datetime.now(UTC), storable(dict(payload))
    WebhookDelivery.objects.bulk_create(
        WebhookDelivery(endpoint=endpoint, event=event, payload=body, next_attempt_at=now)
        for endpoint in endpoints
        # Asked here: SQLite cannot look into a list.
        if event in endpoint.events
    )


def storable(value: Any) -> Any:
    r"""JSON values as every database stores them: PostgreSQL refuses NUL, and nothing encodes a lone surrogate.

    >>> storable({"reason": ["a\0b", 3, None]}) == {"reason": ["a\N{REPLACEMENT CHARACTER}b", 3, None]}
    True
    """
    if isinstance(value, str):
        return value.replace("\0", REPLACEMENT).encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, Mapping):
        return {storable(str(key)): storable(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [storable(each) for each in value]
    return value
