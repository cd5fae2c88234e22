"""This room's errors as answers; `deploy` renders them as RFC 9457 problems."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rest_framework.exceptions import APIException

from catalog.errors import ProductNotFound, RetailerNotFound


class ProblemError(APIException):
    """A refusal with a stable `code`, and further members of the problem in `extra`."""

    def __init__(self, status_code: int, code: str, detail: str, extra: Mapping[str, Any] | None = None) -> None:
        super().__init__(detail, code)
        self.status_code = status_code
        self.code = code
        self.extra = {} if extra is None else dict(extra)


def not_found(error: ProductNotFound | RetailerNotFound) -> ProblemError:
    """404, `unknown_retailer` or `not_found`, in the error's own words."""
    code = "unknown_retailer" if isinstance(error, RetailerNotFound) else "not_found"
    return ProblemError(404, code, f"{str(error)[:1].upper()}{str(error)[1:]}.")
