"""The search room's JSON: what a photo showed, which products answer it, and what trends follow."""

from __future__ import annotations

from typing import Any

from django.core.files.storage import default_storage
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request

from catalog.api.serializers import ProductSerializer, absolute_url
from search.results import RankedProduct, SearchedObject, SearchResult
from segmentation.masks import mask_polygons
from segmentation.taxonomy import Category, category_by_id


class CategorySerializer(serializers.Serializer[Category]):
    """A category of the taxonomy."""

    id = serializers.IntegerField(help_text="Id of the iMaterialist (Fashion) 2019 taxonomy, 0..45.")
    name = serializers.CharField()
    slug = serializers.CharField()
    supercategory = serializers.CharField()


class CategoryCountSerializer(CategorySerializer):
    """A category with what catalogs hold of it."""

    catalog_garments = serializers.IntegerField(help_text="Garments of products on sale.")


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


class ResultSerializer(serializers.Serializer[RankedProduct]):
    """One product of a list, best first; every product at most once."""

    rank = serializers.IntegerField(help_text="From 1.")
    score = serializers.FloatField(help_text="Similarity, 0..1.")
    product = ProductSerializer()
    matched_image_url = serializers.SerializerMethodField()

    @extend_schema_field(serializers.URLField(help_text="The catalog image that looks most alike."))
    def get_matched_image_url(self, ranked: RankedProduct) -> str:
        """Address of our copy."""
        return absolute_url(default_storage.url(ranked.matched_image), self.context)


class ObjectResultSerializer(ResultSerializer):
    """One product for one garment of a photo."""

    matched_category = serializers.SerializerMethodField()

    @extend_schema_field(CategorySerializer(allow_null=True))
    def get_matched_category(self, ranked: RankedProduct) -> dict[str, Any] | None:
        """Category of the garment in the matched image; null where the image was described as a whole."""
        return render_category(ranked.matched_category_id)


class ObjectSerializer(serializers.Serializer[SearchedObject]):
    """One garment of the photo, or the photo as a whole, and its products."""

    object_id = serializers.IntegerField()
    category = serializers.SerializerMethodField()
    kind = serializers.ChoiceField(
        choices=["garment", "region", "whole_image"],
        help_text="garment: segmented; region or whole_image: the box, or the photo, in which nothing was segmented "
        "(or nothing of the asked category).",
    )
    score = serializers.FloatField(source="descriptor.score", help_text="The segmenter's confidence, 0..1.")
    box = serializers.SerializerMethodField()
    box_relative = serializers.SerializerMethodField()
    mask = MaskSerializer(source="descriptor.mask", allow_null=True)
    polygons = serializers.SerializerMethodField()
    color = ColorSerializer(source="descriptor.color")
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
    objects = ObjectSerializer(many=True, help_text="By falling confidence.")

    @extend_schema_field(ImageSizeSerializer)
    def get_image(self, result: SearchResult) -> dict[str, int]:
        """The displayed photo's size."""
        return {"width": result.width_px, "height": result.height_px}


class SimilarProductsSerializer(serializers.Serializer[Any]):
    """Products that look like one product."""

    product = ProductSerializer()
    space = serializers.CharField()
    index_version = serializers.CharField()
    results = ResultSerializer(many=True)


class DayCountSerializer(serializers.Serializer[Any]):
    """Garments of a category on a day (UTC)."""

    date = serializers.DateField()
    category = serializers.SerializerMethodField()
    count = serializers.IntegerField()

    @extend_schema_field(CategorySerializer)
    def get_category(self, counted: Any) -> dict[str, Any] | None:
        """The category."""
        return render_category(counted.category_id)


class CategoryTotalSerializer(serializers.Serializer[Any]):
    """Garments of a category over the period."""

    category = serializers.SerializerMethodField()
    catalog = serializers.IntegerField()
    searches = serializers.IntegerField()

    @extend_schema_field(CategorySerializer)
    def get_category(self, total: Any) -> dict[str, Any] | None:
        """The category."""
        return render_category(total.category_id)


class TrendsSerializer(serializers.Serializer[Any]):
    """Garment counts by class and day, catalog and searches apart. Days without garments are left out."""

    retailer = serializers.CharField(allow_null=True)
    model_versions = serializers.ListField(child=serializers.CharField(), help_text="Segmenters behind the counts.")
    catalog = DayCountSerializer(many=True, help_text="Garments of products on sale, by day of description.")
    searches = DayCountSerializer(many=True, help_text="Garments of shoppers' photos, by day of the search.")
    totals = CategoryTotalSerializer(many=True, help_text="Most frequent first.")

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        """`from` is no name Python allows in a class body."""
        return {
            "from": serializers.DateField(source="first_day"),
            "to": serializers.DateField(source="last_day"),
            **super().get_fields(),
        }


def render_search_result(result: SearchResult, request: Request | None) -> dict[str, Any]:
    """The answer as JSON-able values; addresses are absolute where there is a request."""
    context = {"request": request, "size_px": (result.width_px, result.height_px)}
    return dict(SearchResultSerializer(result, context=context).data)


def render_category(category_id: int | None) -> dict[str, Any] | None:
    """A category as every answer shows it."""
    if category_id is None:
        return None
    category = category_by_id(category_id)
    return {
        "id": category.id,
        "name": category.name,
        "slug": category.slug,
        "supercategory": category.supercategory,
    }


def _box(found: SearchedObject, width: int, height: int) -> dict[str, float]:
    x_min, y_min, x_max, y_max = found.descriptor.box_xyxy_px
    return {"x_min": x_min / width, "y_min": y_min / height, "x_max": x_max / width, "y_max": y_max / height}
