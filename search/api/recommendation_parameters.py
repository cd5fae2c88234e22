"""What clients may ask of recommendations, checked before a body is called."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rest_framework import serializers
from rest_framework.request import Request

from catalog import limits
from catalog.api.addressing import RetailerQuery
from catalog.api.fields import TextField, WordField
from search.api.asking import list_options
from search.api.fields import CategoryField, NamesField
from search.api.parameters import ListParameters
from search.recommendations.look_results import DEFAULT_PICKS, DEFAULT_SLOTS, MAX_PICKS, MAX_SLOTS, LookOptions
from search.recommendations.results import AlternativeOptions
from search.recommendations.similar import SimilarOptions
from search.results import DEFAULT_LIMIT, MAX_DEPTH, MAX_LIMIT
from segmentation.calibration import VERDICTS

MAX_EXCLUDED = 200
"""Products a client may say it showed already: an address of this length still passes every server."""

_VERDICT = WordField(
    VERDICTS[::-1],
    required=False,
    default="none",
    help_text="Least verdict of a result's looks: exact, similar, or none for the nearest products however unlike.",
)


_EXCLUDE = (
    "Ids of products already shown, as the address takes them (several by repetition or comma), at most "
    f"{MAX_EXCLUDED}. They do not come again, and where variants are grouped nor do theirs."
)


class ProductIdsField(NamesField):
    """Ids of products, by repetition or with commas between them."""

    most = MAX_EXCLUDED


class RecommendationParameters(RetailerQuery):
    """Parameters of every list that starts from a product."""

    offset = serializers.IntegerField(
        required=False,
        min_value=0,
        max_value=MAX_DEPTH,
        default=0,
        help_text=f"Results passed over, for the next page; with limit at most {MAX_DEPTH:,}.",
    )
    exclude = ProductIdsField(required=False, help_text=_EXCLUDE)
    same_brand = serializers.BooleanField(
        required=False,
        allow_null=True,
        default=None,
        help_text="true: only products of its brand; false: only of others; without it, of any. A product without a "
        "brand shares it with none.",
    )
    price_band = serializers.DecimalField(
        max_digits=8,
        decimal_places=6,
        min_value=0,
        max_value=1,
        required=False,
        help_text="How far a price may lie from what the product costs now, as a share of it: 0.2 is 20 % less or "
        "more, in the same currency. Where its price is not known, nothing is near it.",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Paging ends somewhere."""
        if attrs["offset"] + attrs["limit"] > MAX_DEPTH:
            raise serializers.ValidationError({"offset": f"offset and limit together are at most {MAX_DEPTH:,}."})
        return super().validate(attrs)  # type: ignore[no-any-return]


class SimilarParameters(RecommendationParameters, ListParameters):
    """Parameters of similar products."""

    category = CategoryField(
        required=False,
        help_text="Only products of this category (name, slug or id) or group (such as upperbody), whatever the "
        "product is; without it, of categories that look like its own.",
    )
    verdict = _VERDICT
    exclude_item_group = serializers.BooleanField(
        required=False,
        default=True,
        help_text="false: other variants of the product's own item group may be results; the product itself never is.",
    )


class AlternativeParameters(RecommendationParameters):
    """Parameters of alternatives."""

    limit = serializers.IntegerField(
        required=False,
        min_value=1,
        max_value=MAX_LIMIT,
        default=DEFAULT_LIMIT,
        help_text=f"Most results, 1..{MAX_LIMIT}.",
    )
    size = TextField(
        required=False,
        max_length=limits.SIZE_CHARS,
        default="",
        help_text='The size a shopper wants, as a feed would write it ("M", "Medium", "EU 38", "W32 L34"); without '
        "it, the product's own.",
    )
    verdict = _VERDICT


class LookParameters(RetailerQuery):
    """Parameters of a completed look."""

    slots = serializers.IntegerField(
        required=False,
        min_value=1,
        max_value=MAX_SLOTS,
        default=DEFAULT_SLOTS,
        help_text=f"Most kinds of garments, 1..{MAX_SLOTS}.",
    )
    limit = serializers.IntegerField(
        required=False,
        min_value=1,
        max_value=MAX_PICKS,
        default=DEFAULT_PICKS,
        help_text=f"Most products for each kind, 1..{MAX_PICKS}.",
    )
    exclude = ProductIdsField(required=False, help_text=_EXCLUDE)


def given_to(parameters: type[serializers.Serializer[Any]], request: Request) -> dict[str, Any]:
    """The address's parameters; of those that are no lists, the last one counts."""
    lists = {name for name, field in parameters().fields.items() if isinstance(field, NamesField)}
    query = request.query_params
    values = {name: query.getlist(name) if name in lists else query[name] for name in query}
    return {name: value for name, value in values.items() if not isinstance(value, list) or any(map(str.strip, value))}


def similar_options(wanted: Mapping[str, Any], *, by_own_id: bool) -> SimilarOptions:
    """What the parameters of similar products ask for."""
    return SimilarOptions(
        **list_options(wanted, wanted.get("category")),
        **_options(wanted, by_own_id=by_own_id),
        exclude_item_group=wanted["exclude_item_group"],
    )


def alternative_options(wanted: Mapping[str, Any], *, by_own_id: bool) -> AlternativeOptions:
    """What the parameters of alternatives ask for."""
    return AlternativeOptions(
        limit=wanted["limit"],
        verdict=wanted["verdict"],
        size=wanted["size"],
        **_options(wanted, by_own_id=by_own_id),
    )


def look_options(wanted: Mapping[str, Any], *, by_own_id: bool) -> LookOptions:
    """What the parameters of a completed look ask for."""
    exclude = tuple(sorted(wanted.get("exclude", ())))
    return LookOptions(slots=wanted["slots"], limit=wanted["limit"], exclude=exclude, by_own_id=by_own_id)


def _options(wanted: Mapping[str, Any], *, by_own_id: bool) -> dict[str, Any]:
    return {
        "offset": wanted["offset"],
        "exclude": tuple(sorted(wanted.get("exclude", ()))),
        "same_brand": wanted["same_brand"],
        "price_band": wanted.get("price_band"),
        "by_own_id": by_own_id,
    }
