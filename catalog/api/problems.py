"""Refusals that `deploy` renders as RFC 9457 problems, and this room's errors as such."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiResponse
from rest_framework.exceptions import APIException

from catalog.errors import ProductNotFound, RetailerNotFound

MEDIA_TYPE = "application/problem+json"
_MEANINGS = {
    400: "Problem `invalid_parameter` or what `code` names: `errors` names field and reason.",
    403: "Problem `permission_denied`: the key's rights do not reach as far; or `origin_refused`.",
    404: "Problem `unknown_retailer` or `not_found`.",
    409: "Problem whose `code` says what it is in conflict with.",
    410: "Problem whose `code` says what is no longer there.",
    412: "Problem `precondition_failed`: it was changed since.",
    413: "Problem `file_too_large` or `too_many_pixels`.",
    415: "Problem `unsupported_media_type`.",
    422: "Problem whose `code` says why this cannot be done as asked.",
    503: "Problem with `code` saying what is missing; `Retry-After` where waiting helps.",
}


def documented(*statuses: int, **examples: OpenApiExample) -> dict[tuple[int, str], OpenApiResponse]:
    """The refusals of a route, for its OpenAPI schema.

    Args:
        statuses: HTTP statuses it may refuse with.
        examples: One example for a status, as `on_400`.
    """
    return {
        (status, MEDIA_TYPE): OpenApiResponse(
            OpenApiTypes.OBJECT,
            _MEANINGS[status],
            examples=[examples[f"on_{status}"]] if f"on_{status}" in examples else [],
        )
        for status in statuses
    }


class ProblemError(APIException):
    """A refusal with a stable `code`, further members of the problem in `extra`, and HTTP `headers`."""

    def __init__(
        self,
        status_code: int,
        code: str,
        detail: str,
        *,
        field: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail, code)
        self.status_code = status_code
        self.code = code
        self.extra: dict[str, Any] = {} if field is None else {"errors": [{"field": field, "message": detail}]}
        self.headers = {} if headers is None else dict(headers)


def not_found(error: ProductNotFound | RetailerNotFound) -> ProblemError:
    """404, `unknown_retailer` or `not_found`, in the error's own words."""
    code = "unknown_retailer" if isinstance(error, RetailerNotFound) else "not_found"
    return ProblemError(404, code, sentence(error))


def sentence(error: Exception) -> str:
    """An error's words with a capital and a full stop.

    >>> sentence(ValueError("there is no product 7"))
    'There is no product 7.'
    """
    text = str(error)
    return f"{text[:1].upper()}{text[1:]}" + ("" if text.endswith((".", "!", "?")) else ".")
