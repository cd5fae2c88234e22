"""Records of what shoppers searched for, and of what they did with the answers."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.core.files.storage import FileSystemStorage
from django.db import models

from catalog import limits
from catalog.models import Product, Retailer
from search.models.seen import Space


def query_photo_storage() -> FileSystemStorage:
    """Where shoppers' photos lie: never in the media folder, which is served."""
    return FileSystemStorage(
        settings.SELVEDGE_QUERY_PHOTOS_DIR, file_permissions_mode=0o600, directory_permissions_mode=0o700
    )


class SearchLog(models.Model):
    """One photo search, without the photo."""

    class Source(models.TextChoices):
        """What a search came with."""

        UPLOAD = "upload"
        IMAGE_URL = "image_url"
        IMAGE_ID = "image_id"
        PRODUCT = "product"

    search_id = models.UUIDField(unique=True)
    created_at = models.DateTimeField(db_index=True)
    retailer = models.ForeignKey(Retailer, on_delete=models.CASCADE, null=True, related_name="searches")
    space = models.ForeignKey(Space, on_delete=models.CASCADE, related_name="searches")
    segmenter_version = models.CharField(max_length=200)
    n_garments = models.PositiveSmallIntegerField()
    source = models.CharField(
        max_length=10,
        choices=Source.choices,
        default=Source.UPLOAD,
        help_text="of what was searched for",
    )
    image_id = models.UUIDField(
        null=True, blank=True, db_index=True, help_text="that the answer gave to ask again with"
    )
    has_match = models.BooleanField(null=True, blank=True, help_text="whether any garment had a good match")

    class Meta:
        """Constraints and indexes."""

        indexes = [models.Index(fields=["retailer", "created_at"], name="search_by_retailer_and_time")]

    def __str__(self) -> str:
        return str(self.search_id)


class SearchedGarment(models.Model):
    """One garment a shopper's photo showed and the search answered."""

    search = models.ForeignKey(SearchLog, on_delete=models.CASCADE, related_name="garments")
    category_id = models.SmallIntegerField(null=True)
    score = models.FloatField()
    color_name = models.CharField(max_length=40)
    verdict = models.CharField(
        max_length=10,
        blank=True,
        default="",
        help_text="of the nearest product that the search allowed: exact, similar or none; empty: not recorded",
    )

    class Meta:
        """Constraints and indexes."""

        indexes = [models.Index(fields=["category_id"], name="searched_by_category")]

    def __str__(self) -> str:
        return f"category {self.category_id} in search {self.search_id}"


class QueryImage(models.Model):
    """What the model saw in a shopper's photo, kept for a while so that it can be asked again. Not the photo."""

    image_id = models.UUIDField(unique=True, default=uuid.uuid4)
    retailer = models.ForeignKey(
        Retailer, on_delete=models.CASCADE, null=True, blank=True, related_name="+", help_text="who may ask with it"
    )
    space = models.ForeignKey(Space, on_delete=models.CASCADE, related_name="query_images")
    description = models.BinaryField(help_text="as `workers.codec` packs a photo's description")
    photo = models.FileField(
        storage=query_photo_storage,
        blank=True,
        default="",
        help_text="only where a setting asks to keep it; never metadata",
    )
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return str(self.image_id)


class Event(models.Model):
    """What a shopper did with an answer."""

    class Kind(models.TextChoices):
        """From a look to a sale."""

        VIEW = "view"
        CLICK = "click"
        CART = "cart"
        PURCHASE = "purchase"

    retailer = models.ForeignKey(Retailer, on_delete=models.CASCADE, related_name="events")
    event_id = models.CharField(max_length=64, help_text="the client's own: the same one twice counts once")
    kind = models.CharField(max_length=8, choices=Kind.choices)
    search = models.ForeignKey(SearchLog, on_delete=models.CASCADE, null=True, blank=True, related_name="events")
    product = models.ForeignKey(Product, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    external_id = models.CharField("product id", max_length=limits.ID_CHARS)
    object_id = models.PositiveSmallIntegerField(null=True, blank=True, help_text="of the photo's garments")
    rank = models.PositiveSmallIntegerField(null=True, blank=True, help_text="of the product in its list, from 1")
    quantity = models.PositiveIntegerField(default=1)
    value = models.DecimalField(
        max_digits=limits.PRICE_DIGITS, decimal_places=limits.PRICE_DECIMALS, null=True, blank=True
    )
    currency = models.CharField(max_length=3, blank=True, default="")
    occurred_at = models.DateTimeField(db_index=True)
    received_at = models.DateTimeField()

    class Meta:
        """Constraints and indexes."""

        constraints = [models.UniqueConstraint(fields=["retailer", "event_id"], name="one_event_per_retailer_and_id")]
        indexes = [
            models.Index(fields=["retailer", "kind", "occurred_at"], name="event_by_kind_and_time"),
            models.Index(fields=["kind", "occurred_at"], name="event_of_all_by_kind"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.external_id}"
