"""Plain values of facets: what a list of products can be narrowed to, and how many of them would stay."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class FacetValue:
    """What a list can be narrowed to, and how many of the counted products would stay."""

    value: str
    """As the filter of the facet's name takes it."""
    count: int


@dataclass(frozen=True, slots=True)
class PriceBand:
    """Prices in one currency, both ends included, and how many of the counted products have one of them."""

    currency: str
    price_min: Decimal
    price_max: Decimal
    count: int


@dataclass(frozen=True, slots=True)
class Facets:
    """What the nearest products of one thing could be narrowed to. Values are ordered by count, bands by price."""

    n_counted: int
    """Distinct results that were counted: the nearest ones that pass filters and verdict."""
    is_complete: bool
    """Whether those are all there are; else there are more, farther away."""
    brand: tuple[FacetValue, ...]
    category: tuple[FacetValue, ...]
    color: tuple[FacetValue, ...]
    gender: tuple[FacetValue, ...]
    price: tuple[PriceBand, ...]
