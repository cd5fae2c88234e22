"""Garment counts by class and day: what catalogs hold and what shoppers look for, apart, counted in SQL.

Counts hang on the model that saw the garments, so every answer names the model versions behind it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from django.db.models import Count, QuerySet

from catalog.models import Retailer
from search.models import Garment, ImageDescription, SearchedGarment, SearchLog, Space
from search.periods import Period, period_of, utc_day
from search.trend_rates import Rates, count_rates, searches_of


@dataclass(frozen=True, slots=True)
class DayCount:
    """Garments of one category on one day (UTC)."""

    date: date
    category_id: int
    count: int


@dataclass(frozen=True, slots=True)
class CategoryTotal:
    """Garments of one category over the whole period."""

    category_id: int
    catalog: int
    searches: int


@dataclass(frozen=True, slots=True)
class Trends:
    """What was described and what was searched from `first_day` to `last_day`, both included."""

    first_day: date
    last_day: date
    retailer: str | None
    model_versions: list[str]
    catalog: list[DayCount]
    searches: list[DayCount]
    totals: list[CategoryTotal]
    rates: Rates


def count_trends(*, days: int, retailer: Retailer | None = None, today: date | None = None) -> Trends:
    """Counts garments by category and day.

    Catalog garments are those that are for sale (products not withdrawn), on the day their photo was described in the
    space that serves; a catalog that is described in another one meanwhile is not counted twice. Searched garments are
    those found in shoppers' photos; a photo that is asked again counts once. Photos in which nothing was segmented
    have no category and are not counted.

    Args:
        days: Length of the period in days, 1..`search.periods.MAX_DAYS`, ending today.
        retailer: Only this retailer's catalog and the searches made in it alone; None for all.
        today: Last day of the period, for tests; None is today in UTC.
    """
    period = period_of(days, today)
    catalog_garments = _catalog_garments(period, retailer)
    searched_garments = _searched_garments(period, retailer)
    catalog = _by_day(catalog_garments, "description__described_at")
    searches = _by_day(searched_garments, "search__created_at")
    return Trends(
        first_day=period.first_day,
        last_day=period.last_day,
        retailer=None if retailer is None else retailer.slug,
        model_versions=_model_versions(catalog_garments, searches_of(period, retailer)),
        catalog=catalog,
        searches=searches,
        totals=_totals(catalog, searches),
        rates=count_rates(period, retailer),
    )


def count_catalog_garments(retailer: Retailer | None = None) -> dict[int, int]:
    """Counts the garments for sale by category, in the space that serves: one retailer's, or all."""
    garments = Garment.objects.filter(
        is_product=True,
        category_id__isnull=False,
        description__space=counted_space(),
        description__image__product__withdrawn_at__isnull=True,
    )
    if retailer is not None:
        garments = garments.filter(product__retailer=retailer)
    return dict(garments.values_list("category_id").annotate(count=Count("id")).order_by("category_id"))


def counted_space() -> Space | None:
    """The space that serves, so that counts do not jump while another one is built; it needs no model at hand.

    Before any was recorded to serve, that of the most recent description; None before the first.
    """
    serving = Space.objects.filter(state=Space.State.SERVING).first()
    if serving is not None:
        return serving
    newest = ImageDescription.objects.order_by("-described_at", "-pk").select_related("space").first()
    return None if newest is None else newest.space


def _catalog_garments(period: Period, retailer: Retailer | None) -> QuerySet[Garment]:
    garments = Garment.objects.filter(
        is_product=True,
        category_id__isnull=False,
        description__space=counted_space(),
        description__described_at__gte=period.start,
        description__described_at__lt=period.end,
        description__image__product__withdrawn_at__isnull=True,
    )
    return garments if retailer is None else garments.filter(description__image__product__retailer=retailer)


def _searched_garments(period: Period, retailer: Retailer | None) -> QuerySet[SearchedGarment]:
    garments = SearchedGarment.objects.filter(
        category_id__isnull=False, search__created_at__gte=period.start, search__created_at__lt=period.end
    ).exclude(search__source=SearchLog.Source.IMAGE_ID)
    return garments if retailer is None else garments.filter(search__retailer=retailer)


def _by_day(garments: QuerySet[Garment] | QuerySet[SearchedGarment], moment: str) -> list[DayCount]:
    rows = (
        garments.annotate(day=utc_day(moment))
        .values_list("day", "category_id")
        .annotate(count=Count("id"))
        .order_by("day", "category_id")
    )
    return [DayCount(day, category_id, count) for day, category_id, count in rows]


def _model_versions(catalog: QuerySet[Garment], searches: QuerySet[SearchLog]) -> list[str]:
    described = ImageDescription.objects.filter(pk__in=catalog.values("description_id"))
    versions = set(described.values_list("segmenter_version", flat=True).distinct())
    versions.update(searches.values_list("segmenter_version", flat=True).distinct())
    return sorted(versions - {""})


def _totals(catalog: Iterable[DayCount], searches: Iterable[DayCount]) -> list[CategoryTotal]:
    """Sums the days, most frequent category first, equal ones by id."""
    in_catalog: Counter[int] = Counter()
    in_searches: Counter[int] = Counter()
    for day in catalog:
        in_catalog[day.category_id] += day.count
    for day in searches:
        in_searches[day.category_id] += day.count
    totals = [CategoryTotal(key, in_catalog[key], in_searches[key]) for key in set(in_catalog) | set(in_searches)]
    return sorted(totals, key=lambda total: (-(total.catalog + total.searches), total.category_id))
