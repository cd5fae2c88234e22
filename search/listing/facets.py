"""What a list of products can be narrowed to, with counts: each facet with all other filters applied.

A facet counts every product that passes, so it costs a pass over them: it is asked for, never given unasked.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal

from django.db.models import Case, Count, DecimalField, IntegerField, QuerySet, Value, When
from django.db.models.functions import Coalesce, Least

from catalog import limits
from catalog.models import Product
from catalog.money import decimals_of
from search.facet_values import FacetValue, PriceBand
from search.listing.filters import ListFilters, passing, seen_garments
from search.vocabulary import folded, gender_of
from segmentation.taxonomy import category_by_id

MOST_VALUES = 50
"""Of one facet, the most frequent ones."""
READ_VALUES = 500
"""Spellings of brands and genders that are read, most frequent first, before those that mean the same are joined."""
BAND_EDGES = tuple(Decimal(edge) * 10**power for power in range(7) for edge in (1, 2, 5))
"""1, 2, 5, 10, 20, 50 and so on to 5,000,000; the first band begins at 0, the last is open."""


@dataclass(frozen=True, slots=True)
class ListFacets:
    """Values are ordered by count, bands by price."""

    brand: tuple[FacetValue, ...]
    gender: tuple[FacetValue, ...]
    category: tuple[FacetValue, ...]
    color: tuple[FacetValue, ...]
    availability: tuple[FacetValue, ...]
    price: tuple[PriceBand, ...]


def count_facets(filters: ListFilters) -> ListFacets:
    """Counts what the products that pass the filters could be narrowed to; seven queries, whatever their number."""
    return ListFacets(
        brand=_joined(_told("brand", filters), folded),
        gender=_joined(_told("gender", filters), lambda word: gender_of(word) or ""),
        category=_seen("category", "category_id", filters, lambda number: category_by_id(number).slug),
        color=_seen("color", "color_name", filters, str),
        availability=_joined(_told("availability", filters), str),
        price=_bands(filters),
    )


def _on_sale(filters: ListFilters) -> QuerySet[Product]:
    return passing(Product.objects.filter(withdrawn_at=None), filters)


def _told(field: str, filters: ListFilters) -> list[tuple[str, int]]:
    """The most frequent values of a field."""
    counted = _on_sale(filters.without(field)).order_by().values(field).annotate(n=Count("pk"))
    return list(counted.exclude(**{field: ""}).order_by("-n", field).values_list(field, "n")[:READ_VALUES])


def _joined(counts: Iterable[tuple[str, int]], meaning: Callable[[str], str]) -> tuple[FacetValue, ...]:
    """Values that mean the same as one, each as it is written most often."""
    joined: dict[str, list[tuple[str, int]]] = {}
    for text, n in counts:
        key = meaning(text)
        if key:
            joined.setdefault(key, []).append((text if meaning is folded else key, n))
    values = [FacetValue(spellings[0][0], sum(n for _, n in spellings)) for spellings in joined.values()]
    return tuple(sorted(values, key=lambda each: (-each.count, each.value))[:MOST_VALUES])


def _seen(facet: str, field: str, filters: ListFilters, named: Callable[[int], str]) -> tuple[FacetValue, ...]:
    """Products by what their photos show; one that shows several counts for each."""
    others = filters.without(facet)
    unseen = others.without("category").without("color")
    garments = seen_garments(others).filter(product__in=_on_sale(unseen).order_by().values("pk"))
    counted = garments.exclude(**{f"{field}__isnull": True}).order_by().values(field)
    counts = counted.annotate(n=Count("product", distinct=True)).values_list(field, "n")
    values = [FacetValue(named(value), n) for value, n in counts if value != ""]
    return tuple(sorted(values, key=lambda each: (-each.count, each.value))[:MOST_VALUES])


def _bands(filters: ListFilters) -> tuple[PriceBand, ...]:
    amount = DecimalField(max_digits=limits.PRICE_DIGITS, decimal_places=limits.PRICE_DECIMALS)
    paid = Least(Coalesce("price", "sale_price"), Coalesce("sale_price", "price"), output_field=amount)
    band = Case(
        *(When(paid__lt=Value(edge, output_field=amount), then=Value(n)) for n, edge in enumerate(BAND_EDGES)),
        default=Value(len(BAND_EDGES)),
        output_field=IntegerField(),
    )
    priced = _on_sale(filters.without("price")).alias(paid=paid).exclude(paid=None).exclude(currency="")
    counts: Counter[tuple[str, int]] = Counter()
    for currency, number, n in (
        priced.order_by().values("currency").annotate(band=band, n=Count("pk")).values_list("currency", "band", "n")
    ):
        counts[currency, number] += n
    return tuple(_band(*key, n) for key, n in sorted(counts.items()))


def _band(currency: str, number: int, count: int) -> PriceBand:
    """Both ends as the filters take them, which include them."""
    decimals = decimals_of(currency)
    smallest = Decimal(1).scaleb(-(2 if decimals is None else decimals))
    low = Decimal(0) if number == 0 else BAND_EDGES[number - 1]
    is_last = number == len(BAND_EDGES)
    high = Decimal(10) ** (limits.PRICE_DIGITS - limits.PRICE_DECIMALS) if is_last else BAND_EDGES[number]
    return PriceBand(currency, low.quantize(smallest), (high - smallest).quantize(smallest), count)
