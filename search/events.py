"""What shoppers did with answers: taken in by the batch, each event by itself, and never twice.

Nothing about persons comes in or is kept: no address, no browser, no name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Literal
from uuid import UUID

from django.db import IntegrityError, transaction

from catalog.access.caller import Caller
from catalog.models import Product, Retailer
from search.models import Event, SearchLog
from search.selectors import IDS_A_QUERY, chunked

MAX_EVENTS = 1000
"""In one batch."""
MAX_EVENTS_OF_PAGES = 100
"""Likewise, with a publishable key: anybody who looks at the page can send with it."""
MAX_AHEAD = timedelta(minutes=5)
"""Clocks differ; what lies further ahead is wrong."""
MAX_AGE = timedelta(days=90)

Status = Literal["accepted", "duplicate", "rejected"]
ProductKey = tuple[int, str]
"""Retailer and its own product id."""


@dataclass(frozen=True, slots=True)
class EventWish:
    """One event as it was reported."""

    event_id: str
    kind: Event.Kind
    product_id: str
    occurred_at: datetime
    retailer_slug: str | None = None
    search_id: UUID | None = None
    object_id: int | None = None
    rank: int | None = None
    quantity: int = 1
    value: Decimal | None = None
    currency: str = ""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of one event."""

    status: Status
    code: str = ""
    """Why it was rejected, for programs."""
    reason: str = ""


ACCEPTED = Receipt("accepted")
DUPLICATE = Receipt("duplicate")


def record_events(caller: Caller, wishes: Sequence[EventWish], now: datetime | None = None) -> list[Receipt]:
    """Stores events; one that is wrong does not keep the others out. As many queries as a few hundred events need.

    Args:
        caller: Who reports; one that belongs to a retailer reports of it and of the searches in it alone.
        wishes: At most `MAX_EVENTS`.
        now: The present, for tests.

    Returns:
        What became of each, in their order.
    """
    moment = datetime.now(UTC) if now is None else now
    try:
        return _recorded(caller, wishes, moment)
    except IntegrityError:
        # A search or product they name was deleted in this very moment. Now it is known to be gone.
        return _recorded(caller, wishes, moment)


@transaction.atomic
def _recorded(caller: Caller, wishes: Sequence[EventWish], now: datetime) -> list[Receipt]:
    known = _look_up(caller, wishes)
    receipts: list[Receipt] = []
    fresh: list[Event] = []
    for wish in wishes:
        judged = known.judge(wish, now)
        if isinstance(judged, Event):
            fresh.append(judged)
            known.seen.add((judged.retailer_id, judged.event_id))
            receipts.append(ACCEPTED)
        else:
            receipts.append(judged)
    # Another process may store the same event meanwhile: then it is stored.
    Event.objects.bulk_create(fresh, ignore_conflicts=True)
    return receipts


