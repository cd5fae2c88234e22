"""API keys: made, recognised, replaced. The key itself is seen once; the database holds its hash."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db.models import Q
from django.utils import timezone

from catalog.access.caller import RIGHTS, Caller, CallerKind
from catalog.models import ApiKey, Retailer

TAGS = {ApiKey.Kind.SECRET: "slv_sk_", ApiKey.Kind.PUBLISHABLE: "slv_pk_", ApiKey.Kind.OPERATOR: "slv_op_"}
"""What a key begins with, so that people and scanners of leaked secrets tell them apart."""


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
    # The library's manager knows no types.
    record: ApiKey
    record, secret = ApiKey.objects.create_key(  # type: ignore[assignment]
        kind=kind,
        name=name,
        retailer=retailer,
        allowed_origins=list(allowed_origins),
        rate=rate,
        expiry_date=expires_at,
        replaces=replaces,
    )
    return record, TAGS[kind] + secret


def find_key(key: str) -> ApiKey | None:
    """The valid key's record, its retailer loaded along; None for one that is unknown, altered, revoked or expired."""
    tag = next((tag for tag in TAGS.values() if key.startswith(tag)), None)
    if tag is None:
        return None
    secret = key.removeprefix(tag)
    alive = Q(expiry_date__isnull=True) | Q(expiry_date__gt=timezone.now())
    prefix = secret.partition(".")[0]
    if "\0" in prefix:
        return None
    record: ApiKey | None
    record = ApiKey.objects.select_related("retailer").filter(alive, prefix=prefix, revoked=False).first()
    if record is None or TAGS[ApiKey.Kind(record.kind)] != tag or not record.is_valid(secret):
        return None
    return record  # type: ignore[no-any-return]


def caller_with(record: ApiKey) -> Caller:
    """What a key opens."""
    kind: CallerKind = ApiKey.Kind(record.kind).value  # type: ignore[assignment]
    name = f"key {record.prefix} ({record.name})"
    return Caller(kind, RIGHTS[kind], record.retailer, record.prefix, name, record.rate)
