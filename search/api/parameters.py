"""What clients may ask for, checked before a body is called."""

from __future__ import annotations

import math
from typing import Any

from rest_framework import serializers

from search.results import DEFAULT_LIMIT, MAX_LIMIT
from search.trends import MAX_DAYS

DEFAULT_DAYS = 30


class BoxField(serializers.CharField):
    """Four numbers with commas between them."""

    def to_internal_value(self, data: Any) -> Any:
        """x_min, y_min, x_max, y_max as a tuple of floats."""
        try:
            edges = tuple(float(edge) for edge in super().to_internal_value(data).split(","))
        except ValueError:
            edges = ()
        if len(edges) != 4 or not all(math.isfinite(edge) for edge in edges):
            raise serializers.ValidationError('Give four numbers as "x_min,y_min,x_max,y_max".')
        return edges


class ScoreField(serializers.FloatField):
    """A number of 0..1."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(min_value=0.0, max_value=1.0, **kwargs)

    def to_internal_value(self, data: Any) -> float:
        """Refuses what is no number, "nan" included: it passes every comparison."""
        score = super().to_internal_value(data)
        if not math.isfinite(score):
            raise serializers.ValidationError("Give a number of 0..1.")
        return score


def _limit_field() -> serializers.IntegerField:
    return serializers.IntegerField(
        required=False,
        min_value=1,
        max_value=MAX_LIMIT,
        default=DEFAULT_LIMIT,
        help_text=f"Most products in a list, 1..{MAX_LIMIT}.",
    )


class SearchParameters(serializers.Serializer[Any]):
    """Parameters of a photo search, in the form or in the address."""

    limit = _limit_field()
    category = serializers.CharField(
        required=False, help_text="Only garments of this category are searched: name, slug or id."
    )
    min_score = ScoreField(required=False, default=0.0, help_text="Least similarity of a product, 0..1.")
    box = BoxField(
        required=False,
        help_text='Region of the photo, "x_min,y_min,x_max,y_max": pixels, or 0..1 when all four are at most 1.',
    )
    retailer = serializers.SlugField(required=False, help_text="Only this retailer's products (slug).")


class SearchForm(SearchParameters):
    """A photo search as a multipart form, for the schema; the view reads the file itself."""

    image = serializers.FileField(help_text="One photo: JPEG, PNG, WebP or HEIC, at most 20 MiB and 50 megapixels.")


class SimilarParameters(serializers.Serializer[Any]):
    """Parameters of similar products."""

    limit = _limit_field()
    in_stock = serializers.BooleanField(required=False, default=False, help_text="true: only what can be bought now.")
    retailer = serializers.SlugField(
        required=False, help_text="Slug of the retailer whose own product id stands in the address."
    )


class TrendsParameters(serializers.Serializer[Any]):
    """Parameters of the trends."""

    days = serializers.IntegerField(
        required=False,
        min_value=1,
        max_value=MAX_DAYS,
        default=DEFAULT_DAYS,
        help_text=f"Length of the period that ends today (UTC), 1..{MAX_DAYS}.",
    )
    retailer = serializers.SlugField(
        required=False, help_text="Only this retailer's catalog, and the searches made in it alone."
    )
