"""The JSON of recommendations."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from catalog.api.serializers import ProductSerializer
from search.api.product_serializers import ResultSerializer, VerdictField
from segmentation.steering import MATCHES


class SimilarProductsSerializer(serializers.Serializer[Any]):
    """Products that look like one product."""

    product = ProductSerializer()
    space = serializers.CharField()
    index_version = serializers.CharField()
    match = serializers.ChoiceField(choices=MATCHES, help_text="As in a photo search.")
    calibrated = serializers.BooleanField(source="is_calibrated", help_text="As in a photo search.")
    verdict = VerdictField(help_text="That of the nearest product that the filters allow, returned or not.")
    results = ResultSerializer(many=True)
