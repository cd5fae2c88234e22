"""Records of what is worn together: counts over photos, made anew from time to time (`search.recommendations`)."""

from __future__ import annotations

from django.db import models

from catalog.models import Retailer


class SeenTogether(models.Model):
    """In how many photos two kinds of garments were seen together.

    A kind is a category, in one color or (`color_name` empty) in any. Every pair stands in both directions; a kind
    beside itself stands for all photos that show it, and category -1 beside itself for all photos that were counted.
    """

    class Source(models.TextChoices):
        """Whose photos."""

        CATALOG = "catalog", "photos of products on sale"
        SEARCHES = "searches", "shoppers' photos"

    retailer = models.ForeignKey(
        Retailer,
        on_delete=models.CASCADE,
        null=True,
        related_name="+",
        help_text="whose catalog, or in whose catalog it was searched; null: searches in all",
    )
    source = models.CharField(max_length=8, choices=Source.choices)
    category_id = models.SmallIntegerField()
    color_name = models.CharField(max_length=40, blank=True, default="")
    other_category_id = models.SmallIntegerField()
    other_color_name = models.CharField(max_length=40, blank=True, default="")
    n_photos = models.PositiveIntegerField()
    counted_at = models.DateTimeField()

    class Meta:
        """Constraints and indexes."""

        indexes = [models.Index(fields=["retailer", "category_id", "color_name"], name="seen_together_by_kind")]

    def __str__(self) -> str:
        return f"{self.category_id} {self.color_name} with {self.other_category_id} {self.other_color_name}"
