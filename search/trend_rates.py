"""What comes of searches: found or not, clicked, bought; counted in SQL, by day and by category.

A photo counts once a day, however often it is asked again (another page, other filters): it is known by its image id.
What shoppers did is counted with the day of the search, whenever they did it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from django.db.models import Count, Q, QuerySet
from django.db.models.functions import Coalesce

from catalog.models import Retailer
from search.models import Event, SearchedGarment, SearchLog
from search.periods import Period, utc_day
from search.proportions import Proportion

OUTCOMES = (Event.Kind.CLICK, Event.Kind.CART, Event.Kind.PURCHASE)
CLOCKS_DIFFER_BY = timedelta(hours=1)
"""Events may be dated a little before their search: shops have clocks of their own."""


@dataclass(frozen=True, slots=True)
class DayRates:
    """Searches of one day (UTC), and what came of them."""

    date: date
    searches: int
    judged: int
    """Those of which it is known whether there was a good match."""
    answered: int
    """Those with a good match for a garment."""
    clicked: int
    """Answered ones with at least one click, and so on."""
    carted: int
    purchased: int


@dataclass(frozen=True, slots=True)
class CategoryRate:
    """Searched garments of one category without a good match."""

    category_id: int
    no_match: Proportion


@dataclass(frozen=True, slots=True)
class Rates:
    """What came of the searches of a period."""

    by_day: list[DayRates]
    """Days with searches."""
    by_category: list[CategoryRate]
    """Most garments without a good match first."""
    events: dict[str, int]
    """Events reported in the period, by type; all 0 where nobody reports any."""

    @property
    def searches(self) -> int:
        """Photos that were searched for."""
        return sum(day.searches for day in self.by_day)

    @property
    def click_through(self) -> Proportion:
        """Searches with a click, of those with an answer."""
        return self._of_answered(sum(day.clicked for day in self.by_day))

    @property
    def cart(self) -> Proportion:
        """Searches with something put into the cart, of those with an answer."""
        return self._of_answered(sum(day.carted for day in self.by_day))

    @property
    def purchase(self) -> Proportion:
        """Searches with something bought, of those with an answer."""
        return self._of_answered(sum(day.purchased for day in self.by_day))

    @property
    def no_match(self) -> Proportion:
        """Searches without a good match for any garment, of those of which that is known."""
        judged = sum(day.judged for day in self.by_day)
        return Proportion(judged - sum(day.answered for day in self.by_day), judged)

    def _of_answered(self, count: int) -> Proportion:
        return Proportion(count, sum(day.answered for day in self.by_day))


def count_rates(period: Period, retailer: Retailer | None = None) -> Rates:
    """Counts what came of searches.

    Args:
        period: Days of the searches.
        retailer: Only searches made in this retailer's catalog alone, and its events; None for all.
    """
    return Rates(count_days(period, retailer), _by_category(period, retailer), count_events(period, retailer))


def count_days(period: Period, retailer: Retailer | None) -> list[DayRates]:
    """What came of searches, by day; two queries."""
    outcomes = {
        (day, kind): count
        for day, kind, count in _outcomes(period, retailer)
        .annotate(day=utc_day("search__created_at"), photo=Coalesce("search__image_id", "search__search_id"))
        .values_list("day", "kind")
        .annotate(count=Count("photo", distinct=True))
        .order_by("day", "kind")
    }
    rows = (
        searches_of(period, retailer)
        .annotate(day=utc_day("created_at"), photo=Coalesce("image_id", "search_id"))
        .values("day")
        .annotate(
            searches=Count("photo", distinct=True),
            judged=Count("photo", distinct=True, filter=Q(has_match__isnull=False)),
            answered=Count("photo", distinct=True, filter=Q(has_match=True)),
        )
        .order_by("day")
    )
    return [
        DayRates(
            row["day"],
            row["searches"],
            row["judged"],
            row["answered"],
            *(outcomes.get((row["day"], kind), 0) for kind in OUTCOMES),
        )
        for row in rows
    ]


def count_events(period: Period, retailer: Retailer | None) -> dict[str, int]:
    """Events by type, those of none included."""
    counted = dict(events_of(period, retailer).values_list("kind").annotate(count=Count("pk")).order_by("kind"))
    return {kind: counted.get(kind, 0) for kind in Event.Kind.values}


def events_of(period: Period, retailer: Retailer | None) -> QuerySet[Event]:
    """Events that occurred in a period, of one retailer or of all."""
    events = Event.objects.filter(occurred_at__gte=period.start, occurred_at__lt=period.end)
    return events if retailer is None else events.filter(retailer=retailer)


def searches_of(period: Period, retailer: Retailer | None) -> QuerySet[SearchLog]:
    """Searches made in a period, in one retailer's catalog alone or in any."""
    searches = SearchLog.objects.filter(created_at__gte=period.start, created_at__lt=period.end)
    return searches if retailer is None else searches.filter(retailer=retailer)


def _outcomes(period: Period, retailer: Retailer | None) -> QuerySet[Event]:
    """What shoppers did with the answers to the searches of a period."""
    events = Event.objects.filter(
        kind__in=OUTCOMES,
        # Of no use but for the index: what shoppers do comes after their search.
        occurred_at__gte=period.start - CLOCKS_DIFFER_BY,
        search__created_at__gte=period.start,
        search__created_at__lt=period.end,
        search__has_match=True,
    )
    return events if retailer is None else events.filter(retailer=retailer, search__retailer=retailer)


def _by_category(period: Period, retailer: Retailer | None) -> list[CategoryRate]:
    garments = (
        SearchedGarment.objects.filter(
            search__created_at__gte=period.start, search__created_at__lt=period.end, category_id__isnull=False
        )
        .exclude(verdict="")
        .exclude(search__source=SearchLog.Source.IMAGE_ID)
    )
    if retailer is not None:
        garments = garments.filter(search__retailer=retailer)
    rows = garments.values_list("category_id").annotate(none=Count("pk", filter=Q(verdict="none")), judged=Count("pk"))
    rates = [CategoryRate(category_id, Proportion(none, judged)) for category_id, none, judged in rows.order_by()]
    return sorted(rates, key=lambda rate: (-rate.no_match.count, -rate.no_match.of, rate.category_id))
