"""Writes single products: made or replaced, changed, deleted. The index follows, and new images are fetched."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from catalog.access.audit import storable
from catalog.errors import ImageRefused, ProductNotFound
from catalog.feeds.rows import FeedRow
from catalog.image_sources import ImageFile
from catalog.merging import ROW_FIELDS, KnownProduct, Merge, plan_row, write_merges
from catalog.models import Product, ProductImage, Retailer
from catalog.products.rows import changed_row, whole_row
from catalog.retailers import delete_products
from catalog.unused_files import files_of, remove_unused
from catalog.upkeep import Upkeep


class _NoFiles:
    """A client's links start from no folder."""

    def locate(self, link: str) -> ImageFile:
        """Nothing is found."""
        raise ImageRefused("is no web address", "url_refused")

    def read(self, image: ImageFile) -> bytes:
        """Nothing can be read."""
        raise ImageRefused("is no web address", "url_refused")


NO_FILES = _NoFiles()
CheckKnown = Callable[[Product | None], None]


@dataclass(frozen=True, slots=True)
class Written:
    """What became of one product."""

    product_id: int
    is_new: bool
    is_changed: bool


def put_product(
    retailer: Retailer, product_id: str, values: Mapping[str, Any], *, upkeep: Upkeep, check: CheckKnown
) -> Written:
    """Makes a product, or replaces all that is known of one; its images too where links are given.

    Args:
        retailer: Whose.
        product_id: The retailer's own id.
        values: See `catalog.products.rows.whole_row`.
        upkeep: Who follows.
        check: Called with the product as it is on sale now, under a lock; what it raises is raised, nothing written.

    Raises:
        InvalidProduct: As `whole_row`.
    """
    row = whole_row(product_id, values)
    with transaction.atomic():
        known = known_product(retailer, product_id)
        check(known if known is not None and known.withdrawn_at is None else None)
        return write_row(row, known, retailer, keeps_images=values.get("image_links") is None, upkeep=upkeep)


def patch_product(product: Product, values: Mapping[str, Any], *, upkeep: Upkeep, check: CheckKnown) -> Written:
    """Changes what is given of a product on sale.

    Raises:
        InvalidProduct: As `changed_row`.
        ProductNotFound: It was deleted or withdrawn a moment ago.
    """
    with transaction.atomic():
        known = known_product(product.retailer, product.external_id)
        if known is None or known.withdrawn_at is not None:
            raise ProductNotFound(f'retailer "{product.retailer.slug}" has no product "{product.external_id}"')
        check(known)
        row = changed_row(known, values)
        return write_row(row, known, product.retailer, keeps_images=values.get("image_links") is None, upkeep=upkeep)


def delete_product(product: Product, *, upkeep: Upkeep, check: CheckKnown) -> None:
    """Deletes a product with its images. A feed that names it brings it back."""
    with transaction.atomic():
        check(known_product(product.retailer, product.external_id))
        delete_products([product.pk], changing=upkeep.changing)


def known_product(retailer: Retailer, product_id: str) -> Product | None:
    """A product, on sale or not, locked until the end of the transaction."""
    if storable(product_id) != product_id:
        return None
    locked = Product.objects.select_for_update(of=("self",)).select_related("retailer").prefetch_related("images")
    return locked.filter(retailer=retailer, external_id=product_id).first()


def write_row(
    row: FeedRow, known: Product | None, retailer: Retailer, *, keeps_images: bool, upkeep: Upkeep
) -> Written:
    """Writes one row; call it in a transaction."""
    merge = plan(row, known, keeps_images=keeps_images)
    with announced([merge], upkeep):
        write_merges([merge], retailer)
    [written] = finish([merge], retailer, upkeep)
    return written


def plan(row: FeedRow, known: Product | None, *, keeps_images: bool) -> Merge:
    """What a row changes; with `keeps_images` it says nothing of images."""
    merge = plan_row(row, None if known is None else _as_known(known, row), NO_FILES, store=False)
    if keeps_images:
        merge.surplus = []
        merge.is_changed = merge.product is not None
    return merge


def _as_known(product: Product, row: FeedRow) -> KnownProduct:
    # Compared as it is: what was edited by hand no longer is what its hash says.
    is_same = product.extra == (row.extra or {}) and all(
        getattr(product, name) == getattr(row, name) for name in ROW_FIELDS
    )
    content_hash = product.content_hash if is_same else ""
    return KnownProduct(product.pk, content_hash, product.withdrawn_at is not None, list(product.images.all()))


def announced(merges: list[Merge], upkeep: Upkeep) -> AbstractContextManager[None]:
    """What to write the merges in, so that others follow."""
    ids = [merge.known.pk for merge in merges if merge.known is not None and merge.is_changed]
    return upkeep.changing(ids) if ids else nullcontext()


def finish(merges: Sequence[Merge], retailer: Retailer, upkeep: Upkeep) -> list[Written]:
    """Has new images fetched and needless copies removed once all is committed; what became of each."""
    new = [merge.row.external_id for merge in merges if merge.known is None]
    keys = dict(Product.objects.filter(retailer=retailer, external_id__in=new).values_list("external_id", "pk"))
    written = [
        Written(
            keys[merge.row.external_id] if merge.known is None else merge.known.pk,
            merge.known is None,
            merge.is_changed,
        )
        for merge in merges
    ]
    pending = [
        one.product_id
        for one, merge in zip(written, merges, strict=True)
        if any(image.status == ProductImage.Status.PENDING for image in merge.images)
    ]
    if pending:
        transaction.on_commit(lambda: upkeep.images_came(pending))
    files = files_of(image for merge in merges for image in merge.surplus)
    if files:
        transaction.on_commit(lambda: remove_unused(files))
    return written