@dataclass(frozen=True, slots=True)
class _Known:
    """What the database holds of all that a batch names."""

    caller: Caller
    retailers: Mapping[str, Retailer]
    searches: Mapping[UUID, tuple[int, int | None]]
    """Key and retailer of each search the caller may see."""
    products: Mapping[ProductKey, int]
    seen: set[tuple[int, str]] = field(default_factory=set)
    """Retailer and event id of what is stored already."""

    def judge(self, wish: EventWish, now: datetime) -> Event | Receipt:
        """The record to store, or why there is none."""
        if not now - MAX_AGE <= wish.occurred_at <= now + MAX_AHEAD:
            side = "lies ahead" if wish.occurred_at > now else f"is more than {MAX_AGE.days} days old"
            return Receipt("rejected", "wrong_time", f"occurred_at {side}")
        search = None if wish.search_id is None else self.searches.get(wish.search_id)
        if wish.search_id is not None and search is None:
            return Receipt("rejected", "unknown_search", "there is no such search, or it was deleted")
        retailer_id = self._retailer(wish, search)
        if isinstance(retailer_id, Receipt):
            return retailer_id
        if (retailer_id, wish.event_id) in self.seen:
            return DUPLICATE
        product_id = self.products.get((retailer_id, wish.product_id))
        if product_id is None:
            return Receipt("rejected", "unknown_product", "the retailer has no product of this id")
        return Event(
            retailer_id=retailer_id,
            event_id=wish.event_id,
            kind=wish.kind,
            search_id=None if search is None else search[0],
            product_id=product_id,
            external_id=wish.product_id,
            object_id=wish.object_id,
            rank=wish.rank,
            quantity=wish.quantity,
            value=wish.value,
            currency=wish.currency,
            occurred_at=wish.occurred_at,
            received_at=now,
        )

    def _retailer(self, wish: EventWish, search: tuple[int, int | None] | None) -> int | Receipt:
        """Whose event it is: the caller's, else the one it names, else the search's."""
        searched = None if search is None else search[1]
        if wish.retailer_slug is not None:
            named = self.retailers.get(wish.retailer_slug)
            if named is None:
                return Receipt("rejected", "unknown_retailer", f'there is no retailer "{wish.retailer_slug}"')
            if searched is not None and searched != named.pk:
                return Receipt("rejected", "unknown_search", "the search was made in another retailer's catalog")
            return named.pk
        if self.caller.retailer is not None:
            return self.caller.retailer.pk
        if searched is None:
            return Receipt("rejected", "retailer_required", "name the retailer: neither key nor search does")
        return searched


def _look_up(caller: Caller, wishes: Sequence[EventWish]) -> _Known:
    retailers = _retailers(caller, {wish.retailer_slug for wish in wishes if wish.retailer_slug is not None})
    searches = _searches(caller, {wish.search_id for wish in wishes if wish.search_id is not None})
    owners = {retailer.pk for retailer in retailers.values()}
    owners.update(retailer_id for _, retailer_id in searches.values() if retailer_id is not None)
    if caller.retailer is not None:
        owners = {caller.retailer.pk}
    known = _Known(caller, retailers, searches, _products(owners, {wish.product_id for wish in wishes}))
    for ids in chunked(sorted({wish.event_id for wish in wishes}), IDS_A_QUERY):
        stored = Event.objects.filter(retailer__in=owners, event_id__in=ids)
        known.seen.update(stored.values_list("retailer_id", "event_id"))
    return known


def _retailers(caller: Caller, slugs: set[str]) -> dict[str, Retailer]:
    """Those the caller may report of, by slug."""
    if caller.retailer is not None:
        return {caller.retailer.slug: caller.retailer}
    found: dict[str, Retailer] = {}
    for some in chunked(sorted(slugs), IDS_A_QUERY):
        found.update({retailer.slug: retailer for retailer in Retailer.objects.filter(slug__in=some)})
    return found


def _searches(caller: Caller, search_ids: set[UUID]) -> dict[UUID, tuple[int, int | None]]:
    found: dict[UUID, tuple[int, int | None]] = {}
    for ids in chunked(sorted(search_ids), IDS_A_QUERY):
        searches = SearchLog.objects.filter(search_id__in=ids)
        if caller.retailer is not None:
            searches = searches.filter(retailer=caller.retailer)
        rows = searches.values_list("search_id", "pk", "retailer_id")
        found.update({search_id: (pk, retailer_id) for search_id, pk, retailer_id in rows})
    return found


def _products(owners: set[int], product_ids: set[str]) -> dict[ProductKey, int]:
    """Products by retailer and own id, withdrawn ones too: they may have been bought before."""
    found: dict[ProductKey, int] = {}
    for ids in chunked(sorted(product_ids), IDS_A_QUERY):
        rows = Product.objects.filter(retailer__in=owners, external_id__in=ids)
        found.update({(owner, own): pk for owner, own, pk in rows.values_list("retailer_id", "external_id", "pk")})
    return found
