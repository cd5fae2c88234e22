"""The trends' JSON: garments by class and day."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from search.api.category_serializers import CategorySerializer, render_category
from search.api.event_serializers import EventTotalsSerializer
from search.api.proportion_serializers import ProportionSerializer


class DayCountSerializer(serializers.Serializer[Any]):
    """Garments of a category on a day (UTC)."""

    date = serializers.DateField(help_text="The day.")
    category = serializers.SerializerMethodField()
    count = serializers.IntegerField(help_text="How many garments.")

    @extend_schema_field(CategorySerializer)
    def get_category(self, counted: Any) -> dict[str, Any] | None:
        """The category."""
        return render_category(counted.category_id)


class CategoryTotalSerializer(serializers.Serializer[Any]):
    """Garments of a category over the period."""

    category = serializers.SerializerMethodField()
    catalog = serializers.IntegerField(help_text="Garments of products on sale.")
    searches = serializers.IntegerField(help_text="Garments of shoppers' photos.")

    @extend_schema_field(CategorySerializer)
    def get_category(self, total: Any) -> dict[str, Any] | None:
        """The category."""
        return render_category(total.category_id)


class DayRatesSerializer(serializers.Serializer[Any]):
    """Searches of one day (UTC), and what came of them."""

    date = serializers.DateField(help_text="The day of the searches.")
    searches = serializers.IntegerField(help_text="Photos searched for; one that is asked again counts once a day.")
    judged = serializers.IntegerField(help_text="Those of which it is known whether there was a good match.")
    answered = serializers.IntegerField(help_text="Those with a good match for a garment.")
    clicked = serializers.IntegerField(help_text="Answered ones with at least one click.")
    carted = serializers.IntegerField(help_text="Answered ones with something put into the cart.")
    purchased = serializers.IntegerField(help_text="Answered ones with something bought.")


class CategoryRateSerializer(serializers.Serializer[Any]):
    """Searched garments of a category without a good match."""

    category = serializers.SerializerMethodField()
    no_match = ProportionSerializer(help_text="Of the searched garments of the category.")

    @extend_schema_field(CategorySerializer)
    def get_category(self, rated: Any) -> dict[str, Any] | None:
        """The category."""
        return render_category(rated.category_id)


class RatesSerializer(serializers.Serializer[Any]):
    """What came of the searches of the period. Rates without events reported are 0, not unknown: see `events`."""

    searches = serializers.IntegerField(help_text="Photos searched for; one that is asked again counts once a day.")
    click_through = ProportionSerializer(help_text="Searches with a click, of those with a good match.")
    cart = ProportionSerializer(help_text="Searches with something put into the cart, of those with a good match.")
    purchase = ProportionSerializer(help_text="Searches with something bought, of those with a good match.")
    no_match = ProportionSerializer(help_text="Searches without a good match for any garment, of all that are known.")
    events = EventTotalsSerializer(help_text="Events reported in the period.")
    by_day = DayRatesSerializer(many=True, help_text="Days with searches.")
    no_match_by_category = CategoryRateSerializer(
        many=True, source="by_category", help_text="Searched, not stocked: most garments without a good match first."
    )


class TrendsSerializer(serializers.Serializer[Any]):
    """Garment counts by class and day, catalog and searches apart. Days without garments are left out."""

    retailer = serializers.CharField(allow_null=True, help_text="Slug, or null for all retailers.")
    model_versions = serializers.ListField(child=serializers.CharField(), help_text="Segmenters behind the counts.")
    catalog = DayCountSerializer(many=True, help_text="Garments of products on sale, by day of description.")
    searches = DayCountSerializer(many=True, help_text="Garments of shoppers' photos, by day of the search.")
    totals = CategoryTotalSerializer(many=True, help_text="Most frequent first.")
    rates = RatesSerializer(help_text="What came of the searches.")

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        """`from` is no name Python allows in a class body."""
        return {
            "from": serializers.DateField(source="first_day", help_text="First day (UTC)."),
            "to": serializers.DateField(source="last_day", help_text="Last day, included."),
            **super().get_fields(),
        }
