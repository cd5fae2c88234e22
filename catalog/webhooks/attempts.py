"""One attempt to deliver: the signed message goes out, and what comes back is judged. No record is touched here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import httpx

from catalog.downloads.web import retry_after_s
from catalog.errors import AddressRefused
from catalog.models import WebhookDelivery
from catalog.webhooks.signing import body_of, signed_headers
from catalog.webhooks.targets import check_target

TIMEOUT_S = 10.0
"""For an attempt as a whole: receivers accept first and work afterwards."""
ANSWER_BYTES = 1024
"""Read of an answer's body, so that the connection ends in good order; nobody looks at it."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of an attempt."""

    status_code: int | None
    """None without an answer."""
    error: str = ""
    """Empty where the receiver accepted."""
    retry_after_s: float | None = None
    is_gone: bool = False
    """The receiver asks never to be told again (410)."""

    @property
    def is_accepted(self) -> bool:
        """Whether the receiver has it."""
        return not self.error


def attempt(delivery: WebhookDelivery, client: httpx.Client) -> Outcome:
    """Sends a delivery once. Safe in threads; whatever the receiver does is an outcome.

    Args:
        delivery: With its endpoint loaded.
        client: A `guarded_client` that follows no redirect.
    """
    body = body_of(delivery)
    headers = {"Content-Type": "application/json", **signed_headers(delivery, body, datetime.now(UTC))}
    url = delivery.endpoint.url
    try:
        if not url.startswith("https:"):
            check_target(url)
        with client.stream("POST", url, content=body, headers=headers) as answer:
            _read_a_little(answer)
            return _judged(answer)
    except AddressRefused as error:
        return Outcome(None, f"not sent: {error}")
    except httpx.TimeoutException:
        return Outcome(None, f"no answer within {TIMEOUT_S:g} s")
    except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, UnicodeError) as error:
        return Outcome(None, f"no answer: {error}"[:500])


def _judged(answer: httpx.Response) -> Outcome:
    status = answer.status_code
    if answer.is_success:
        return Outcome(status)
    if answer.has_redirect_location:
        return Outcome(status, f"the receiver answers {status}; redirects are not followed")
    waits = retry_after_s(answer.headers) if status in {429, 503} else None
    return Outcome(status, f"the receiver answers {status}", waits, is_gone=status == httpx.codes.GONE)


def _read_a_little(answer: httpx.Response) -> None:
    n_bytes = 0
    try:
        for chunk in answer.iter_raw(ANSWER_BYTES):
            n_bytes += len(chunk)
            if n_bytes >= ANSWER_BYTES:
                return
    except httpx.HTTPError:
        return  # The status was said; a body that breaks off changes nothing.
