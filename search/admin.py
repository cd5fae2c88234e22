"""What was seen, in Django's admin: find images that failed, look at garments and searches. Read only."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest

from search.catalog_admin import IndexFollows
from search.models import Event, Garment, ImageDescription, QueryImage, SearchedGarment, SearchLog, Space

# Django's admin classes take no type arguments at run time, hence the ignored [type-arg] below.


class ReadOnlyAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Records that only the program writes."""

    list_per_page = 50

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Never."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: object | None = None) -> bool:
        """Never."""
        return False


class GarmentInline(admin.TabularInline):  # type: ignore[type-arg]
    """A photo's garments."""

    model = Garment
    extra = 0
    can_delete = False
    fields = readonly_fields = ("position", "category_id", "score", "color_name", "is_product")

    def has_add_permission(self, request: HttpRequest, obj: object | None = None) -> bool:
        """Never."""
        return False


class SearchedGarmentInline(admin.TabularInline):  # type: ignore[type-arg]
    """What one search looked for."""

    model = SearchedGarment
    extra = 0
    can_delete = False
    fields = readonly_fields = ("category_id", "score", "color_name", "verdict")

    def has_add_permission(self, request: HttpRequest, obj: object | None = None) -> bool:
        """Never."""
        return False


@admin.register(Space)
class SpaceAdmin(ReadOnlyAdmin):
    """Embedding spaces."""

    list_display = ["name", "state", "promoted_at", "previous", "dim", "created_at"]
    list_select_related = ["previous"]


@admin.register(ImageDescription)
class ImageDescriptionAdmin(IndexFollows, ReadOnlyAdmin):
    """Descriptions, chiefly to find those that failed; a photo whose description is deleted is described again."""

    list_display = ["image", "space", "state", "error_code", "error", "segmenter_version", "described_at"]
    list_filter = ["state", "space", "image__product__retailer"]
    list_select_related = ["image", "space"]
    search_fields = ["image__source", "image__product__external_id"]
    inlines = [GarmentInline]


@admin.register(SearchLog)
class SearchLogAdmin(ReadOnlyAdmin):
    """Searches, without their photos."""

    list_display = ["search_id", "created_at", "retailer", "source", "n_garments", "has_match", "segmenter_version"]
    list_filter = ["source", "has_match", "retailer"]
    list_select_related = ["retailer"]
    date_hierarchy = "created_at"
    inlines = [SearchedGarmentInline]


@admin.register(QueryImage)
class QueryImageAdmin(ReadOnlyAdmin):
    """What is kept of shoppers' photos for a while; deleting one forgets it."""

    list_display = ["image_id", "retailer", "space", "created_at", "expires_at"]
    list_filter = ["retailer"]
    list_select_related = ["retailer", "space"]
    search_fields = ["image_id"]
    exclude = ["description"]


@admin.register(Event)
class EventAdmin(ReadOnlyAdmin):
    """What shoppers did with answers."""

    list_display = ["occurred_at", "kind", "retailer", "external_id", "rank", "quantity", "value", "currency", "search"]
    list_filter = ["kind", "retailer"]
    list_select_related = ["retailer", "search"]
    search_fields = ["external_id", "event_id"]
    date_hierarchy = "occurred_at"
