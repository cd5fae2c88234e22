"""The JSON of completed looks: what goes with a product, and how that is known."""

from __future__ import annotations

from typing import Any

from django.core.files.storage import default_storage
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from catalog.api.serializers import ProductSerializer, absolute_url
from search.api.category_serializers import CategorySerializer, render_category
from search.api.product_serializers import OfferSerializer, VariantSerializer
from search.recommendations.look_results import CompletedLook, Pick, SeenTogetherCounts, Slot, SlotColor


class SeenOnSerializer(ProductSerializer):
    """A product whose photo shows it."""

    class Meta(ProductSerializer.Meta):
        fields = ["id", "product_id", "title", "image_url", "url"]
        read_only_fields = fields


class PickSerializer(serializers.Serializer[Pick]):
    """One product for a kind of garment."""

    rank = serializers.IntegerField(source="ranked.rank", help_text="From 1, within its slot.")
    score = serializers.FloatField(
        help_text="How alike it is to the garment that was seen, times how alike the product is on which; 0..1."
    )
    similarity = serializers.FloatField(
        source="ranked.similarity",
        help_text="How alike it is to the garment that was seen, 0..1; to the product itself where none was.",
    )
    seen_on = SeenOnSerializer(
        allow_null=True,
        help_text="In whose photo that garment was seen: the product itself or one that looks like it. Null where "
        "counts alone speak for the kind: then it is in a color that was seen with the product's.",
    )
    product = ProductSerializer(source="ranked.product", help_text="What can be bought now.")
    n_variants = serializers.IntegerField(
        source="ranked.variants.n_products",
        help_text="Products on sale of its item group, itself included; 1 without one.",
    )
    variants = VariantSerializer(
        source="ranked.variants.products", many=True, help_text="Those products by color and size, at most 100."
    )
    offer = OfferSerializer(source="ranked.variants.offer", help_text="The sizes of this color together.")
    matched_image_url = serializers.SerializerMethodField()

    @extend_schema_field(serializers.URLField(help_text="Its image that looks most alike."))
    def get_matched_image_url(self, pick: Pick) -> str:
        """Address of our copy."""
        return absolute_url(default_storage.url(pick.ranked.matched_image), self.context)


class SeenTogetherSerializer(serializers.Serializer[SeenTogetherCounts]):
    """In how many photos the kind was seen with the product, or with things like it."""

    own_photos = serializers.IntegerField(help_text="Photos of the product itself.")
    similar_photos = serializers.IntegerField(help_text="Photos of products that look like it, on sale.")
    catalog_photos = serializers.IntegerField(
        help_text="Photos of the retailer's catalog that show any product of its category; own and similar included."
    )
    shopper_photos = serializers.IntegerField(help_text="Photos shoppers searched with that do.")


class SlotColorSerializer(serializers.Serializer[SlotColor]):
    """A color the kind was seen in beside such a product."""

    name = serializers.CharField(help_text="One of the colors a search can be restricted to.")
    n_photos = serializers.IntegerField(help_text="Photos.")
    lift = serializers.FloatField(
        allow_null=True,
        help_text="How many times likelier beside the product's color than beside any; null where it was not counted.",
    )


class SlotSerializer(serializers.Serializer[Slot]):
    """One kind of garment that goes with the product."""

    rank = serializers.IntegerField(help_text="From 1.")
    category = serializers.SerializerMethodField()
    strength = serializers.FloatField(
        source="association.strength", help_text="What slots are ordered by: sqrt(support * lift)."
    )
    support = serializers.FloatField(
        source="association.support", help_text="Chance that a photo of such a product shows the kind, too; smoothed."
    )
    lift = serializers.FloatField(
        source="association.lift", help_text="How many times likelier that is than for any photo; 1 says nothing."
    )
    seen_together = SeenTogetherSerializer(help_text="How that is known.")
    evidence = SeenOnSerializer(
        many=True, help_text="At most five products whose photos show it, the product itself and the most alike first."
    )
    colors = SlotColorSerializer(
        many=True, help_text="At most five colors the kind was seen in beside such a product, most often seen first."
    )
    results = PickSerializer(source="picks", many=True, help_text="Best first; all in stock, each item group once.")

    @extend_schema_field(CategorySerializer())
    def get_category(self, slot: Slot) -> dict[str, Any] | None:
        """The kind."""
        return render_category(slot.category_id)


class CompletedLookSerializer(serializers.Serializer[CompletedLook]):
    """What goes with a product."""

    product = ProductSerializer(help_text="The product itself.")
    category = serializers.SerializerMethodField()
    space = serializers.CharField(help_text="The embedding space.")
    index_version = serializers.CharField(help_text="space#generation: the same version answers alike.")
    counted_at = serializers.DateTimeField(
        allow_null=True, help_text="When the whole catalog and all searches were counted; null: not yet."
    )
    slots = SlotSerializer(
        many=True, help_text="Kinds of garments, the strongest first; no two are worn in the same place."
    )

    @extend_schema_field(CategorySerializer(allow_null=True))
    def get_category(self, look: CompletedLook) -> dict[str, Any] | None:
        """What the product is; null where neither its photos nor its words say."""
        return render_category(look.category_id)
