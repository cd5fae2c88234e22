"""Conditional requests: an answer that the client has already is not sent again; a write over news is refused.

Source: RFC 9110, sections 8.8.3 (ETag), 13.1 (If-Match, If-None-Match).
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.utils.http import parse_etags, quote_etag
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request
from rest_framework.response import Response

from catalog.api.problems import ProblemError

IF_NONE_MATCH = OpenApiParameter(
    "If-None-Match",
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    description="The `ETag` of an earlier answer: 304 without a body where nothing has changed since.",
)
IF_MATCH = OpenApiParameter(
    "If-Match",
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    description="The `ETag` of what is to be changed: 412 where somebody has changed it since; `*`: only if it exists.",
)


def tag_of(content: Any) -> str:
    """A strong entity tag, quoted: the same for the same JSON-able content, wherever it is made."""
    text = json.dumps(content, cls=DjangoJSONEncoder, sort_keys=True)
    return quote_etag(hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32])


def answer(request: Request, data: Any, *, tag: str | None = None) -> Response:
    """200 with the data and its tag, or 304 without where the client has it.

    Args:
        request: Whose `If-None-Match` counts.
        data: The answer.
        tag: Of what it shows; None takes the answer's own.
    """
    tag = tag_of(data) if tag is None else tag
    headers = {"ETag": tag, "Cache-Control": "private, no-cache", "Vary": "Authorization, X-Api-Key"}
    known = parse_etags(request.headers.get("If-None-Match", ""))
    # A weak comparison, as section 13.1.2 has it.
    if "*" in known or tag in {each.removeprefix("W/") for each in known}:
        return Response(status=304, headers=headers)
    return Response(data, headers=headers)


def check_match(request: Request, tag: str | None) -> None:
    """Refuses a write over something else than the client has seen; nothing where it does not ask for that.

    Args:
        request: Whose `If-Match` and `If-None-Match` count: the latter as `*`, to create and never to replace.
        tag: Of what is there now; None where nothing is.

    Raises:
        ProblemError: 412 `precondition_failed`.
    """
    if "If-Match" in request.headers:
        known = parse_etags(request.headers["If-Match"])
        if tag is None or not ("*" in known or tag in known):
            raise ProblemError(412, "precondition_failed", "It was changed since; get it again, then write.")
    if request.headers.get("If-None-Match", "").strip() == "*" and tag is not None:
        raise ProblemError(412, "precondition_failed", "It exists already.")
