"""The search's JSON: what a photo showed, and which products answer it."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request

from search.api.category_serializers import CategorySerializer, render_category
from search.api.product_serializers import LookSerializer, ObjectResultSerializer, VerdictField
from search.results import SearchedObject, SearchResult
from segmentation.masks import mask_polygons
from segmentation.steering import MATCHES


class BoxSerializer(serializers.Serializer[dict[str, float]]):
    """A rectangle; x to the right, y down."""

    x_min = serializers.FloatField()
    y_min = serializers.FloatField()
    x_max = serializers.FloatField()
    y_max = serializers.FloatField()


class MaskSerializer(serializers.Serializer[dict[str, Any]]):
    """A mask as COCO's compressed run lengths."""

    size = serializers.ListField(child=serializers.IntegerField(), help_text="Height and width in pixels.")
    counts = serializers.CharField(help_text="The runs, column by column.")


class ColorSerializer(serializers.Serializer[Any]):
    """A dominant color."""

    name = serializers.CharField()
    hex = serializers.CharField(help_text='As CSS writes it, like "#1b2a49".')


class ObjectSerializer(serializers.Serializer[SearchedObject]):
    """One garment of the photo, or the photo as a whole, and its products."""

    object_id = serializers.IntegerField()
    category = serializers.SerializerMethodField()
    kind = serializers.ChoiceField(
        choices=["garment", "region", "whole_image"],
        help_text="garment: segmented; region or whole_image: the asked box, or the photo, as one thing; left out "
        "where a category was asked for and garments of it were found.",
    )
    score = serializers.FloatField(source="descriptor.score", help_text="The segmenter's confidence, 0..1.")
    box = serializers.SerializerMethodField()
    box_relative = serializers.SerializerMethodField()
    mask = MaskSerializer(source="descriptor.mask", allow_null=True)
    polygons = serializers.SerializerMethodField()
    color = ColorSerializer(source="descriptor.color")
    verdict = VerdictField(
        help_text="That of the nearest product that the filters allow, returned or not. none: nothing good; "
        "search with verdict=none for the nearest all the same."
    )
    results = ObjectResultSerializer(many=True)

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
        width_px, height_px = self.context["size_px"]
        return _box(found, width_px, height_px)

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


class ImageSizeSerializer(serializers.Serializer[Any]):
    """The displayed photo's size in pixels."""

    width = serializers.IntegerField()
    height = serializers.IntegerField()


class SearchResultSerializer(serializers.Serializer[SearchResult]):
    """The answer to one photo."""

    search_id = serializers.UUIDField()
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

    @extend_schema_field(ImageSizeSerializer)
    def get_image(self, result: SearchResult) -> dict[str, int]:
        """The displayed photo's size."""
        return {"width": result.width_px, "height": result.height_px}


def render_search_result(result: SearchResult, request: Request | None) -> dict[str, Any]:
    """The answer as JSON-able values; addresses are absolute where there is a request."""
    context = {"request": request, "size_px": (result.width_px, result.height_px)}
    return dict(SearchResultSerializer(result, context=context).data)


def _box(found: SearchedObject, width: int, height: int) -> dict[str, float]:
    x_min, y_min, x_max, y_max = found.descriptor.box_xyxy_px
    return {"x_min": x_min / width, "y_min": y_min / height, "x_max": x_max / width, "y_max": y_max / height}
