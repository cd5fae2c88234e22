"""The JSON of facets: what the answers to a garment could be narrowed to."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from search.facet_values import Facets


class FacetValueSerializer(serializers.Serializer[Any]):
    """One value, and how many of the counted results have it."""

    value = serializers.CharField(help_text="As the filter of the facet's name takes it.")
    count = serializers.IntegerField(help_text="Counted results that have it.")


class PriceBandSerializer(serializers.Serializer[Any]):
    """Prices in one currency, both ends included, as `price_min` and `price_max` take them."""

    currency = serializers.CharField(help_text="ISO 4217.")
    price_min = serializers.CharField(help_text='Least price of the band, like "50.00".')
    price_max = serializers.CharField(help_text='Highest price of the band, like "99.99".')
    count = serializers.IntegerField(help_text="Counted results whose price lies in it.")


class FacetsSerializer(serializers.Serializer[Facets]):
    """What the nearest products of one object could be narrowed to; most frequent values first, bands by price."""

    n_counted = serializers.IntegerField(
        help_text="Results that were counted: the nearest ones, at most about 200, that pass the filters, the verdict "
        "and the least score; each once, as the variant that looks most alike."
    )
    complete = serializers.BooleanField(
        source="is_complete", help_text="true: those are all there are; false: more lie farther away, uncounted."
    )
    brand = FacetValueSerializer(many=True, help_text="Brands, at most 50.")
    category = FacetValueSerializer(many=True, help_text="Categories of the garments seen, by slug.")
    color = FacetValueSerializer(many=True, help_text="Colors the garments are seen in.")
    gender = FacetValueSerializer(many=True, help_text="male, female, unisex.")
    price = PriceBandSerializer(many=True, help_text="What a shopper pays, in bands of 1, 2, 5, 10, 20, 50 and so on.")
