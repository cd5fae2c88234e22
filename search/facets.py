"""What the answers to a garment could be narrowed to: brands, categories, colors, genders and prices, with counts.

Counted are the nearest products of one garment, at most `FACET_POOL`, that pass the filters and the verdict: not the
whole catalog, most of which looks like something else.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise

from catalog.money import decimals_of, lower_price
from search.facet_values import Facets, FacetValue, PriceBand
from search.models import Garment
from search.neighbours import Neighbourhood
from search.selectors import IDS_A_QUERY, chunked
from search.vocabulary import folded, gender_of
from segmentation.taxonomy import category_by_id

FACET_POOL = 200
"""Distinct results of each garment that are counted."""
MOST_VALUES = 50
"""Of one facet, the most frequent ones."""

_BAND_EDGES = (1, 2, 5)


@dataclass(frozen=True, slots=True)
class _Counted:
    """What one result is counted as."""

    brand: str
    category: str
    color: str
    gender: str
    currency: str
    paid: Decimal | None


def count_facets(found: Neighbourhood, limit: int) -> list[Facets]:
    """Counts the nearest products of every query, each result once: as the variant of it that looks most alike.

    Args:
        found: At least `FACET_POOL` results for each, where there are so many.
        limit: How many were wanted; a list that has fewer holds all there are.
    """
    pools = [matches[:FACET_POOL] for matches in found.matches]
    known = _look_up(match.garment_id for pool in pools for match in pool)
    return [
        _count([known[match.garment_id] for match in pool if match.garment_id in known], len(matches) < limit)
        for pool, matches in zip(pools, found.matches, strict=True)
    ]


def price_band(paid: Decimal) -> tuple[Decimal, Decimal]:
    """The band of a price between neighbours in 0, 1, 2, 5, 10, 20, 50, 100 and so on; the upper end is not in it.

    >>> price_band(Decimal("59.50")), price_band(Decimal("0.40")), price_band(Decimal("1000"))
    ((Decimal('50'), Decimal('100')), (Decimal('0'), Decimal('1')), (Decimal('1000'), Decimal('2000')))
    """
    if paid < 1:
        return Decimal(0), Decimal(1)
    power = 10 ** math.floor(paid.log10())
    edges = [Decimal(edge * power) for edge in (*_BAND_EDGES, 10)]
    return next((low, high) for low, high in pairwise(edges) if low <= paid < high)


def _look_up(garment_ids: Iterable[int]) -> dict[int, _Counted]:
    known: dict[int, _Counted] = {}
    for ids in chunked(sorted(set(garment_ids)), IDS_A_QUERY):
        rows = Garment.objects.filter(pk__in=ids).values_list(
            "pk",
            "product__brand",
            "category_id",
            "color_name",
            "product__gender",
            "product__currency",
            "product__price",
            "product__sale_price",
        )
        for pk, brand, category_id, color, gender, currency, price, sale_price in rows:
            category = "" if category_id is None else category_by_id(category_id).slug
            word = gender_of(gender)
            paid = lower_price(price, sale_price)
            known[pk] = _Counted(brand.strip(), category, color, word if word else "", currency, paid)
    return known


def _count(counted: Sequence[_Counted], is_complete: bool) -> Facets:
    return Facets(
        n_counted=len(counted),
        is_complete=is_complete,
        brand=_brands(each.brand for each in counted),
        category=_values(each.category for each in counted),
        color=_values(each.color for each in counted),
        gender=_values(each.gender for each in counted),
        price=_bands(counted),
    )


def _values(words: Iterable[str]) -> tuple[FacetValue, ...]:
    counts = Counter(word for word in words if word)
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return tuple(FacetValue(value, count) for value, count in ordered[:MOST_VALUES])


def _brands(texts: Iterable[str]) -> tuple[FacetValue, ...]:
    """Brands as the filter tells them apart, each in its most frequent spelling."""
    spellings: dict[str, Counter[str]] = {}
    for text in texts:
        spellings.setdefault(folded(text), Counter())[text] += 1
    counts = [FacetValue(_most_frequent(names), names.total()) for brand, names in spellings.items() if brand]
    return tuple(sorted(counts, key=lambda each: (-each.count, each.value))[:MOST_VALUES])


def _most_frequent(counts: Counter[str]) -> str:
    return min(counts, key=lambda name: (-counts[name], name))


def _bands(counted: Sequence[_Counted]) -> tuple[PriceBand, ...]:
    bands: Counter[tuple[str, Decimal, Decimal]] = Counter()
    for each in counted:
        if each.paid is not None and each.currency and each.paid >= 0:
            bands[(each.currency, *price_band(each.paid))] += 1
    return tuple(_band(*band, count) for band, count in sorted(bands.items()))


def _band(currency: str, low: Decimal, high: Decimal, count: int) -> PriceBand:
    """Both ends as the filters take them, which include them."""
    decimals = decimals_of(currency)
    smallest = Decimal(1).scaleb(-(2 if decimals is None else decimals))
    return PriceBand(currency, low.quantize(smallest), high - smallest, count)
