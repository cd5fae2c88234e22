"""What a client may ask of the list of products."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rest_framework import serializers

from catalog.api.addressing import RetailerQuery
from catalog.api.fields import TextField
from catalog.api.pagination import PageQuery
from catalog.api.sparse import FieldsQuery
from catalog.limits import ID_CHARS
from catalog.models import Availability, Retailer
from search.api.fields import CategoryField, CurrencyField, NamesField, PriceField
from search.listing.filters import ListFilters
from search.vocabulary import known_color, known_gender
from segmentation.colors import COLOR_NAMES

LISTS = frozenset({"brand", "gender", "color", "availability"})
"""Parameters that may be repeated."""


def _known_availability(word: str) -> str:
    if word not in Availability.values:
        raise serializers.ValidationError(f'"{word[:40]}" is none of {", ".join(Availability.values)}.')
    return word


class ProductListQuery(RetailerQuery, PageQuery, FieldsQuery):
    """Query parameters of the list of products."""

    q = TextField(
        required=False,
        max_length=200,
        default="",
        help_text="Words that must all occur in title, brand or product id, in any case.",
    )
    brand = NamesField(required=False, help_text="Brands in any case; several by repetition or comma.")
    gender = NamesField(known_gender, required=False, help_text="male, female, unisex; several by repetition or comma.")
    category = CategoryField(
        required=False,
        help_text="A category or group of categories that its photos show: slug, name or id (see /api/categories/).",
    )
    color = NamesField(
        known_color,
        required=False,
        help_text=f"Colors it is seen in; several by repetition or comma. Of {', '.join(COLOR_NAMES)}.",
    )
    availability = NamesField(
        _known_availability,
        required=False,
        help_text=f"{', '.join(Availability.values)}; several by repetition or comma.",
    )
    in_stock = serializers.BooleanField(
        required=False,
        allow_null=True,
        default=None,
        help_text="true: only what can be bought now; false: only what cannot.",
    )
    price_min = PriceField(required=False, help_text="Least price a shopper pays, included.")
    price_max = PriceField(required=False, help_text="Highest price a shopper pays, included.")
    currency = CurrencyField(required=False, help_text="The prices' currency, ISO 4217; without it, any.")
    item_group_id = TextField(required=False, max_length=ID_CHARS, help_text="Only variants of this item group.")
    updated_since = serializers.DateTimeField(
        required=False, help_text="Only what was made or changed at that time or later, as 2026-11-23T08:00:00Z."
    )
    facets = serializers.BooleanField(
        required=False, default=False, help_text="true: count what the list can be narrowed to, too."
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Prices make a range."""
        least, most = attrs.get("price_min"), attrs.get("price_max")
        if least is not None and most is not None and least > most:
            raise serializers.ValidationError({"price_min": f"It is above price_max, {most}."})
        return attrs


def list_filters(wanted: Mapping[str, Any], retailer: Retailer | None) -> ListFilters:
    """What the parameters ask for."""
    return ListFilters(
        retailer=retailer,
        query=wanted["q"],
        brands=wanted.get("brand"),
        genders=wanted.get("gender"),
        category_ids=wanted.get("category"),
        colors=wanted.get("color"),
        availabilities=wanted.get("availability"),
        in_stock=wanted["in_stock"],
        price_min=wanted.get("price_min"),
        price_max=wanted.get("price_max"),
        currency=wanted.get("currency"),
        item_group_id=wanted.get("item_group_id"),
        updated_since=wanted.get("updated_since"),
    )
