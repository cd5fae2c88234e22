"""The audit log: who wrote what, when, by which request. Entries are added and never changed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.utils import timezone

from catalog.access.caller import Caller
from catalog.models import AuditEntry, Retailer

MAX_DETAIL_CHARS = 10_000
"""As JSON; a longer detail is replaced by the names that were in it."""


def record(
    caller: Caller,
    action: str,
    target: str = "",
    *,
    retailer: Retailer | None = None,
    detail: Mapping[str, Any] | None = None,
    request_id: str = "",
) -> None:
    """Adds an entry, within the transaction of the write it tells of.

    Args:
        caller: Who wrote.
        action: Resource and verb, such as "product.update".
        target: What was written, by its own id; the first 200 characters are kept.
        retailer: Whose it is; None is the caller's own, if it has one.
        detail: What else is worth knowing, such as the names of changed fields or counts; never a secret. Dates,
            decimals and UUIDs are written as text.
        request_id: The id the answer carries, where a request led to it.
    """
    AuditEntry.objects.create(
        at=timezone.now(),
        retailer=caller.retailer if retailer is None else retailer,
        actor=storable(caller.name)[:200],
        action=action,
        target=storable(target)[:200],
        request_id=request_id[:64],
        detail=_plain({} if detail is None else detail),
    )


def storable(text: str) -> str:
    """The text without what no database takes: NUL, and halves of surrogate pairs.

    >>> storable("a" + chr(0) + chr(0xD800))
    'a??'
    """
    return text.replace("\0", "?").encode("utf-8", "replace").decode("utf-8")


def _plain(detail: Mapping[str, Any]) -> dict[str, Any]:
    """What JSON can hold, its texts storable; names alone where it is too much."""
    text = json.dumps(dict(detail), cls=DjangoJSONEncoder, skipkeys=True)
    if len(text) > MAX_DETAIL_CHARS:
        return {"names": [storable(str(name))[:100] for name in detail][:100]}
    # JSON writes NUL and lone surrogates as escapes, so they are found after reading it back.
    cleaned: dict[str, Any] = _storable(json.loads(text))
    return cleaned


def _storable(value: Any) -> Any:
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, list):
        return [_storable(each) for each in value]
    if isinstance(value, dict):
        return {storable(name): _storable(each) for name, each in value.items()}
    return value
