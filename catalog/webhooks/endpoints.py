"""Endpoints: made, changed, given another secret; and what people ask of single deliveries."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

from django.db.models import F, QuerySet

from catalog.access.caller import Caller
from catalog.errors import EndpointDisabled, TooManyEndpoints, WebhookNotFound
from catalog.models import Retailer, WebhookDelivery, WebhookEndpoint
from catalog.webhooks.events import PING

MAX_ENDPOINTS = 20
"""Of one retailer, or of the operators: each event is written once for each of them."""


def endpoints(caller: Caller, retailer: Retailer | None) -> QuerySet[WebhookEndpoint]:
    """The endpoints a caller may see, oldest first.

    Args:
        caller: Nobody known sees none, whatever else is open to everybody: addresses may hold secrets.
        retailer: The one retailer whose endpoints are meant (`visible_retailer`); None is all of them.
    """
    found = WebhookEndpoint.objects.select_related("retailer")
    if caller.kind == "anonymous":
        return found.none()
    return found if retailer is None else found.filter(retailer=retailer)


def get_endpoint(caller: Caller, endpoint_id: str) -> WebhookEndpoint:
    """One endpoint the caller may see.

    Raises:
        WebhookNotFound: There is none, or it is another's.
    """
    found = endpoints(caller, caller.retailer).filter(pk=_uuid(endpoint_id, "webhook")).first()
    if found is None:
        raise WebhookNotFound(f'there is no webhook "{endpoint_id}"')
    return found


def get_delivery(endpoint: WebhookEndpoint, delivery_id: str) -> WebhookDelivery:
    """One delivery to an endpoint.

    Raises:
        WebhookNotFound: There is none.
    """
    found = endpoint.deliveries.filter(pk=_uuid(delivery_id, "delivery")).first()
    if found is None:
        raise WebhookNotFound(f'this webhook has no delivery "{delivery_id}"')
    return found


def create_endpoint(retailer: Retailer | None, url: str, events: Sequence[str]) -> WebhookEndpoint:
    """Makes an endpoint; it is told of what happens from now on.

    Args:
        retailer: Whose events; None is everybody's, for operators.
        url: Where they go, as `check_target` let it pass; it may ask a resolver, so it is no work for a transaction.
        events: Of `catalog.webhooks.EVENTS`.

    Raises:
        TooManyEndpoints: There are `MAX_ENDPOINTS` already.
    """
    if WebhookEndpoint.objects.filter(retailer=retailer).count() >= MAX_ENDPOINTS:
        raise TooManyEndpoints(f"there are {MAX_ENDPOINTS} webhooks already; delete one first")
    return WebhookEndpoint.objects.create(retailer=retailer, url=url, events=sorted(set(events)))


def change_endpoint(
    endpoint: WebhookEndpoint,
    *,
    url: str | None = None,
    events: Sequence[str] | None = None,
    is_active: bool | None = None,
) -> WebhookEndpoint:
    """Changes what is given. What waits for an endpoint that is switched off is sent once it is switched on again.

    Args:
        endpoint: Which.
        url: As `check_target` let it pass.
        events: Of `catalog.webhooks.EVENTS`.
        is_active: False: it is told nothing.
    """
    if url is not None:
        endpoint.url = url
    if events is not None:
        endpoint.events = sorted(set(events))
    if is_active is not None:
        if is_active and not endpoint.is_active:
            # A fresh start: else the first failure would disable it again.
            endpoint.n_failures, endpoint.failing_since = 0, None
        endpoint.is_active, endpoint.disabled_reason = is_active, ""
    endpoint.save(update_fields=["url", "events", "is_active", "disabled_reason", "n_failures", "failing_since"])
    return endpoint


def rotate_secret(endpoint: WebhookEndpoint) -> WebhookEndpoint:
    """Draws another secret. For a day both sign, so that no delivery is refused while the receiver takes it up."""
    WebhookEndpoint.objects.filter(pk=endpoint.pk).update(
        secret_version=F("secret_version") + 1, secret_rotated_at=datetime.now(UTC)
    )
    endpoint.refresh_from_db()
    return endpoint


def ping(endpoint: WebhookEndpoint) -> WebhookDelivery:
    """Makes a delivery that says nothing, to try the endpoint out.

    Raises:
        EndpointDisabled: It is switched off.
    """
    _check_active(endpoint)
    return endpoint.deliveries.create(
        event=PING, payload={"webhook_id": str(endpoint.pk)}, next_attempt_at=datetime.now(UTC)
    )


def retry(delivery: WebhookDelivery) -> WebhookDelivery:
    """Sends a delivery again under the same id, whatever became of it, with all attempts before it.

    Raises:
        EndpointDisabled: Its endpoint is switched off.
    """
    _check_active(delivery.endpoint)
    delivery.state, delivery.n_attempts, delivery.delivered_at = WebhookDelivery.State.PENDING, 0, None
    delivery.next_attempt_at = datetime.now(UTC)
    delivery.save(update_fields=["state", "n_attempts", "delivered_at", "next_attempt_at"])
    return delivery


def _check_active(endpoint: WebhookEndpoint) -> None:
    if not endpoint.is_active:
        raise EndpointDisabled("the webhook is switched off: switch it on first (active)")


def _uuid(text: str, what: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise WebhookNotFound(f'there is no {what} "{text}"') from error
