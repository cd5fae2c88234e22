"""The trends' JSON: garments by class and day."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from search.api.category_serializers import CategorySerializer, render_category


class DayCountSerializer(serializers.Serializer[Any]):
    """Garments of a category on a day (UTC)."""

    date = serializers.DateField()
    category = serializers.SerializerMethodField()
    count = serializers.IntegerField()

    @extend_schema_field(CategorySerializer)
    def get_category(self, counted: Any) -> dict[str, Any] | None:
        """The category."""
        return render_category(counted.category_id)


class CategoryTotalSerializer(serializers.Serializer[Any]):
    """Garments of a category over the period."""

    category = serializers.SerializerMethodField()
    catalog = serializers.IntegerField()
    searches = serializers.IntegerField()

    @extend_schema_field(CategorySerializer)
    def get_category(self, total: Any) -> dict[str, Any] | None:
        """The category."""
        return render_category(total.category_id)


class TrendsSerializer(serializers.Serializer[Any]):
    """Garment counts by class and day, catalog and searches apart. Days without garments are left out."""

    retailer = serializers.CharField(allow_null=True)
    model_versions = serializers.ListField(child=serializers.CharField(), help_text="Segmenters behind the counts.")
    catalog = DayCountSerializer(many=True, help_text="Garments of products on sale, by day of description.")
    searches = DayCountSerializer(many=True, help_text="Garments of shoppers' photos, by day of the search.")
    totals = CategoryTotalSerializer(many=True, help_text="Most frequent first.")

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        """`from` is no name Python allows in a class body."""
        return {
            "from": serializers.DateField(source="first_day"),
            "to": serializers.DateField(source="last_day"),
            **super().get_fields(),
        }
