"""What clients may ask of reports over time, checked before a body is called."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from search.periods import MAX_DAYS

DEFAULT_DAYS = 30


class TrendsParameters(serializers.Serializer[Any]):
    """Parameters of the trends, and of the summary of events."""

    days = serializers.IntegerField(
        required=False,
        min_value=1,
        max_value=MAX_DAYS,
        default=DEFAULT_DAYS,
        help_text=f"Length of the period that ends today (UTC), 1..{MAX_DAYS}.",
    )
    retailer = serializers.SlugField(
        required=False,
        max_length=50,
        help_text="Only this retailer's catalog, searches made in it alone, and its events. A key that belongs to a "
        "retailer always gets that one.",
    )
