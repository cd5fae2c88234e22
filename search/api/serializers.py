"""The search's JSON: what a photo showed, and which products answer it."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.core.files.storage import default_storage
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request

from catalog.api.serializers import absolute_url
from catalog.api.sparse import only
from search.api.category_serializers import CategorySerializer, render_category
from search.api.facet_serializers import FacetsSerializer
from search.api.product_serializers import LookSerializer, ObjectResultSerializer, VerdictField
from search.results import SearchedObject, SearchResult
from segmentation.masks import mask_polygons
from segmentation.steering import MATCHES


class BoxSerializer(serializers.Serializer[dict[str, float]]):
    """A rectangle; x to the right, y down."""

    x_min = serializers.FloatField(help_text="Left edge.")
    y_min = serializers.FloatField(help_text="Upper edge.")
    x_max = serializers.FloatField(help_text="Right edge.")
    y_max = serializers.FloatField(help_text="Lower edge.")


class MaskSerializer(serializers.Serializer[dict[str, Any]]):
    """A mask as COCO's compressed run lengths."""

    size = serializers.ListField(child=serializers.IntegerField(), help_text="Height and width in pixels.")
    counts = serializers.CharField(help_text="The runs, column by column.")


class ColorSerializer(serializers.Serializer[Any]):
    """A dominant color."""

    name = serializers.CharField(help_text="The name a shopper would use, as the filter `color` takes it.")
    hex = serializers.CharField(help_text='As CSS writes it, like "#1b2a49".')


class ObjectSerializer(serializers.Serializer[SearchedObject]):
    """One garment of the photo, or the photo as a whole, and its products."""

    object_id = serializers.IntegerField(
        help_text="The same in every search with this photo, whatever else is asked; `objects` takes it."
    )
    category = serializers.SerializerMethodField()
    kind = serializers.ChoiceField(
        choices=["garment", "region", "whole_image"],
        help_text="garment: segmented; region or whole_image: the asked box, or the photo, as one thing; left out "
        "where a category was asked for and garments of it were found.",
    )
    score = serializers.FloatField(source="descriptor.score", help_text="The segmenter's confidence, 0..1.")
    box = serializers.SerializerMethodField()
    box_relative = serializers.SerializerMethodField()
    mask = MaskSerializer(source="descriptor.mask", allow_null=True, help_text="Null for a region or the whole image.")
    polygons = serializers.SerializerMethodField()
    color = ColorSerializer(source="descriptor.color", help_text="The dominant one.")
    verdict = VerdictField(
        help_text="That of the nearest product that the filters allow, returned or not. none: nothing good; "
        "search with verdict=none for the nearest all the same."
    )
    results = ObjectResultSerializer(many=True, help_text="Best first: those from `offset` on, at most `limit`.")
    has_more = serializers.BooleanField(help_text="Whether another page of results follows.")
    facets = FacetsSerializer(
        allow_null=True, help_text="With facets=true: what its nearest products could be narrowed to; else null."
    )
    image_url = serializers.SerializerMethodField()

    @extend_schema_field(CategorySerializer(allow_null=True))
    def get_category(self, found: SearchedObject) -> dict[str, Any] | None:
        """Null for a region or the whole image."""
        return render_category(found.descriptor.category_id)

    @extend_schema_field(BoxSerializer(help_text="Pixels of the displayed (EXIF-turned) photo."))
    def get_box(self, found: SearchedObject) -> dict[str, float]:
        """The box in pixels."""
        return _box(found, 1, 1)

    @extend_schema_field(BoxSerializer(help_text="The same, 0..1 of the photo's sides."))
    def get_box_relative(self, found: SearchedObject) -> dict[str, float]:
        """The box in fractions."""
        return _box(found, *found.size_px)

    @extend_schema_field(
        serializers.ListField(
            child=serializers.ListField(child=serializers.FloatField()),
            help_text="Outlines of the mask: [x, y, x, y, ...] in 0..1, for drawing.",
        )
    )
    def get_polygons(self, found: SearchedObject) -> list[list[float]]:
        """The mask's outlines; none without a mask."""
        mask = found.descriptor.mask
        return [] if mask is None else mask_polygons(mask)

    @extend_schema_field(
        serializers.URLField(
            allow_null=True, help_text="The catalog photo it was seen in, in a search by product_id; else null."
        )
    )
    def get_image_url(self, found: SearchedObject) -> str | None:
        """Address of our copy."""
        return absolute_url(default_storage.url(found.image_file), self.context) if found.image_file else None


class ImageSizeSerializer(serializers.Serializer[Any]):
    """The displayed photo's size in pixels."""

    width = serializers.IntegerField(help_text="Pixels from left to right.")
    height = serializers.IntegerField(help_text="Pixels from top to bottom.")


class SearchResultSerializer(serializers.Serializer[SearchResult]):
    """The answer to one photo, or to one product's photos."""

    search_id = serializers.UUIDField(help_text="Names this search, in events and in /api/searches/.")
    image_id = serializers.UUIDField(
        allow_null=True,
        help_text="Asks again with the same photo, as long as the server keeps what it saw; null where it keeps "
        "nothing, and for a product.",
    )
    next_offset = serializers.IntegerField(
        allow_null=True,
        help_text="`offset` of the next page, to be asked with the same parameters; null where no list goes on.",
    )
    index_version = serializers.CharField(help_text="space#generation: the same version answers alike.")
    space = serializers.CharField(help_text="The embedding space.")
    model_version = serializers.CharField(help_text="The segmenter.")
    image = serializers.SerializerMethodField()
    timings_ms = serializers.DictField(
        child=serializers.FloatField(), help_text="Milliseconds: decode, segment, embed, search, rank, total."
    )
    match = serializers.ChoiceField(
        choices=MATCHES,
        help_text="What results have in common with the garments: as asked, or garment where the model cannot be "
        "steered. Scores of other matches than garment are similarities, and nothing is an exact match.",
    )
    calibrated = serializers.BooleanField(
        source="is_calibrated",
        help_text="Whether scores are chances; else they are similarities, and every verdict is similar.",
    )
    objects = ObjectSerializer(many=True, help_text="Garments by falling confidence; the region or whole image last.")
    looks = LookSerializer(
        many=True, allow_null=True, help_text="With combine=true: retailers that sell the look, best first; else null."
    )

    @extend_schema_field(ImageSizeSerializer(allow_null=True))
    def get_image(self, result: SearchResult) -> dict[str, int] | None:
        """The displayed photo's size; null for a product, whose photos differ."""
        return {"width": result.width_px, "height": result.height_px} if result.width_px else None


def render_search_result(
    result: SearchResult, request: Request | None, product_fields: Collection[str] = ()
) -> dict[str, Any]:
    """The answer as JSON-able values; addresses are absolute where there is a request.

    Args:
        result: The answer.
        request: What it answers.
        product_fields: The members of products to show; empty for all.
    """
    serializer: Any = SearchResultSerializer(result, context={"request": request})
    if product_fields:
        listed = serializer.fields["objects"].child.fields["results"].child
        in_looks = serializer.fields["looks"].child.fields["items"].child.fields["result"]
        for shown in (listed, in_looks):
            only(shown.fields["product"], product_fields)
    return dict(serializer.data)


def _box(found: SearchedObject, width: int, height: int) -> dict[str, float]:
    x_min, y_min, x_max, y_max = found.descriptor.box_xyxy_px
    return {"x_min": x_min / width, "y_min": y_min / height, "x_max": x_max / width, "y_max": y_max / height}
