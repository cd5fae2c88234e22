"""What clients may ask of recommendations, checked before a body is called."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rest_framework import serializers

from search.api.asking import list_options
from search.api.fields import CategoryField
from search.api.parameters import ListParameters
from search.results import ListOptions
from segmentation.calibration import VERDICTS


class SimilarParameters(ListParameters):
    """Parameters of similar products."""

    category = CategoryField(
        required=False,
        help_text="Only products of this category (name, slug or id) or group (such as upperbody), whatever the "
        "product is; without it, of categories that look like its own.",
    )
    retailer = serializers.SlugField(
        required=False, help_text="Slug of the retailer whose own product id stands in the address."
    )
    verdict = serializers.ChoiceField(
        VERDICTS[::-1],
        required=False,
        default="none",
        help_text="Least verdict of a result: exact, similar, or none for the nearest products however unlike.",
    )


def similar_options(wanted: Mapping[str, Any]) -> ListOptions:
    """What the parameters of similar products ask for."""
    return ListOptions(**list_options(wanted, wanted.get("category")))
