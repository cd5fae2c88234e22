"""A rate as JSON: never without its counts, and how sure it is."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers


class ProportionSerializer(serializers.Serializer[Any]):
    """A rate, what it is of, and its 95 % interval (Wilson)."""

    count = serializers.IntegerField(help_text="How many.")
    of = serializers.IntegerField(help_text="Of how many.")
    rate = serializers.FloatField(allow_null=True, help_text="count / of, 0..1; null of nothing.")
    low = serializers.FloatField(allow_null=True, help_text="Lower end of the 95 % interval, or null.")
    high = serializers.FloatField(allow_null=True, help_text="Upper end of the 95 % interval, or null.")
