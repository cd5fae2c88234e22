"""What a delivery carries so that its receiver knows who sent it, and that nobody changed or repeats it.

Source: Standard Webhooks (https://github.com/standard-webhooks/standard-webhooks): HMAC-SHA256 over id, time and body.
A receiver refuses what is older than five minutes, and what it has seen under the same id.
"""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta

from django.utils.crypto import salted_hmac
from standardwebhooks import Webhook

from catalog.models import WebhookDelivery, WebhookEndpoint

SALT = "selvedge.catalog.webhooks.signing"
BOTH_SECRETS_FOR = timedelta(days=1)
"""After a rotation, for receivers to take up the new secret."""


def endpoint_secret(endpoint: WebhookEndpoint, version: int | None = None) -> str:
    """The secret an endpoint's deliveries are signed with, 32 bytes in the libraries' own notation.

    It is derived from the server's SECRET_KEY, so no table holds it, and another SECRET_KEY changes it.

    Args:
        endpoint: Whose.
        version: Of the secret; None is the present one.
    """
    drawn = endpoint.secret_version if version is None else version
    digest = salted_hmac(SALT, f"{endpoint.pk}:{drawn}", algorithm="sha256").digest()
    return "whsec_" + base64.b64encode(digest).decode("ascii")


def body_of(delivery: WebhookDelivery) -> bytes:
    """The message: the event, when it happened, and what it is about; the same at every attempt."""
    message = {
        "type": delivery.event,
        "timestamp": delivery.created_at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "data": delivery.payload,
    }
    return json.dumps(message, separators=(",", ":"), allow_nan=False).encode("ascii")


def signed_headers(delivery: WebhookDelivery, body: bytes, now: datetime) -> dict[str, str]:
    """The three headers of an attempt: the delivery's id, the moment of this attempt, and the signatures."""
    endpoint = delivery.endpoint
    name = str(delivery.pk)
    signatures = [
        Webhook(endpoint_secret(endpoint, version)).sign(name, now, body.decode("ascii"))
        for version in _versions(endpoint, now)
    ]
    return {
        "webhook-id": name,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": " ".join(signatures),
    }


def _versions(endpoint: WebhookEndpoint, now: datetime) -> list[int]:
    rotated = endpoint.secret_rotated_at
    if endpoint.secret_version > 1 and rotated is not None and now - rotated < BOTH_SECRETS_FOR:
        return [endpoint.secret_version, endpoint.secret_version - 1]
    return [endpoint.secret_version]
