"""Records of what was seen in catalog photos, and of the spaces it was seen in.

The vectors of record live here; the index is a cache of the garments with `is_product`, and a garment's primary key
is its vector's id.
"""

from __future__ import annotations

from django.db import models

from catalog.models import Product, ProductImage
from segmentation.types import BoxXyxyPx


class Space(models.Model):
    """One embedding space: vectors of different spaces must never be compared."""

    class State(models.TextChoices):
        """What a space is for."""

        NEW = "new", "being built, or waiting to be promoted"
        SERVING = "serving", "answers searches"
        RETIRED = "retired", "answered searches once; kept to go back to"

    name = models.CharField(max_length=200, unique=True, help_text="{arch}-emb{dim}@{sha8 of the weights}")
    dim = models.PositiveIntegerField()
    created_at = models.DateTimeField(auto_now_add=True)
    segmenter_file = models.CharField(
        max_length=500, blank=True, default="", help_text="checkpoint that finds garments; empty: the configured one"
    )
    embedder_file = models.CharField(
        max_length=500, blank=True, default="", help_text="checkpoint that embeds them; empty: the configured one"
    )
    segmenter_version = models.CharField(max_length=200, blank=True, default="")
    embedder_version = models.CharField(max_length=200, blank=True, default="")
    state = models.CharField(max_length=10, choices=State.choices, default=State.NEW)
    promoted_at = models.DateTimeField(null=True, blank=True, help_text="when it last began to answer searches")
    calibration = models.JSONField(
        null=True, blank=True, help_text="overrides the checkpoint's: from similarity to probability, by category"
    )
    previous = models.ForeignKey(
        "self",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        help_text="the space that served before it: where rollback_space goes",
    )

    class Meta:
        """Constraints."""

        constraints = [
            # Retire the old one first, within the same transaction.
            models.UniqueConstraint(fields=["state"], condition=models.Q(state="serving"), name="one_serving_space"),
        ]

    def __str__(self) -> str:
        return self.name


class ImageDescription(models.Model):
    """What one model saw in one catalog photo, or why it saw nothing."""

    class State(models.TextChoices):
        """Whether the photo could be described."""

        OK = "ok"
        FAILED = "failed"

    image = models.ForeignKey(ProductImage, on_delete=models.CASCADE, related_name="descriptions")
    space = models.ForeignKey(Space, on_delete=models.CASCADE, related_name="descriptions")
    image_sha256 = models.CharField(max_length=64, help_text="the file that was described; another one is due again")
    state = models.CharField(max_length=10, choices=State.choices)
    error_code = models.CharField(max_length=40, blank=True, default="")
    error = models.TextField(blank=True, default="")
    width_px = models.PositiveIntegerField(default=0)
    height_px = models.PositiveIntegerField(default=0)
    segmenter_version = models.CharField(max_length=200, blank=True, default="")
    product_category_ids = models.JSONField(
        null=True, default=None, help_text="what the feed's text said the product is when is_product was chosen"
    )
    described_at = models.DateTimeField()

    class Meta:
        """Constraints and indexes."""

        constraints = [models.UniqueConstraint(fields=["image", "space"], name="one_description_per_image_and_space")]
        indexes = [models.Index(fields=["space", "described_at"], name="description_by_day")]

    def __str__(self) -> str:
        return f"image {self.image_id} in space {self.space_id}: {self.state}"


class Garment(models.Model):
    """One garment of a catalog photo, or (`category_id` null) the photo as a whole.

    Every photo keeps all its garments and the whole; `is_product` says which of them are what is for sale.
    """

    description = models.ForeignKey(ImageDescription, on_delete=models.CASCADE, related_name="garments")
    product = models.ForeignKey(
        Product,
        on_delete=models.CASCADE,
        related_name="garments",
        help_text="that of the description's image: a search joins thousands of these, so it is one step away",
    )
    position = models.PositiveSmallIntegerField()
    category_id = models.SmallIntegerField(null=True)
    score = models.FloatField()
    x_min_px = models.FloatField()
    y_min_px = models.FloatField()
    x_max_px = models.FloatField()
    y_max_px = models.FloatField()
    mask = models.JSONField(null=True, help_text="COCO run lengths: {size: [h, w], counts}")
    color_name = models.CharField(max_length=40)
    color_hex = models.CharField(max_length=7)
    color_histogram = models.JSONField(null=True, blank=True, help_text="{color name: share of the garment's pixels}")
    embedding = models.BinaryField(help_text="float32, little-endian, unit length, Space.dim values")
    is_product = models.BooleanField()

    class Meta:
        """Constraints and indexes."""

        constraints = [models.UniqueConstraint(fields=["description", "position"], name="one_garment_per_position")]
        indexes = [models.Index(fields=["is_product", "category_id"], name="product_garments_by_category")]

    def __str__(self) -> str:
        return f"garment {self.pk} (category {self.category_id})"

    @property
    def box_xyxy_px(self) -> BoxXyxyPx:
        """The box as the vision room writes it."""
        return (self.x_min_px, self.y_min_px, self.x_max_px, self.y_max_px)
