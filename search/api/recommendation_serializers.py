"""The JSON of recommendations."""

from __future__ import annotations

from typing import Any

from django.core.files.storage import default_storage
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from catalog.api.serializers import ProductSerializer, absolute_url
from search.api.product_serializers import OfferSerializer, ResultSerializer, VariantSerializer, VerdictField
from search.recommendations.reasons import REASON_CODES, Reason
from search.recommendations.results import Alternative, Alternatives
from search.recommendations.scoring import ScoreParts
from segmentation.steering import MATCHES

_SPACE = "The embedding space."
_INDEX_VERSION = "space#generation: the same version answers alike."


class SimilarProductsSerializer(serializers.Serializer[Any]):
    """Products that look like one product."""

    product = ProductSerializer(help_text="The product itself.")
    space = serializers.CharField(help_text=_SPACE)
    index_version = serializers.CharField(help_text=_INDEX_VERSION)
    match = serializers.ChoiceField(choices=MATCHES, help_text="As in a photo search.")
    calibrated = serializers.BooleanField(source="is_calibrated", help_text="As in a photo search.")
    verdict = VerdictField(help_text="That of the nearest product that the filters allow, returned or not.")
    results = ResultSerializer(many=True, help_text="Best first; each item group once where variants are grouped.")


class ReasonSerializer(serializers.Serializer[Reason]):
    """Why something is recommended."""

    code = serializers.ChoiceField(choices=REASON_CODES, help_text="For programs.")
    text = serializers.CharField(help_text="For people, in English.")


class ScorePartsSerializer(serializers.Serializer[ScoreParts]):
    """What a score is the product of."""

    likeness = serializers.FloatField(help_text="How alike the garments look, 0..1; 1 for the same item.")
    size = serializers.FloatField(help_text="1: comes in the size; 0.8: not known; 0.4: it does not.")
    price = serializers.FloatField(
        help_text="1: costs the same; falls softly: 0.5 at half the price or at 42 % more; 0.7 where not known."
    )
    brand = serializers.FloatField(help_text="1: the same brand; 0.95: another, or not known.")


class AlternativeSerializer(serializers.Serializer[Alternative]):
    """One product to buy instead."""

    rank = serializers.IntegerField(help_text="From 1.")
    score = serializers.FloatField(source="parts.score", help_text="The product of its parts, 0..1.")
    parts = ScorePartsSerializer(help_text="What the score is made of.")
    reasons = ReasonSerializer(many=True, help_text="Why it is recommended, the weightiest first.")
    similarity = serializers.FloatField(
        allow_null=True, help_text="How alike the pictures are, 0..1; null where they were not compared."
    )
    verdict = VerdictField(help_text="How alike they are in a word.")
    product = ProductSerializer(help_text="What can be bought now.")
    size = serializers.CharField(
        source="product.size", help_text="Its size or sizes as the feed writes them, or empty."
    )
    n_variants = serializers.IntegerField(
        source="variants.n_products", help_text="Products on sale of its item group, itself included; 1 without one."
    )
    variants = VariantSerializer(
        source="variants.products", many=True, help_text="Those products by color and size, at most 100."
    )
    offer = OfferSerializer(source="variants.offer", help_text="The sizes of this color together.")
    matched_image_url = serializers.SerializerMethodField()

    @extend_schema_field(
        serializers.URLField(
            allow_null=True, help_text="Its image that looks most alike; null where none was compared."
        )
    )
    def get_matched_image_url(self, found: Alternative) -> str | None:
        """Address of our copy."""
        return absolute_url(default_storage.url(found.matched_image), self.context) if found.matched_image else None


class AlternativesSerializer(serializers.Serializer[Alternatives]):
    """What to offer instead of a product."""

    product = ProductSerializer(help_text="The product itself.")
    in_stock = serializers.BooleanField(
        source="product.is_in_stock",
        help_text="Whether the product itself can be bought now. Alternatives are answered all the same.",
    )
    size = serializers.CharField(help_text="The size wanted: as asked, else the product's own; empty where not known.")
    size_in_stock = serializers.BooleanField(
        source="is_size_in_stock",
        allow_null=True,
        help_text="Whether that size of the same item and color can be bought now; null where it is not known.",
    )
    offer = OfferSerializer(help_text="The product's own sizes of this color together.")
    space = serializers.CharField(help_text=_SPACE)
    index_version = serializers.CharField(help_text=_INDEX_VERSION)
    calibrated = serializers.BooleanField(source="is_calibrated", help_text="As in a photo search.")
    results = AlternativeSerializer(many=True, help_text="Best first; all in stock, each item group once.")
