"""The JSON of products that answer a search: each with its variants, its score and its verdict."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.core.files.storage import default_storage
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from catalog.api.serializers import ProductSerializer, absolute_url
from catalog.money import in_decimals_of
from search.api.category_serializers import CategorySerializer, render_category
from search.results import Look, LookItem, Offer, RankedProduct, Total
from segmentation.calibration import VERDICTS

_PRICE_FIELDS = ["price", "sale_price", "currency", "availability", "in_stock"]


class VerdictField(serializers.ChoiceField):
    """How good a match is, in a word."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(choices=VERDICTS[::-1], **kwargs)


class VariantSerializer(ProductSerializer):
    """A product of the same item group, as far as a size and color chooser needs it."""

    class Meta(ProductSerializer.Meta):
        fields = ["id", "product_id", "color", "size", *_PRICE_FIELDS, "link", "url"]
        read_only_fields = fields
        extra_kwargs = {
            **ProductSerializer.Meta.extra_kwargs,
            "size": {"help_text": "Size or sizes as the feed writes them, or empty."},
        }


class OfferSerializer(serializers.Serializer[Offer]):
    """What the sizes of a garment, in the color of the product shown, say together, whatever the filters."""

    in_stock_any = serializers.BooleanField(source="is_in_stock", help_text="Whether any of its sizes can be bought.")
    sizes = serializers.ListField(
        child=serializers.CharField(), help_text="Sizes on sale as the feed writes them, smallest first."
    )
    sizes_in_stock = serializers.ListField(
        child=serializers.CharField(), help_text="Those of them that can be bought now."
    )
    colors = serializers.ListField(
        child=serializers.CharField(), help_text="Colors its item group is sold in, in the retailer's words."
    )
    colors_in_stock = serializers.ListField(
        child=serializers.CharField(), help_text="Those of them that can be bought now, in any size."
    )
    price_min = serializers.SerializerMethodField()
    price_max = serializers.SerializerMethodField()
    currency = serializers.CharField(help_text="ISO 4217, of both prices; that of the product shown.")

    @extend_schema_field(
        serializers.CharField(allow_null=True, help_text="What a shopper pays for the cheapest of its sizes, or null.")
    )
    def get_price_min(self, offer: Offer) -> str | None:
        """As text, exact."""
        return _amount(offer.price_min, offer.currency)

    @extend_schema_field(
        serializers.CharField(allow_null=True, help_text="What a shopper pays for the dearest of its sizes, or null.")
    )
    def get_price_max(self, offer: Offer) -> str | None:
        """As text, exact."""
        return _amount(offer.price_max, offer.currency)


class ResultSerializer(serializers.Serializer[RankedProduct]):
    """One product of a list, best first; every product, and every item group, at most once."""

    rank = serializers.IntegerField(help_text="From 1.")
    similarity = serializers.FloatField(help_text="How alike the pictures are, 0..1.")
    score = serializers.FloatField(
        help_text="Chance that it is the same product, 0..1; the similarity where it is not known what that is worth."
    )
    verdict = VerdictField(help_text="The score in a word.")
    product = ProductSerializer()
    n_variants = serializers.IntegerField(
        source="variants.n_products", help_text="Products on sale of its item group, itself included; 1 without one."
    )
    variants = VariantSerializer(
        source="variants.products",
        many=True,
        help_text="Those products by color and size, whatever the filters, at most 100; empty where it is the only "
        "one, or with group_variants=false.",
    )
    offer = OfferSerializer(
        source="variants.offer", help_text="The sizes of this color together: what is in stock, and for how much."
    )
    matched_image_url = serializers.SerializerMethodField()

    @extend_schema_field(serializers.URLField(help_text="The catalog image that looks most alike."))
    def get_matched_image_url(self, ranked: RankedProduct) -> str:
        """Address of our copy."""
        return absolute_url(default_storage.url(ranked.matched_image), self.context)


class ObjectResultSerializer(ResultSerializer):
    """One product for one garment of a photo."""

    matched_category = serializers.SerializerMethodField()

    @extend_schema_field(CategorySerializer(allow_null=True))
    def get_matched_category(self, ranked: RankedProduct) -> dict[str, Any] | None:
        """Category of the garment in the matched image; null where the image was described as a whole."""
        return render_category(ranked.matched_category_id)


class TotalSerializer(serializers.Serializer[Total]):
    """A sum of prices in one currency."""

    currency = serializers.CharField(help_text="ISO 4217.")
    amount = serializers.SerializerMethodField()

    @extend_schema_field(serializers.CharField(help_text='In the decimals of the currency, like "152.00".'))
    def get_amount(self, total: Total) -> str:
        """As text, exact."""
        return format(in_decimals_of(total.amount, total.currency), "f")


class LookItemSerializer(serializers.Serializer[LookItem]):
    """What stands for one garment of the photo."""

    object_ids = serializers.ListField(
        child=serializers.IntegerField(), help_text="The garments it stands for; both shoes are one."
    )
    result = ObjectResultSerializer()


class LookSerializer(serializers.Serializer[Look]):
    """The garments of the photo as one retailer sells them."""

    rank = serializers.IntegerField(help_text="From 1.")
    retailer = serializers.CharField(source="retailer.slug", help_text="Slug of the retailer.")
    retailer_name = serializers.CharField(source="retailer.name", help_text="Its name, for people.")
    score = serializers.FloatField(help_text="Geometric mean of the items' scores, times coverage; 0..1.")
    coverage = serializers.FloatField(help_text="Share of the photo's garments that an item stands for, 0..1.")
    totals = TotalSerializer(many=True, help_text="What all items with a price cost together, by currency.")
    n_unpriced = serializers.IntegerField(help_text="Items without a price, which no total holds.")
    items = LookItemSerializer(many=True, help_text="One for each garment that the retailer has a match for.")


def _amount(amount: Decimal | None, currency: str) -> str | None:
    return None if amount is None else format(in_decimals_of(amount, currency), "f")
