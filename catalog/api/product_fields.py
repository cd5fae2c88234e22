"""The JSON of products that are written."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiExample
from rest_framework import serializers

from catalog import limits
from catalog.api.addressing import RetailerQuery
from catalog.api.fields import TextField, WordField
from catalog.api.sparse import FieldsQuery
from catalog.limits import ADDITIONAL_IMAGES
from catalog.models import Availability

MAX_ITEMS = 1000
ACTIONS = ("upsert", "update", "delete")


class ProductQuery(RetailerQuery, FieldsQuery):
    """Query parameters of one product."""


class AmountField(TextField):
    """An amount with or without its currency; a number counts as its text."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=40, allow_blank=True, allow_null=True, required=False, **kwargs)

    def to_internal_value(self, data: Any) -> str:
        """As text; what it means, the feeds' own rules say."""
        if isinstance(data, (int, float)) and not isinstance(data, bool):
            return super().to_internal_value(repr(data))
        return super().to_internal_value(data)


def _text(max_chars: int, help_text: str) -> TextField:
    return TextField(required=False, allow_null=True, allow_blank=True, max_length=max_chars, help_text=help_text)


class ProductFields(serializers.Serializer[Any]):
    """A product as a client writes it, in the words of Google Merchant Center. Empty and null mean that it has none."""

    title = _text(limits.TITLE_CHARS, "Title. Needed when a product is made or replaced.")
    link = _text(limits.LINK_CHARS, "The product's page at the retailer. Needed likewise.")
    availability = _text(
        60, f"Whether it can be bought now: {', '.join(Availability.values)}, as feeds write it. Needed likewise."
    )
    price = AmountField(help_text='Regular price, "52.00 USD", or "52.00" with `currency`. Needed likewise.')
    sale_price = AmountField(help_text="Reduced price, likewise.")
    currency = _text(3, "ISO 4217 code of prices that name none.")
    description = _text(limits.DESCRIPTION_CHARS, "Description.")
    brand = _text(limits.BRAND_CHARS, "Brand.")
    item_group_id = _text(limits.ID_CHARS, "Joins variants that differ by size, color and so on.")
    color = _text(limits.COLOR_CHARS, "Color in the retailer's words.")
    size = _text(limits.SIZE_CHARS, "Size or sizes.")
    gender = _text(limits.GENDER_CHARS, "male, female, unisex.")
    age_group = _text(limits.AGE_GROUP_CHARS, "newborn, infant, toddler, kids, adult.")
    google_product_category = _text(limits.CATEGORY_CHARS, "Category in Google's taxonomy.")
    product_type = _text(limits.CATEGORY_CHARS, "The retailer's own category.")
    material = _text(limits.MATERIAL_CHARS, "Material.")
    pattern = _text(limits.PATTERN_CHARS, "Pattern.")
    extra = serializers.DictField(
        child=TextField(allow_blank=True),
        required=False,
        allow_null=True,
        help_text="What else is to be kept, as texts.",
    )
    image_links = serializers.ListField(
        child=TextField(max_length=limits.LINK_CHARS),
        required=False,
        allow_null=True,
        allow_empty=True,
        max_length=ADDITIONAL_IMAGES + 1,
        help_text="Addresses of its images, the main one first: they are fetched soon after. Left out or null: the "
        "images stay as they are.",
    )


class BulkItemFields(serializers.Serializer[Any]):
    """One product of many."""

    product_id = TextField(max_length=limits.ID_CHARS, help_text="The retailer's own id.")
    action = WordField(
        ACTIONS,
        required=False,
        default="upsert",
        help_text="upsert: make or replace, as PUT; update: change what is given, as PATCH; delete.",
    )
    product = ProductFields(required=False, help_text="What is written; needed but for delete.")


class BulkFields(serializers.Serializer[Any]):
    """Many products at once."""

    items = serializers.ListField(
        child=serializers.DictField(),
        allow_empty=False,
        max_length=MAX_ITEMS,
        help_text=f"1 to {MAX_ITEMS} products.",
    )


class BulkRequest(serializers.Serializer[Any]):
    """Many products at once."""

    items = BulkItemFields(many=True, help_text=f"1 to {MAX_ITEMS} products.")


class BulkErrorSerializer(serializers.Serializer[Any]):
    """What is wrong with one item."""

    field = serializers.CharField(help_text="The member that is wrong.")
    message = serializers.CharField(help_text="Why, in words.")


class BulkResultSerializer(serializers.Serializer[Any]):
    """What became of one item."""

    index = serializers.IntegerField(help_text="Of the item, from 0.")
    product_id = serializers.CharField(help_text="As given.")
    action = serializers.CharField(help_text="As given.")
    status = serializers.IntegerField(
        help_text="200: written, or as it was; 201: made; 204: deleted; 400: wrong; 404: not there."
    )
    errors = BulkErrorSerializer(  # type: ignore[assignment]
        many=True, help_text="Why it failed; empty where it did not."
    )


class BulkReplySerializer(serializers.Serializer[Any]):
    """What became of all items."""

    succeeded = serializers.IntegerField(help_text="Items with a status below 300.")
    failed = serializers.IntegerField(help_text="All others; they changed nothing.")
    results = BulkResultSerializer(many=True, help_text="One for each item, in their order.")


PRODUCT_EXAMPLE = OpenApiExample(
    "A jacket",
    value={
        "title": "Orion Two-Tone Fitted Jacket",
        "link": "https://shop.example/mj07-blue-s",
        "price": "72.00 USD",
        "availability": "in_stock",
        "brand": "Luma",
        "item_group_id": "MJ07",
        "color": "Blue",
        "size": "S",
        "image_links": ["https://cdn.shop.example/mj07-blue.jpg"],
    },
    request_only=True,
)
PRICE_EXAMPLE = OpenApiExample(
    "Price and stock", value={"price": "59.00 USD", "availability": "out_of_stock"}, request_only=True
)
BULK_EXAMPLE = OpenApiExample(
    "One changed, one deleted",
    value={
        "items": [
            {"product_id": "MJ07-Blue-S", "action": "update", "product": {"availability": "out_of_stock"}},
            {"product_id": "MJ01-Red-S", "action": "delete"},
        ]
    },
    request_only=True,
)
