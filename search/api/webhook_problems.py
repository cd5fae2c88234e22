"""The errors of webhooks as answers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from catalog.api.problems import ProblemError, not_found, sentence
from catalog.errors import AddressRefused, EndpointDisabled, RetailerNotFound, TooManyEndpoints, WebhookNotFound


@contextmanager
def answering_webhook_problems() -> Iterator[None]:
    """Turns what the bodies of webhooks raise into its answer."""
    try:
        yield
    except RetailerNotFound as error:
        raise not_found(error) from error
    except WebhookNotFound as error:
        raise ProblemError(404, "not_found", sentence(error)) from error
    except AddressRefused as error:
        raise ProblemError(400, error.code, sentence(error), field="url") from error
    except TooManyEndpoints as error:
        raise ProblemError(409, "too_many_webhooks", sentence(error)) from error
    except EndpointDisabled as error:
        raise ProblemError(409, "webhook_disabled", sentence(error)) from error
