"""API keys: made, recognised, replaced. The key itself is seen once; the database holds its hash."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import DatabaseError
from django.db.models import Q
from django.utils import timezone

from catalog.access.caller import RIGHTS, Caller, CallerKind
from catalog.models import ApiKey, Retailer

TAGS = {ApiKey.Kind.SECRET: "slv_sk_", ApiKey.Kind.PUBLISHABLE: "slv_pk_", ApiKey.Kind.OPERATOR: "slv_op_"}
"""What a key begins with, so that people and scanners of leaked secrets tell them apart."""
USE_NOTED_EVERY = timedelta(minutes=1)

_log = logging.getLogger(__name__)


def create_key(
    kind: ApiKey.Kind,
    name: str,
    *,
    retailer: Retailer | None = None,
    allowed_origins: Sequence[str] = (),
    rate: str = "",
    expires_at: datetime | None = None,
    replaces: ApiKey | None = None,
) -> tuple[ApiKey, str]:
    """Makes a key.

    Returns:
        Its record, and the key itself, which nobody can read again.
    """
    record = ApiKey(
        kind=kind,
        name=name,
        retailer=retailer,
        allowed_origins=list(allowed_origins),
        rate=rate,
        expiry_date=expires_at,
        replaces=replaces,
    )
    key = assign_key(record)
    record.save()
    return record, key


def assign_key(record: ApiKey) -> str:
    """Draws a key for a record that is not saved yet; the key itself, which nobody can read again."""
    secret: str = ApiKey.objects.assign_key(record)
    return TAGS[ApiKey.Kind(record.kind)] + secret


def find_key(key: str) -> ApiKey | None:
    """The valid key's record, its retailer loaded along; None for one that is unknown, altered, revoked or expired."""
    tag = next((tag for tag in TAGS.values() if key.startswith(tag)), None)
    if tag is None:
        return None
    secret = key.removeprefix(tag)
    if not secret.isascii() or "\0" in secret:
        return None
    alive = Q(expiry_date__isnull=True) | Q(expiry_date__gt=timezone.now())
    record: ApiKey | None
    record = (
        ApiKey.objects.select_related("retailer").filter(alive, prefix=secret.partition(".")[0], revoked=False).first()
    )
    # The library compares hashes in constant time; the prefix, which is looked up, is no secret.
    if record is None or TAGS[ApiKey.Kind(record.kind)] != tag or not record.is_valid(secret):
        return None
    return record  # type: ignore[no-any-return]


def caller_with(record: ApiKey) -> Caller:
    """What a key opens."""
    kind: CallerKind = ApiKey.Kind(record.kind).value  # type: ignore[assignment]
    name = f"key {record.prefix} ({record.name})"
    return Caller(kind, RIGHTS[kind], record.retailer, record.prefix, name, record.rate, record.expiry_date)


def note_use(record: ApiKey) -> None:
    """Notes that a key was used, to the minute: one write a minute at most, however often it is used."""
    now = timezone.now()
    if record.last_used_at is not None and now - record.last_used_at < USE_NOTED_EVERY:
        return
    stale = Q(last_used_at__isnull=True) | Q(last_used_at__lte=now - USE_NOTED_EVERY)
    try:
        ApiKey.objects.filter(stale, pk=record.pk).update(last_used_at=now.replace(second=0, microsecond=0))
    except DatabaseError as error:
        # Reading goes on where the database cannot be written to at the moment.
        _log.warning("The use of key %s could not be noted: %s", record.prefix, error)
