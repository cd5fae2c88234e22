"""What a list of products is narrowed to, as conditions on the records. No photo is compared here.

Products are read in the order of their keys, so a page costs what it shows where most products pass; a brand, an item
group and "changed since" have indexes of their own.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet, Value
from django.db.models.functions import Lower, Upper

from catalog.models import Availability, Product, Retailer
from catalog.selectors import on_sale
from search.models import Garment, Space
from search.vocabulary import GENDER_WORDS

MAX_QUERY_WORDS = 10
FACETS = ("brand", "gender", "category", "color", "availability", "price")


@dataclass(frozen=True, slots=True)
class ListFilters:
    """Restrictions on a list of products; all hold. None means no restriction."""

    retailer: Retailer | None = None
    query: str = ""
    """Words that must all occur in title, brand or product id, in any case; the first ten count."""
    brands: Collection[str] | None = None
    """In any case."""
    genders: Collection[str] | None = None
    """Keys of `GENDER_WORDS`; feeds write many words for each."""
    category_ids: Collection[int] | None = None
    """Of a garment that its photos show and that it is."""
    colors: Collection[str] | None = None
    """That the same garment is seen in."""
    availabilities: Collection[str] | None = None
    in_stock: bool | None = None
    """True: only what can be bought now; False: only what cannot."""
    price_min: Decimal | None = None
    """Least price a shopper pays, included."""
    price_max: Decimal | None = None
    currency: str | None = None
    item_group_id: str | None = None
    updated_since: datetime | None = None

    def without(self, facet: str) -> ListFilters:
        """The same but for what a facet counts: what else could be chosen in its place is what it shows."""
        return replace(self, **_WITHOUT[facet])


_WITHOUT: Mapping[str, Mapping[str, Any]] = {
    "brand": {"brands": None},
    "gender": {"genders": None},
    "category": {"category_ids": None},
    "color": {"colors": None},
    "availability": {"availabilities": None, "in_stock": None},
    "price": {"price_min": None, "price_max": None},
}


def list_products(filters: ListFilters) -> QuerySet[Product]:
    """Products on sale that pass, with their retailer and images loaded along; in no order yet."""
    return passing(on_sale(), filters)


def passing(products: QuerySet[Product], filters: ListFilters) -> QuerySet[Product]:
    """Those of some products that pass."""
    found = products.filter(_words(filters.query), _told(filters), _prices(filters))
    if filters.retailer is not None:
        found = found.filter(retailer=filters.retailer)
    if filters.brands is not None:
        # As the index has it. SQLite folds ASCII alone, so other letters' cases are tried one by one.
        spellings = {form for brand in filters.brands for form in (brand, brand.upper(), brand.lower(), brand.title())}
        found = found.alias(brand_upper=Upper("brand")).filter(
            brand_upper__in=[Upper(Value(form)) for form in sorted(spellings)]
        )
    if filters.genders is not None:
        words = [word for gender in filters.genders for word in GENDER_WORDS[gender]]
        found = found.alias(gender_lower=Lower("gender")).filter(gender_lower__in=words)
    if filters.category_ids is not None or filters.colors is not None:
        found = found.filter(Exists(seen_garments(filters).filter(product=OuterRef("pk"))))
    return found


def seen_garments(filters: ListFilters) -> QuerySet[Garment]:
    """The garments that are for sale, as the model that serves sees them, of the wanted categories and colors."""
    serving = Space.objects.filter(state=Space.State.SERVING).values("pk")
    garments = Garment.objects.filter(is_product=True, description__space__in=serving)
    if filters.category_ids is not None:
        garments = garments.filter(category_id__in=filters.category_ids)
    return garments if filters.colors is None else garments.filter(color_name__in=filters.colors)


def _words(query: str) -> Q:
    condition = Q()
    for word in query.split()[:MAX_QUERY_WORDS]:
        condition &= Q(title__icontains=word) | Q(brand__icontains=word) | Q(external_id__icontains=word)
    return condition


def _told(filters: ListFilters) -> Q:
    condition = Q()
    if filters.availabilities is not None:
        condition &= Q(availability__in=filters.availabilities)
    if filters.in_stock is not None:
        bought_now = Q(availability=Availability.IN_STOCK)
        condition &= bought_now if filters.in_stock else ~bought_now
    if filters.item_group_id is not None:
        condition &= Q(item_group_id=filters.item_group_id)
    if filters.updated_since is not None:
        condition &= Q(updated_at__gte=filters.updated_since)
    return condition


def _prices(filters: ListFilters) -> Q:
    """What a shopper pays is the lower of price and sale price, or the only one there is."""
    condition = Q() if filters.currency is None else Q(currency=filters.currency)
    if filters.price_max is not None:
        condition &= Q(price__lte=filters.price_max) | Q(sale_price__lte=filters.price_max)
    if filters.price_min is not None:
        condition &= Q(price__isnull=False) | Q(sale_price__isnull=False)
        condition &= Q(price__gte=filters.price_min) | Q(price__isnull=True)
        condition &= Q(sale_price__gte=filters.price_min) | Q(sale_price__isnull=True)
    return condition
