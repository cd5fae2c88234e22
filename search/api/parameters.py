"""What clients may ask for, checked before a body is called."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from catalog.api.fields import WordField
from catalog.api.sparse import MAX_FIELDS_CHARS
from catalog.limits import LINK_CHARS
from search.api.fields import (
    BoxField,
    CategoryField,
    CurrencyField,
    ImageIdField,
    NamesField,
    ObjectsField,
    PriceField,
    ScoreField,
)
from search.results import DEFAULT_LIMIT, MAX_DEPTH, MAX_LIMIT
from search.vocabulary import known_color, known_gender
from segmentation.calibration import VERDICTS
from segmentation.colors import COLOR_NAMES
from segmentation.steering import MATCHES

MAX_REFERENCE_CHARS = 200
"""Of a product's id, or our key."""


class ListParameters(serializers.Serializer[Any]):
    """Parameters of every list of products."""

    limit = serializers.IntegerField(
        required=False,
        min_value=1,
        max_value=MAX_LIMIT,
        default=DEFAULT_LIMIT,
        help_text=f"Most results in a list, 1..{MAX_LIMIT}.",
    )
    price_min = PriceField(required=False, help_text="Least price a shopper pays, included.")
    price_max = PriceField(required=False, help_text="Highest price a shopper pays, included.")
    currency = CurrencyField(required=False, help_text="The prices' currency, ISO 4217; without it, any.")
    in_stock = serializers.BooleanField(required=False, default=False, help_text="true: only what can be bought now.")
    brand = NamesField(required=False, help_text="Brands in any case; several by repetition or comma.")
    gender = NamesField(known_gender, required=False, help_text="male, female, unisex; several by repetition or comma.")
    color = NamesField(
        known_color,
        required=False,
        help_text="Colors the garments are seen in (several by repetition or comma); blue stands for navy too. The "
        f"garment's own color no longer counts then: see `match`. One of {', '.join(COLOR_NAMES)}.",
    )
    match = WordField(
        MATCHES,
        required=False,
        help_text="What results have in common with the garment: garment (all of it), shape (whatever the color), "
        "pattern (whatever color and shape). Default: shape where a color is given, else garment.",
    )
    min_score = ScoreField(required=False, default=0.0, help_text="Least score of a result, 0..1.")
    group_variants = serializers.BooleanField(
        required=False, default=True, help_text="false: the variants of one item group are results of their own."
    )
    diversity = ScoreField(
        required=False,
        default=0.0,
        help_text="0: the most alike first; towards 1: results that are less like each other.",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Prices make a range."""
        least, most = attrs.get("price_min"), attrs.get("price_max")
        if least is not None and most is not None and least > most:
            raise serializers.ValidationError({"price_min": f"It is above price_max, {most}."})
        return attrs


class SearchParameters(ListParameters):
    """Parameters of a search, in the form or in the address."""

    image_url = serializers.CharField(
        required=False,
        max_length=LINK_CHARS,
        help_text="Web address (http or https) of one photo to search with. Addresses within private networks are "
        "refused.",
    )
    image_id = ImageIdField(
        required=False,
        help_text="Of an earlier answer: asks again with the same photo (another page, garment or region, other "
        "filters) without sending it or looking at it again.",
    )
    product_id = serializers.CharField(
        required=False,
        max_length=MAX_REFERENCE_CHARS,
        help_text="Searches with a product's own photos: the retailer's product id; callers that belong to no retailer "
        "name it by `retailer`, or give our key. The product itself is no answer.",
    )
    objects = ObjectsField(
        required=False,
        help_text='Only these objects of the photo are searched, such as "0,2": `object_id` of an earlier answer.',
    )
    category = CategoryField(
        required=False,
        help_text="Only garments of this category (name, slug or id) or group (such as upperbody) are searched, and "
        "only products of it answer.",
    )
    box = BoxField(
        required=False,
        help_text='Region of the photo, "x_min,y_min,x_max,y_max": pixels, or 0..1 when all four are at most 1.',
    )
    retailer = serializers.SlugField(
        required=False,
        help_text="Only this retailer's products (slug). A key that belongs to a retailer searches its products alone "
        "and needs not name it.",
    )
    verdict = WordField(
        VERDICTS[::-1],
        required=False,
        default="similar",
        help_text="Least verdict of a result: exact, similar, or none for the nearest products however unlike.",
    )
    combine = serializers.BooleanField(
        required=False, default=False, help_text="true: `looks` combines the garments to what one retailer sells."
    )
    offset = serializers.IntegerField(
        required=False,
        min_value=0,
        max_value=MAX_DEPTH - 1,
        default=0,
        help_text=f"Results of every list to skip; with `limit` at most {MAX_DEPTH}. `next_offset` of an answer is "
        "that of its next page.",
    )
    facets = serializers.BooleanField(
        required=False,
        default=False,
        help_text="true: every object counts what its nearest products could be narrowed to.",
    )
    fields = serializers.CharField(  # type: ignore[assignment]
        required=False,
        max_length=MAX_FIELDS_CHARS,
        help_text="Only these members of each result's product, with commas between them; others are left out.",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Paging ends somewhere."""
        if attrs["offset"] + attrs["limit"] > MAX_DEPTH:
            raise serializers.ValidationError({"offset": f"Offset and limit together must be at most {MAX_DEPTH}."})
        return super().validate(attrs)


class SearchForm(SearchParameters):
    """A search as a multipart form, for the schema; the view reads the file itself."""

    image = serializers.FileField(
        required=False, help_text="One photo: JPEG, PNG, WebP or HEIC, at most 20 MiB and 50 megapixels."
    )
