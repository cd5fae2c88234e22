"""What shoppers did in a period: events by day and type, what they led to, what was bought."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.db.models import Count, Sum

from catalog.models import Retailer
from search.models import Event
from search.periods import Period, utc_day
from search.proportions import Proportion
from search.trend_rates import Rates, count_days, events_of


@dataclass(frozen=True, slots=True)
class DayEvents:
    """Events of one type on one day (UTC)."""

    date: date
    kind: str
    count: int


@dataclass(frozen=True, slots=True)
class Revenue:
    """What purchases were worth, in one currency."""

    currency: str
    amount: Decimal
    purchases: int
    quantity: int


@dataclass(frozen=True, slots=True)
class EventSummary:
    """Events of a period; rates are of the searches made in it."""

    period: Period
    retailer: str | None
    by_day: list[DayEvents]
    totals: dict[str, int]
    click_through: Proportion
    conversion: Proportion
    revenue: list[Revenue]


def summarize_events(period: Period, retailer: Retailer | None = None) -> EventSummary:
    """Counts events, four queries however many there are.

    Args:
        period: Days the events occurred on, and of the searches for the rates.
        retailer: Only its events, and searches made in its catalog alone; None for all.
    """
    rows = (
        events_of(period, retailer)
        .annotate(day=utc_day("occurred_at"))
        .values_list("day", "kind")
        .annotate(count=Count("pk"))
        .order_by("day", "kind")
    )
    by_day = [DayEvents(day, kind, count) for day, kind, count in rows]
    totals = {kind: sum(day.count for day in by_day if day.kind == kind) for kind in Event.Kind.values}
    rates = Rates(count_days(period, retailer), [], totals)
    return EventSummary(
        period=period,
        retailer=None if retailer is None else retailer.slug,
        by_day=by_day,
        totals=totals,
        click_through=rates.click_through,
        conversion=rates.purchase,
        revenue=_revenue(period, retailer),
    )


def _revenue(period: Period, retailer: Retailer | None) -> list[Revenue]:
    """By currency, most purchases first."""
    bought = events_of(period, retailer).filter(kind=Event.Kind.PURCHASE, value__isnull=False)
    rows = bought.values_list("currency").annotate(amount=Sum("value"), purchases=Count("pk"), quantity=Sum("quantity"))
    return [Revenue(*row) for row in rows.order_by("-purchases", "currency")]
