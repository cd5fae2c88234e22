"""API keys made, replaced and revoked by those who hold one: no key opens more, or longer, than its maker's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from catalog.access.audit import storable
from catalog.access.caller import Caller, Right, visible_retailer
from catalog.access.keys import create_key
from catalog.access.limiting import per_second
from catalog.access.origins import forget_known_origins, normal_origins
from catalog.errors import InvalidKey, KeyForbidden, KeyNotFound, KeyReplaced, TooManyKeys
from catalog.models import ApiKey, Retailer

NAME_CHARS = 50
DEFAULT_OVERLAP_H = 24
MAX_OVERLAP_H = 24 * 30
MOST_LIVING = 100
"""Keys of one retailer: each has a budget of requests of its own, so without end there would be no limit."""
STATES = ("active", "expired", "revoked")


@dataclass(frozen=True, slots=True)
class KeyWish:
    """A key as it is asked for."""

    kind: ApiKey.Kind
    name: str
    retailer: Retailer | None = None
    allowed_origins: Sequence[str] = ()
    rate: str = ""
    expires_at: datetime | None = None


def visible_keys(caller: Caller, retailer_slug: str | None = None) -> QuerySet[ApiKey]:
    """The keys a caller may know of, newest first: its retailer's; operators see all, and may name a retailer.

    Raises:
        RetailerNotFound: There is no such retailer, or it is another's.
    """
    retailer = visible_retailer(caller, retailer_slug)
    keys: QuerySet[ApiKey] = ApiKey.objects.select_related("retailer", "replaces").order_by("-created", "-pk")
    if retailer is not None:
        return keys.filter(retailer=retailer)
    return keys if Right.OPERATE in caller.rights else keys.exclude(kind=ApiKey.Kind.OPERATOR)


def get_key(caller: Caller, prefix: str) -> ApiKey:
    """The key of this prefix.

    Raises:
        KeyNotFound: There is none that this caller may know of.
    """
    record = None if "\0" in prefix else visible_keys(caller).filter(prefix=storable(prefix)[:8]).first()
    if record is None or record.prefix != prefix:
        raise KeyNotFound(f'there is no API key "{storable(prefix)[:20]}"')
    return record


def grant_key(maker: Caller, wish: KeyWish) -> tuple[ApiKey, str]:
    """Makes a key.

    Returns:
        Its record, and the key itself, which nobody can read again.

    Raises:
        InvalidKey: It cannot be as it is asked for.
        KeyForbidden: It would open more than its maker's own key.
        TooManyKeys: The retailer has `MOST_LIVING`.
    """
    origins = check_wish(maker, wish)
    _check_number(maker, wish.retailer)
    made = create_key(
        wish.kind,
        storable(wish.name).strip(),
        retailer=wish.retailer,
        allowed_origins=origins,
        rate=wish.rate,
        expires_at=_checked_end(maker, wish.expires_at),
    )
    transaction.on_commit(forget_known_origins)
    return made


def check_wish(maker: Caller, wish: KeyWish) -> list[str]:
    """Whether a key can be as it is asked for.

    Returns:
        Its allowed origins as they are stored.

    Raises:
        InvalidKey, KeyForbidden: As `grant_key`.
    """
    _check_reach(maker, wish)
    origins = normal_origins(wish.allowed_origins)
    _check_origins(wish.kind, origins)
    _check_rate(maker, wish)
    _checked_end(maker, wish.expires_at)
    if not 1 <= len(storable(wish.name).strip()) <= NAME_CHARS:
        raise InvalidKey("name", f"give a name of 1 to {NAME_CHARS} characters")
    return origins


def rotate_key(
    maker: Caller, prefix: str, *, overlap_h: float = DEFAULT_OVERLAP_H, expires_at: datetime | None = None
) -> tuple[ApiKey, str]:
    """Makes a key like another one; the old one goes on working for the overlap, and ends then.

    Args:
        maker: Who asks.
        prefix: The old key.
        overlap_h: Hours, 0..720; 0 ends the old one at once.
        expires_at: When the new one ends; None: when the old one was to.

    Raises:
        KeyNotFound: There is no such key.
        KeyReplaced: It was replaced before, or ended.
        TooManyKeys: The retailer has `MOST_LIVING`.
        InvalidKey: The end lies in the past, or after the maker's own.
    """
    with transaction.atomic():
        known = get_key(maker, prefix)
        old = ApiKey.objects.select_for_update(of=("self",)).select_related("retailer").get(pk=known.pk)
        now = timezone.now()
        if old.revoked or (old.expiry_date is not None and old.expiry_date <= now):
            raise KeyReplaced(f"the key {prefix} is revoked or expired; make a new one")
        if ApiKey.objects.filter(replaces=old, revoked=False).exists():
            raise KeyReplaced(f"the key {prefix} was replaced already; rotate the one that replaced it")
        if maker.retailer is None and Right.OPERATE not in maker.rights:
            raise KeyForbidden("your key may not replace this one")
        _check_number(maker, old.retailer)
        end = _checked_end(maker, old.expiry_date if expires_at is None else expires_at)
        record, key = create_key(
            ApiKey.Kind(old.kind),
            old.name,
            retailer=old.retailer,
            allowed_origins=old.allowed_origins,
            rate=old.rate,
            expires_at=end,
            replaces=old,
        )
        last = now + timedelta(hours=overlap_h)
        old.expiry_date = last if old.expiry_date is None else min(old.expiry_date, last)
        old.save(update_fields=["expiry_date"])
    transaction.on_commit(forget_known_origins)
    return record, key


def revoke_key(record: ApiKey) -> None:
    """Ends a key at once and for good; revoking it twice changes nothing."""
    ApiKey.objects.filter(pk=record.pk).update(revoked=True)
    transaction.on_commit(forget_known_origins)


def state_of(record: ApiKey) -> str:
    """Whether it works: one of `STATES`."""
    if record.revoked:
        return "revoked"
    return "expired" if record.expiry_date is not None and record.expiry_date <= timezone.now() else "active"


def _check_number(maker: Caller, retailer: Retailer | None) -> None:
    alive = Q(expiry_date__isnull=True) | Q(expiry_date__gt=timezone.now())
    living = ApiKey.objects.filter(alive, retailer=retailer, revoked=False)
    if Right.OPERATE not in maker.rights and living.count() >= MOST_LIVING:
        raise TooManyKeys(f"there are {MOST_LIVING} living keys; revoke those that nobody uses")


def _check_reach(maker: Caller, wish: KeyWish) -> None:
    if Right.OPERATE in maker.rights:
        if (wish.kind == ApiKey.Kind.OPERATOR) != (wish.retailer is None):
            raise InvalidKey("retailer", "operators' keys belong to no retailer, and all others to one")
        return
    if wish.kind == ApiKey.Kind.OPERATOR or Right.WRITE not in maker.rights:
        raise KeyForbidden("only an operator makes operators' keys")
    if wish.retailer is None or wish.retailer != maker.retailer:
        raise KeyForbidden("a key is made for its maker's own retailer")


def _check_origins(kind: ApiKey.Kind, origins: Sequence[str]) -> None:
    if kind == ApiKey.Kind.PUBLISHABLE and not origins:
        raise InvalidKey("allowed_origins", 'name the pages it works on, such as "https://shop.example"; "*" for all')
    if kind != ApiKey.Kind.PUBLISHABLE and origins:
        raise InvalidKey("allowed_origins", "only publishable keys are bound to pages: keep others off them")


def _check_rate(maker: Caller, wish: KeyWish) -> None:
    if not wish.rate:
        return
    try:
        wished = per_second(wish.rate)
    except ValueError as error:
        raise InvalidKey("rate", str(error)) from error
    usual: str = settings.SELVEDGE_RATES[wish.kind.value]
    if Right.OPERATE not in maker.rights and wished > per_second(usual):
        raise KeyForbidden(f"only an operator grants more than {usual}")


def _checked_end(maker: Caller, expires_at: datetime | None) -> datetime | None:
    if expires_at is not None and expires_at <= timezone.now():
        raise InvalidKey("expires_at", "it lies in the past")
    if maker.expires_at is None:
        return expires_at
    if expires_at is not None and expires_at > maker.expires_at:
        raise KeyForbidden("a key ends no later than its maker's")
    return maker.expires_at if expires_at is None else expires_at
