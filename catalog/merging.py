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
from catalog.upserting import upsert

ROW_FIELDS = tuple(name for name in FeedRow.__dataclass_fields__ if name not in {"line", "image_links", "extra"})
"""Taken from a row to a product under the same name."""
PRODUCT_FIELDS = (*(name for name in ROW_FIELDS if name != "external_id"), "extra", "content_hash")
PRODUCT_UPDATES = (*PRODUCT_FIELDS, "withdrawn_at", "updated_at")


@dataclass(frozen=True, slots=True)
class KnownProduct:
    """What an import has to know of a product's record; the rest of it stays in the database."""

    pk: int
    content_hash: str
    is_withdrawn: bool
    images: list[ProductImage] = field(default_factory=list)


@dataclass(slots=True)
class Merge:
    """What one row does to the records."""

    row: FeedRow
    known: KnownProduct | None
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

    @property
    def kind(self) -> str:
        """What the row counts as: new, changed, unchanged, or failed where an image could not be taken over."""
        if self.errors:
            return "failed"
        if self.known is None:
            return "new"
        return "changed" if self.is_changed else "unchanged"


def known_products(external_ids: Sequence[str], retailer: Retailer | None) -> dict[str, KnownProduct]:
    """What is known of these products, by their ids; two queries whatever their number."""
    if retailer is None:
        return {}
    found = Product.objects.filter(retailer=retailer, external_id__in=external_ids)
    by_id: dict[str, KnownProduct] = {}
    by_pk: dict[int, KnownProduct] = {}
    for pk, external_id, content_hash, withdrawn_at in found.values_list(
        "pk", "external_id", "content_hash", "withdrawn_at"
    ):
        by_pk[pk] = by_id[external_id] = KnownProduct(pk, content_hash, withdrawn_at is not None)
    for image in ProductImage.objects.filter(product__in=list(by_pk)):
        by_pk[image.product_id].images.append(image)
    return by_id


def plan_row(row: FeedRow, known: KnownProduct | None, source: ImageSource, *, store: bool) -> Merge:
    """What this row changes. Nothing is written, but (with `store`) copies of new image files.

    Args:
        row: The row.
        known: What the records say.
        source: Where image files lie.
        store: Copy new image files into the media folder.
    """
    merge = Merge(row, known)
    content_hash = hash_content(row)
    if known is None or known.content_hash != content_hash or known.is_withdrawn:
        values = {name: getattr(row, name) for name in ROW_FIELDS}
        merge.product = Product(**values, extra=dict(row.extra or {}), content_hash=content_hash)
        merge.is_changed = True
    known_images = {} if known is None else {image.position: image for image in known.images}
    good = {image.source: image for image in known_images.values() if image.status == ProductImage.Status.OK}
    for position, link in enumerate(row.image_links):
        planned = plan_image(link, known_images.pop(position, None), source, good, store=store)
        merge.is_changed |= planned.is_changed
        if planned.image is not None:
            planned.image.position = position
            merge.images.append(planned.image)
        if planned.error:
            column = "image_link" if position == 0 else "additional_image_link"
            merge.errors.append(FeedRowError(row.line, column, planned.error, row.external_id))
    merge.surplus = [image for image in known_images.values() if not image.source.startswith(images.UPLOADED)]
    merge.is_changed |= bool(merge.surplus)
    return merge


def write_merges(merges: Sequence[Merge], retailer: Retailer) -> None:
    """Write all that the rows changed, in one transaction; nothing is written where nothing changed.

    Upserts by natural key, so an import of the same rows at the same time ends in the same records.

    Raises:
        IntegrityError: A product was deleted since the rows were planned; nothing was written.
    """
    products = [merge.product for merge in merges if merge.product is not None]
    new_images = [image for merge in merges for image in merge.images]
    surplus = [image.pk for merge in merges for image in merge.surplus]
    if not (products or new_images or surplus):
        return
    with transaction.atomic():
        for product in products:
            product.retailer = retailer
        upsert(products, ["retailer", "external_id"], PRODUCT_UPDATES)
        _link_images(merges, retailer)
        upsert(new_images, ["product", "position"], IMAGE_UPDATES)
        if surplus:
            ProductImage.objects.filter(pk__in=surplus).delete()


def hash_content(row: FeedRow) -> str:
    """SHA-256 (hex) of all the row says about its product; images are compared by themselves."""
    content: dict[str, Any] = {name: getattr(row, name) for name in ROW_FIELDS}
    content["extra"] = dict(row.extra or {})
    return hashlib.sha256(json.dumps(content, default=str, sort_keys=True).encode()).hexdigest()


def _link_images(merges: Sequence[Merge], retailer: Retailer) -> None:
    """Name each new image's product, by the key that the database gave it."""
    new = [merge.row.external_id for merge in merges if merge.known is None]
    keys = dict(Product.objects.filter(retailer=retailer, external_id__in=new).values_list("external_id", "pk"))
    for merge in merges:
        for image in merge.images:
            image.product_id = keys[merge.row.external_id] if merge.known is None else merge.known.pk
