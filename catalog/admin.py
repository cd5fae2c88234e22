"""The catalog in Django's admin: look up a product, see which images failed and why."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from catalog import selectors
from catalog.models import Product, ProductImage, Retailer
from catalog.money import in_decimals_of

# Django's admin classes take no type arguments at run time, hence the ignored [type-arg] below.


@admin.register(Retailer)
class RetailerAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Retailers with their number of products."""

    list_display = ["slug", "name", "products_on_sale"]
    search_fields = ["slug", "name"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Retailer]:
        """Retailers, counted."""
        return selectors.retailers()

    @admin.display(description="products on sale")
    def products_on_sale(self, retailer: Any) -> int:
        """The annotated count."""
        return int(retailer.n_products)


def thumbnail(image: ProductImage | None) -> SafeString:
    """A small picture, or a dash."""
    if image is None or not image.file:
        return SafeString("-")
    return format_html('<img src="{}" alt="" style="height: 64px" loading="lazy">', image.file.url)


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
class ProductAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Products by retailer, stock and kind."""

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
class ProductImageAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Images, chiefly to find those that failed."""

    list_display = ["source", "picture", "product", "position", "status", "error"]
    list_filter = ["status", "product__retailer"]
    list_select_related = ["product"]
    list_per_page = 50
    search_fields = ["source", "product__external_id", "sha256"]
    raw_id_fields = ["product"]

    @admin.display(description="picture")
    def picture(self, image: ProductImage) -> SafeString:
        """The stored copy."""
        return thumbnail(image)
