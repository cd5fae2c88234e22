"""The catalog in Django's admin: look up a product, see which images failed and why."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from catalog import selectors
from catalog.audited_admin import AuditedAdmin, audit_staff
from catalog.downloads import due
from catalog.jobs_admin import ImportJobAdmin, WebhookDeliveryAdmin, WebhookEndpointAdmin
from catalog.keys_admin import ApiKeyAdmin, AuditEntryAdmin
from catalog.models import Product, ProductImage, Retailer
from catalog.money import in_decimals_of

__all__ = [
    "ApiKeyAdmin",
    "AuditEntryAdmin",
    "ImportJobAdmin",
    "ProductAdmin",
    "ProductImageAdmin",
    "RetailerAdmin",
    "WebhookDeliveryAdmin",
    "WebhookEndpointAdmin",
]

# Django's admin classes take no type arguments at run time, hence the ignored [type-arg] below.


@admin.register(Retailer)
class RetailerAdmin(AuditedAdmin):
    """Retailers with their number of products, and of images that there is no copy of."""

    audited_as = "retailer"
    list_display = ["slug", "name", "products_on_sale", "images_failed", "images_pending"]
    search_fields = ["slug", "name"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Retailer]:
        """Retailers, counted."""
        return selectors.retailers().annotate(
            n_failed=_images(ProductImage.Status.FAILED), n_pending=_images(ProductImage.Status.PENDING)
        )

    @admin.display(description="products on sale")
    def products_on_sale(self, retailer: Any) -> int:
        """The annotated count."""
        return int(retailer.n_products)

    @admin.display(description="images failed")
    def images_failed(self, retailer: Any) -> int:
        """The annotated count."""
        return int(retailer.n_failed)

    @admin.display(description="images pending")
    def images_pending(self, retailer: Any) -> int:
        """The annotated count."""
        return int(retailer.n_pending)


def _images(status: ProductImage.Status) -> Coalesce:
    images = ProductImage.objects.filter(product__retailer=OuterRef("pk"), product__withdrawn_at=None, status=status)
    counted = images.order_by().values("product__retailer").annotate(n=Count("pk")).values("n")
    return Coalesce(Subquery(counted), 0)


def thumbnail(image: ProductImage | None) -> SafeString:
    """A small picture, or a dash."""
    if image is None or not image.file:
        return SafeString("-")
    return format_html('<img src="{}" alt="" height="64" loading="lazy">', image.file.url)


class ProductImageInline(admin.TabularInline):  # type: ignore[type-arg]
    """A product's images."""

    model = ProductImage
    extra = 0
    can_delete = False
    fields = ["position", "picture", "source", "status", "error", "sha256"]
    readonly_fields = ["position", "picture", "source", "status", "error", "sha256"]

    def has_add_permission(self, request: HttpRequest, obj: Product | None = None) -> bool:
        """Images come from feeds alone."""
        return False

    @admin.display(description="picture")
    def picture(self, image: ProductImage) -> SafeString:
        """The stored copy."""
        return thumbnail(image)


@admin.register(Product)
class ProductAdmin(AuditedAdmin):
    """Products by retailer, stock and kind."""

    audited_as = "product"
    list_display = ["external_id", "picture", "title", "retailer", "brand", "amount", "availability", "updated_at"]
    list_filter = ["retailer", "availability", "gender", ("withdrawn_at", admin.EmptyFieldListFilter)]
    list_select_related = ["retailer"]
    list_per_page = 50
    search_fields = ["external_id", "title", "brand", "item_group_id"]
    date_hierarchy = "updated_at"
    readonly_fields = ["content_hash", "created_at", "updated_at"]
    raw_id_fields = ["retailer"]
    inlines = [ProductImageInline]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Product]:
        """All products, withdrawn ones too, with their images."""
        return super().get_queryset(request).prefetch_related("images")

    @admin.display(description="picture")
    def picture(self, product: Product) -> SafeString:
        """The main image."""
        return thumbnail(product.primary_image)

    @admin.display(description="price", ordering="price")
    def amount(self, product: Product) -> str:
        """What a shopper pays."""
        price = product.effective_price
        return "-" if price is None else f"{in_decimals_of(price, product.currency)} {product.currency}"


@admin.register(ProductImage)
class ProductImageAdmin(AuditedAdmin):
    """Images, chiefly to find those that failed."""

    audited_as = "image"
    list_display = [
        "source",
        "picture",
        "product",
        "position",
        "status",
        "error_code",
        "error",
        "n_attempts",
        "next_attempt_at",
    ]
    list_filter = ["status", "error_code", "product__retailer"]
    readonly_fields = ["sha256", "source_size", "source_mtime_ns", "n_attempts", "error", "error_code"]
    actions = ["fetch_again"]
    list_select_related = ["product"]
    list_per_page = 50
    search_fields = ["source", "product__external_id", "sha256"]
    raw_id_fields = ["product"]

    @admin.display(description="picture")
    def picture(self, image: ProductImage) -> SafeString:
        """The stored copy."""
        return thumbnail(image)

    @admin.action(description="Fetch the selected images again", permissions=["change"])
    def fetch_again(self, request: HttpRequest, queryset: QuerySet[ProductImage]) -> None:
        """Makes those from the web due; the next `manage.py fetch_images` or `tidy` fetches them."""
        n_due = due.ask_again_for(queryset)
        for image in queryset:
            audit_staff(request, "image.fetch", image)
        self.message_user(request, f"{n_due} images are due.")
