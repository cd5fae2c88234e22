"""From a request for an import to what the body takes."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

from django.core.files.uploadedfile import UploadedFile
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request

from catalog.access.audit import storable
from catalog.api.access import caller_of
from catalog.api.import_serializers import ImportForm, ImportFromUrl
from catalog.api.parameters import asked
from catalog.api.problems import ProblemError
from catalog.api.uploads import path_of
from catalog.imports.submitting import ImportRequest

IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key",
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    description="A text of up to 255 characters that you draw for each new import: the same request sent again is "
    "answered with the import it began (`Idempotent-Replayed: true`), another one with the same key with 422.",
)
_KEY = re.compile(r"[\x20-\x7e]{1,255}")


def asked_import(request: Request) -> tuple[str | None, ImportRequest]:
    """The retailer's slug, if one is named, and what is asked.

    Raises:
        ProblemError, rest_framework.exceptions.ValidationError: Something is wrong; it is named.
    """
    is_form = (request.content_type or "").startswith("multipart/")
    wanted = asked(ImportForm if is_form else ImportFromUrl, _form(request) if is_form else request.data)
    feed: UploadedFile[Any] | None = wanted.get("feed")
    if feed is not None and not feed.size:
        raise ProblemError(400, "empty_file", "The feed's file is empty.", field="feed")
    address = wanted.get("feed_url", "")
    return wanted.get("retailer"), ImportRequest(
        feed=path_of(feed),
        feed_url=address,
        feed_name=_without_secrets(address) if feed is None else storable(feed.name or ""),
        images=path_of(wanted.get("images")),
        mode=wanted["mode"],
        feed_format=wanted.get("format", ""),
        dry_run=wanted["dry_run"],
        allow_withdrawals=wanted["allow_withdrawals"],
        currency=wanted["currency"],
        link_template=wanted["link_template"],
        idempotency_key=_idempotency_key(request),
        created_by=caller_of(request).name,
    )


def _without_secrets(address: str) -> str:
    """An address as people are shown it: no password, and nothing of its query, which may hold a token.

    >>> _without_secrets("https://feeds:hush@shop.example/feed.csv?token=abc")
    'https://shop.example/feed.csv'
    """
    try:
        parts = urlsplit(address)
    except ValueError:  # half an IPv6 address; fetching it will say so
        return ""
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def _form(request: Request) -> dict[str, Any]:
    """A form's texts and files by name, each given once."""
    values: dict[str, Any] = {}
    form: Any = request.data
    for source in (form, request.FILES):
        for name in source:
            several = source.getlist(name)
            if len(several) > 1:
                raise ProblemError(400, "invalid_parameter", f'Send one "{storable(name)[:60]}".', field=name[:60])
            values[name] = several[0]
    return values


def _idempotency_key(request: Request) -> str:
    key = request.headers.get("Idempotency-Key", "")
    if key and not _KEY.fullmatch(key):
        detail = "The Idempotency-Key holds 1 to 255 printable ASCII characters."
        raise ProblemError(400, "invalid_parameter", detail, field="Idempotency-Key")
    return key
