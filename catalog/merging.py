"""Feed rows against the records: what each row changes, and one transaction that writes it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction

from catalog import images
from catalog.feeds.rows import FeedRow, FeedRowError
from catalog.image_planning import IMAGE_UPDATES, plan_image
from catalog.image_sources import ImageSource
from catalog.models import Product, ProductImage, Retailer

ROW_FIELDS = tuple(name for name in FeedRow.__dataclass_fields__ if name not in {"line", "image_links", "extra"})
"""Taken from a row to a product under the same name."""
PRODUCT_FIELDS = (*(name for name in ROW_FIELDS if name != "external_id"), "extra", "content_hash")
PRODUCT_UPDATES = (*PRODUCT_FIELDS, "withdrawn_at", "updated_at")


@dataclass(slots=True)
class Merge:
    """What one row does to the records."""

    known: Product | None
    """The record before, or None for a new product."""
    product: Product | None = None
    """The record to write, or None where the feed says nothing new about it."""
    images: list[ProductImage] = field(default_factory=list)
    """The images to write."""
    surplus: list[ProductImage] = field(default_factory=list)
    """Known images the feed no longer names."""
    errors: list[FeedRowError] = field(default_factory=list)
    """One per image that could not be taken over."""
    is_changed: bool = False
    """Whether the product or an image differs; a mere new time stamp of an image file does not count."""


def plan_rows(rows: Sequence[FeedRow], retailer: Retailer | None) -> list[tuple[FeedRow, Product | None]]:
    """Each row with its record, images prefetched; two queries whatever the number of rows."""
    ids = [row.external_id for row in rows]
    known = Product.objects.filter(retailer=retailer, external_id__in=ids).prefetch_related("images")
    by_id = {product.external_id: product for product in known} if retailer is not None else {}
    return [(row, by_id.get(row.external_id)) for row in rows]


def plan_row(row: FeedRow, known: Product | None, source: ImageSource, *, store: bool) -> Merge:
    """What this row changes. Nothing is written, but (with `store`) copies of new image files.

    Args:
        row: The row.
        known: The product's record before, images prefetched.
        source: Where image files lie.
        store: Copy new image files into the media folder.
    """
    merge = Merge(known)
    content_hash = hash_content(row)
    if known is None or known.content_hash != content_hash or known.withdrawn_at is not None:
        values = {name: getattr(row, name) for name in ROW_FIELDS}
        merge.product = Product(**values, extra=dict(row.extra or {}), content_hash=content_hash)
        merge.is_changed = True
    known_images = {} if known is None else {image.position: image for image in known.images.all()}
    good = {image.source: image for image in known_images.values() if image.status == ProductImage.Status.OK}
    for position, link in enumerate(row.image_links):
        planned = plan_image(link, known_images.pop(position, None), source, good, store=store)
        merge.is_changed |= planned.is_changed
        if planned.image is not None:
            planned.image.position = position
            merge.images.append(planned.image)
        if planned.error:
            column = "image_link" if position == 0 else "additional_image_link"
            merge.errors.append(FeedRowError(row.line, column, planned.error))
    merge.surplus = [image for image in known_images.values() if not image.source.startswith(images.UPLOADED)]
    merge.is_changed |= bool(merge.surplus)
    return merge


def write_merges(merges: Sequence[Merge], retailer: Retailer) -> None:
    """Write all that the rows changed, in one transaction; nothing is written where nothing changed.

    Upserts by natural key, so an import of the same rows at the same time ends in the same records.
    """
    products = [merge.product for merge in merges if merge.product is not None]
    new_images = [image for merge in merges for image in merge.images]
    surplus = [image.pk for merge in merges for image in merge.surplus]
    if not (products or new_images or surplus):
        return
    with transaction.atomic():
        for product in products:
            product.retailer = retailer
        Product.objects.bulk_create(
            products, update_conflicts=True, unique_fields=["retailer", "external_id"], update_fields=PRODUCT_UPDATES
        )
        for merge in merges:
            product_id = _written_id(merge)
            for image in merge.images:
                image.product_id = product_id
        ProductImage.objects.bulk_create(
            new_images, update_conflicts=True, unique_fields=["product", "position"], update_fields=IMAGE_UPDATES
        )
        if surplus:
            ProductImage.objects.filter(pk__in=surplus).delete()


def hash_content(row: FeedRow) -> str:
    """SHA-256 (hex) of all the row says about its product; images are compared by themselves."""
    content: dict[str, Any] = {name: getattr(row, name) for name in ROW_FIELDS}
    content["extra"] = dict(row.extra or {})
    return hashlib.sha256(json.dumps(content, default=str, sort_keys=True).encode()).hexdigest()


def _written_id(merge: Merge) -> int:
    record = merge.known if merge.product is None else merge.product
    if record is None or record.pk is None:
        raise RuntimeError("the database returned no key for an upserted product")
    return record.pk
