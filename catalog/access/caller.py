"""Who makes a request, and which retailer's records that opens."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Literal

from catalog.errors import RetailerNotFound, RetailerRequired
from catalog.models import Retailer
from catalog.selectors import get_retailer

CallerKind = Literal["secret", "publishable", "operator", "staff", "anonymous"]


class Right(StrEnum):
    """What a resource may ask for."""

    SEARCH = "search"
    """Search, read products on sale, report events."""
    REPORT = "report"
    """Read trends, imports and their errors."""
    CONFIGURE = "configure"
    """See how a retailer is set up: its keys, its webhooks and what they were sent."""
    WRITE = "write"
    """Change one retailer's catalog, keys and webhooks."""
    OPERATE = "operate"
    """Make and remove retailers; change what belongs to none."""


RIGHTS: dict[CallerKind, frozenset[Right]] = {
    "publishable": frozenset({Right.SEARCH}),
    "secret": frozenset({Right.SEARCH, Right.REPORT, Right.CONFIGURE, Right.WRITE}),
    "operator": frozenset(Right),
    "staff": frozenset({Right.SEARCH, Right.REPORT, Right.CONFIGURE}),
    "anonymous": frozenset(),
}
"""Staff write in the admin, which has its own permissions. What no key at all opens is `SELVEDGE_ANONYMOUS`."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: a key's bearer, a person signed in to the admin, or nobody known."""

    kind: CallerKind
    rights: frozenset[Right]
    retailer: Retailer | None = None
    """Whose records alone it may see and touch; None is everybody's."""
    key_prefix: str = ""
    """The key's public name; empty without one."""
    name: str = ""
    """For the audit log: "key a1b2c3d4 (import job)", "staff maria", "anonymous"."""
    rate: str = ""
    """The key's own limit, such as "600/minute"; empty is the setting of its kind."""
    expires_at: datetime | None = None
    """When its key ends; keys that it makes end no later."""


def visible_retailer(caller: Caller, slug: str | None) -> Retailer | None:
    """The one retailer whose records a request may read; None for all of them.

    Args:
        caller: Who asks.
        slug: The retailer asked for; None is the caller's own, or all.

    Raises:
        RetailerNotFound: There is none, or it is another's: both read the same, so that nobody learns who is here.
    """
    if caller.retailer is None:
        return None if slug is None else get_retailer(slug)
    if slug is not None and slug != caller.retailer.slug:
        raise RetailerNotFound(f'there is no retailer "{slug}"')
    return caller.retailer


def written_retailer(caller: Caller, slug: str | None) -> Retailer:
    """The retailer whose records a request writes.

    Raises:
        RetailerNotFound: As `visible_retailer`.
        RetailerRequired: An operator named none.
    """
    retailer = visible_retailer(caller, slug)
    if retailer is None:
        raise RetailerRequired("name the retailer: this key is not bound to one")
    return retailer
