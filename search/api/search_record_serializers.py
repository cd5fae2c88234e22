"""The JSON of a search that is on record."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from search.api.category_serializers import CategorySerializer, render_category
from search.api.product_serializers import VerdictField
from search.models import Event, SearchedGarment, SearchLog
from search.search_records import SearchRecord


class SearchedGarmentSerializer(serializers.Serializer[SearchedGarment]):
    """One garment that was searched for."""

    category = serializers.SerializerMethodField()
    score = serializers.FloatField(help_text="The segmenter's confidence, 0..1.")
    color = serializers.CharField(source="color_name", help_text="The dominant color.")
    verdict = VerdictField(allow_blank=True, help_text="That of the nearest product; empty where it was not recorded.")

    @extend_schema_field(CategorySerializer(allow_null=True))
    def get_category(self, garment: SearchedGarment) -> dict[str, Any] | None:
        """Null for the photo as a whole."""
        return render_category(garment.category_id)


class EventCountsSerializer(serializers.Serializer[Any]):
    """What shoppers did with the answer."""

    view = serializers.IntegerField(help_text="Products looked at.")
    click = serializers.IntegerField(help_text="Products clicked on.")
    cart = serializers.IntegerField(help_text="Products put into a cart.")
    purchase = serializers.IntegerField(help_text="Products bought.")


class SearchRecordSerializer(serializers.Serializer[SearchRecord]):
    """One search as it is on record, without the photo."""

    search_id = serializers.UUIDField(source="log.search_id", help_text="Of the answer.")
    created_at = serializers.DateTimeField(source="log.created_at", help_text="When it was answered.")
    retailer = serializers.CharField(
        source="log.retailer.slug", default=None, allow_null=True, help_text="Slug; null where all were searched."
    )
    source = serializers.ChoiceField(  # type: ignore[assignment]
        SearchLog.Source.choices, source="log.source", help_text="What the search came with."
    )
    space = serializers.CharField(source="log.space.name", help_text="The embedding space that was searched.")
    model_version = serializers.CharField(source="log.segmenter_version", help_text="The segmenter.")
    has_match = serializers.BooleanField(
        source="log.has_match", allow_null=True, help_text="Whether any garment had a good match; null: not recorded."
    )
    n_garments = serializers.IntegerField(source="log.n_garments", help_text="Garments that were searched for.")
    garments = SearchedGarmentSerializer(many=True, help_text="Those garments; the photo as a whole where none was.")
    events = serializers.SerializerMethodField()
    image_id = serializers.UUIDField(
        source="log.image_id", allow_null=True, help_text="That the answer gave to ask again with."
    )
    image_kept = serializers.BooleanField(
        source="is_image_kept", help_text="Whether the image_id can still be asked with."
    )
    photo_kept = serializers.BooleanField(source="is_photo_kept", help_text="Whether the photo itself is stored.")

    @extend_schema_field(EventCountsSerializer(help_text="Events that named this search, by kind."))
    def get_events(self, found: SearchRecord) -> dict[str, int]:
        """Zeros included."""
        return {kind.value: found.events.get(kind.value, 0) for kind in Event.Kind}
