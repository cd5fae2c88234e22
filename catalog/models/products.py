"""Records of what is sold: retailers, their products, and the products' images."""

from __future__ import annotations

from decimal import Decimal

from django.db import models
from django.db.models.functions import Upper

from catalog import limits
from catalog.money import lower_price


class Retailer(models.Model):
    """A shop whose catalog is searched."""

    slug = models.SlugField(max_length=50, unique=True)
    name = models.CharField(max_length=200)

    class Meta:
        ordering = ["slug"]

    def __str__(self) -> str:
        return self.slug


class Availability(models.TextChoices):
    """Whether a product can be bought now, in Google Merchant's words."""

    IN_STOCK = "in_stock", "in stock"
    OUT_OF_STOCK = "out_of_stock", "out of stock"
    PREORDER = "preorder", "preorder"
    BACKORDER = "backorder", "backorder"


class Product(models.Model):
    """One article of one retailer, as its feed tells it. The natural key is retailer and `external_id`."""

    retailer = models.ForeignKey(Retailer, on_delete=models.CASCADE, related_name="products")
    external_id = models.CharField("product id", max_length=limits.ID_CHARS, help_text="the retailer's own id")
    title = models.CharField(max_length=limits.TITLE_CHARS)
    description = models.TextField(blank=True, default="")
    link = models.CharField(max_length=limits.LINK_CHARS, blank=True, default="")
    brand = models.CharField(max_length=limits.BRAND_CHARS, blank=True, default="")
    price = models.DecimalField(max_digits=limits.PRICE_DIGITS, decimal_places=limits.PRICE_DECIMALS, null=True)
    sale_price = models.DecimalField(
        max_digits=limits.PRICE_DIGITS, decimal_places=limits.PRICE_DECIMALS, null=True, blank=True
    )
    currency = models.CharField(max_length=3, blank=True, default="", help_text="ISO 4217, of both prices")
    availability = models.CharField(max_length=12, choices=Availability.choices)
    item_group_id = models.CharField(
        max_length=limits.ID_CHARS,
        blank=True,
        default="",
        help_text="joins variants that differ by size, color and so on",
    )
    color = models.CharField(max_length=limits.COLOR_CHARS, blank=True, default="")
    size = models.CharField(max_length=limits.SIZE_CHARS, blank=True, default="")
    gender = models.CharField(max_length=limits.GENDER_CHARS, blank=True, default="")
    age_group = models.CharField(max_length=limits.AGE_GROUP_CHARS, blank=True, default="")
    google_product_category = models.CharField(max_length=limits.CATEGORY_CHARS, blank=True, default="")
    product_type = models.CharField(max_length=limits.CATEGORY_CHARS, blank=True, default="")
    material = models.CharField(max_length=limits.MATERIAL_CHARS, blank=True, default="")
    pattern = models.CharField(max_length=limits.PATTERN_CHARS, blank=True, default="")
    extra = models.JSONField(default=dict, blank=True, help_text="the feed's other columns, as written")
    content_hash = models.CharField(max_length=64, blank=True, default="", help_text="SHA-256 of all the feed said")
    withdrawn_at = models.DateTimeField(null=True, blank=True, help_text="when the retailer stopped selling it")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["retailer", "external_id"], name="one_product_per_retailer_and_id"),
        ]
        indexes = [
            models.Index(fields=["retailer", "item_group_id"], name="product_by_item_group"),
            # A page of a list begins at a key: read in order, whatever the size of the catalog.
            models.Index(fields=["retailer", "id"], condition=models.Q(withdrawn_at=None), name="product_on_sale"),
            models.Index("retailer", Upper("brand"), "id", name="product_by_brand"),
            models.Index(fields=["retailer", "updated_at"], name="product_by_change"),
        ]

    def __str__(self) -> str:
        return f"{self.external_id} {self.title}"

    @property
    def is_in_stock(self) -> bool:
        """Whether a shopper can buy it now (neither on preorder nor withdrawn)."""
        return self.availability == Availability.IN_STOCK and self.withdrawn_at is None

    @property
    def effective_price(self) -> Decimal | None:
        """What a shopper pays, in `currency`: the sale price where it is the lower one, else the price."""
        return lower_price(self.price, self.sale_price)

    @property
    def primary_image(self) -> ProductImage | None:
        """The first image that is stored. Prefetch `images` before asking many products."""
        return next((image for image in self.images.all() if image.status == ProductImage.Status.OK), None)


class ProductImage(models.Model):
    """One image of a product: where the feed says it is, and our copy named by its content."""

    class Status(models.TextChoices):
        """Whether there is a copy."""

        PENDING = "pending", "not taken over yet"
        OK = "ok", "stored"
        FAILED = "failed", "failed"

    product = models.ForeignKey(Product, on_delete=models.CASCADE, related_name="images")
    position = models.PositiveSmallIntegerField(help_text="0 is the main image")
    source = models.CharField(max_length=limits.LINK_CHARS, help_text="the link as written in the feed")
    file = models.FileField(blank=True, default="", help_text="catalog/ab/<sha256>.<type> in the media folder")
    sha256 = models.CharField(max_length=64, blank=True, default="")
    source_size = models.BigIntegerField(default=0, help_text="bytes")
    source_mtime_ns = models.BigIntegerField(default=0, help_text="nanoseconds since 1970")
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.PENDING)
    error = models.CharField(max_length=500, blank=True, default="")
    error_code = models.CharField(max_length=40, blank=True, default="", help_text="a stable word for programs")
    n_attempts = models.PositiveSmallIntegerField(default=0, help_text="fetches that failed since it last succeeded")
    next_attempt_at = models.DateTimeField(
        null=True, blank=True, help_text="when fetching it is worth another try; none: never by itself"
    )

    class Meta:
        ordering = ["product_id", "position"]
        constraints = [models.UniqueConstraint(fields=["product", "position"], name="one_image_per_position")]
        indexes = [
            models.Index(fields=["status", "next_attempt_at"], name="image_by_status_and_time"),
            models.Index(fields=["sha256"], name="image_by_content"),
        ]

    def __str__(self) -> str:
        return f"{self.source} ({self.status})"
