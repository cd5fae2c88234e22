"""The catalog's JSON: what a client asks, and a product as every answer of the API shows it."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from urllib.parse import quote, urlencode

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from catalog.models import Availability, Product, ProductImage, Retailer
from catalog.money import in_decimals_of


class RetailerSerializer(serializers.ModelSerializer[Retailer]):
    """A retailer."""

    products = serializers.IntegerField(source="n_products", read_only=True, help_text="Products on sale.")

    class Meta:
        model = Retailer
        fields = ["slug", "name", "products"]
        extra_kwargs = {
            "slug": {"help_text": "Short name, used in addresses and filters."},
            "name": {"help_text": "As people call it."},
        }


class ProductSerializer(serializers.ModelSerializer[Product]):
    """A product, the same in every answer."""

    # Give the request in the context, so that addresses are absolute; load retailer and images along
    # (`catalog.selectors` does), so that a list costs no query per product. Clients read the docstring above.

    id = serializers.IntegerField(read_only=True, help_text="Our key.")
    product_id = serializers.CharField(source="external_id", read_only=True, help_text="The retailer's own id.")
    retailer = serializers.CharField(source="retailer.slug", read_only=True, help_text="Slug of the retailer.")
    price = serializers.SerializerMethodField()
    sale_price = serializers.SerializerMethodField()
    availability = serializers.ChoiceField(
        Availability.choices, read_only=True, help_text="Whether it can be bought now, in Google Merchant's words."
    )
    in_stock = serializers.BooleanField(source="is_in_stock", read_only=True, help_text="Whether it can be bought now.")
    image_url = serializers.SerializerMethodField()
    url = serializers.SerializerMethodField()

    class Meta:
        model = Product
        fields = [
            "id",
            "product_id",
            "retailer",
            "title",
            "brand",
            "color",
            "price",
            "sale_price",
            "currency",
            "availability",
            "in_stock",
            "item_group_id",
            "product_type",
            "gender",
            "link",
            "image_url",
            "url",
        ]
        read_only_fields = fields
        extra_kwargs = {
            "title": {"help_text": "Title as the feed gives it."},
            "currency": {"help_text": "ISO 4217 code of both prices, or empty."},
            "item_group_id": {"help_text": "Joins variants that differ by size, color and so on, or empty."},
            "brand": {"help_text": "Brand, or empty."},
            "color": {"help_text": "Color in the retailer's words, or empty."},
            "product_type": {"help_text": "The retailer's own category, or empty."},
            "gender": {"help_text": "male, female, unisex, or empty."},
            "link": {"help_text": "The product's page at the retailer."},
        }

    @extend_schema_field(
        serializers.CharField(allow_null=True, help_text='Regular price in the decimals of its currency, like "52.00".')
    )
    def get_price(self, product: Product) -> str | None:
        """The price as text, exact."""
        return _amount(product.price, product.currency)

    @extend_schema_field(
        serializers.CharField(allow_null=True, help_text="Reduced price, or null where there is none.")
    )
    def get_sale_price(self, product: Product) -> str | None:
        """The sale price as text, exact."""
        return _amount(product.sale_price, product.currency)

    @extend_schema_field(
        serializers.URLField(allow_null=True, help_text="The main image, or null where none is stored.")
    )
    def get_image_url(self, product: Product) -> str | None:
        """Address of the first stored image."""
        image = product.primary_image
        return None if image is None else absolute_url(image.file.url, self.context)

    @extend_schema_field(serializers.URLField(help_text="This product in the API."))
    def get_url(self, product: Product) -> str:
        """Address of the product's own resource."""
        return absolute_url(product_path(product), self.context)


class ProductImageSerializer(serializers.ModelSerializer[ProductImage]):
    """One image of a product."""

    url = serializers.SerializerMethodField()

    class Meta:
        model = ProductImage
        fields = ["id", "position", "url", "status", "source", "error_code", "error", "next_attempt_at"]
        read_only_fields = fields
        extra_kwargs = {
            "id": {"help_text": "Names the image."},
            "position": {"help_text": "0 is the main image."},
            "source": {"help_text": "The link as it was given, or upload:, and the file's SHA-256."},
            "status": {"help_text": "ok: stored; failed: see error; pending: not taken over yet."},
            "error_code": {"help_text": "Why there is no copy, for programs; or empty."},
            "error": {"help_text": "The same in words."},
            "next_attempt_at": {"help_text": "When fetching it is tried again; null: not by itself."},
        }

    @extend_schema_field(serializers.URLField(allow_null=True, help_text="Our copy, or null where there is none."))
    def get_url(self, image: ProductImage) -> str | None:
        """Address of the copy."""
        return absolute_url(image.file.url, self.context) if image.file else None


class ProductDetailSerializer(ProductSerializer):
    """A product with all that its feed told."""

    images = ProductImageSerializer(many=True, read_only=True, help_text="All images, the main one first.")
    extra = serializers.DictField(
        child=serializers.CharField(), read_only=True, help_text="The feed's other columns, as written."
    )

    class Meta(ProductSerializer.Meta):
        fields = [
            *ProductSerializer.Meta.fields,
            "description",
            "images",
            "size",
            "age_group",
            "material",
            "pattern",
            "google_product_category",
            "extra",
            "created_at",
            "updated_at",
        ]
        read_only_fields = fields
        extra_kwargs = {
            **ProductSerializer.Meta.extra_kwargs,
            "description": {"help_text": "Description as the feed gives it, or empty."},
            "size": {"help_text": "Size or sizes as the feed writes them, or empty."},
            "age_group": {"help_text": "newborn, infant, toddler, kids, adult, or empty."},
            "material": {"help_text": "Material, or empty."},
            "pattern": {"help_text": "Pattern, or empty."},
            "google_product_category": {"help_text": "Category in Google's taxonomy, or empty."},
            "created_at": {"help_text": "When the product was first imported."},
            "updated_at": {"help_text": "When an import last changed the product's texts, price or stock."},
        }


def product_path(product: Product) -> str:
    """A product's own address, by its retailer's id, which may hold anything: it is quoted, slashes included."""
    query = urlencode({"retailer": product.retailer.slug})
    return f"/api/products/{quote(product.external_id, safe='')}?{query}"


def absolute_url(path: str, context: Mapping[str, Any]) -> str:
    """The address with scheme and host where the context holds a request, else the path alone."""
    request = context.get("request")
    return path if request is None else str(request.build_absolute_uri(path))


def _amount(amount: Decimal | None, currency: str) -> str | None:
    return None if amount is None else format(in_decimals_of(amount, currency), "f")
