"""A product's images one by one: added, moved, deleted."""

from __future__ import annotations

from django.db import transaction
from django.db.models import F

from catalog.errors import ImageNotFound, TooManyImages
from catalog.images import take_link, take_upload
from catalog.limits import ADDITIONAL_IMAGES
from catalog.models import Product, ProductImage
from catalog.unused_files import files_of, remove_unused
from catalog.upkeep import Upkeep

MAX_IMAGES = ADDITIONAL_IMAGES + 1
_ASIDE = 10_000
"""Added to positions while they are dealt out anew: no two images share one even for a moment."""


def add_image(product: Product, image: bytes | str, position: int | None, *, upkeep: Upkeep) -> ProductImage:
    """Adds an image to a product, at a place among the others or behind them.

    Args:
        product: Whose.
        image: A file's bytes, or a web address.
        position: 0 is the main image; those from there on move back. None: the last.
        upkeep: Who follows; an address is fetched, a file described, soon after.

    Raises:
        ImageRefused: It is no image, or no web address that would be fetched.
        StorageUnavailable: It cannot be stored now.
        TooManyImages: There are `MAX_IMAGES`.
    """
    with transaction.atomic(), upkeep.changing([product.pk]):
        others = _locked(product)
        if len(others) >= MAX_IMAGES:
            raise TooManyImages(f"the product has {len(others)} images; at most {MAX_IMAGES} are allowed")
        added = take_upload(product, image) if isinstance(image, bytes) else take_link(product, image)
        if position is not None:
            others.insert(position, added)
            _deal_out(product, others)
            added.refresh_from_db()
        _touch(product)
        transaction.on_commit(lambda: upkeep.images_came([product.pk]))
        return added


def move_image(product: Product, image_id: int, position: int, *, upkeep: Upkeep) -> ProductImage:
    """Puts an image at another place; the others keep their order.

    Raises:
        ImageNotFound: The product has no such image.
    """
    with transaction.atomic(), upkeep.changing([product.pk]):
        images = _locked(product)
        moved = _find(images, image_id)
        images.remove(moved)
        images.insert(position, moved)
        _deal_out(product, images)
        _touch(product)
        moved.refresh_from_db()
        return moved


def delete_image(product: Product, image_id: int, *, upkeep: Upkeep) -> None:
    """Deletes an image; the next one takes its place.

    Raises:
        ImageNotFound: The product has no such image.
    """
    with transaction.atomic(), upkeep.changing([product.pk]):
        images = _locked(product)
        gone = _find(images, image_id)
        images.remove(gone)
        files = files_of([gone])
        gone.delete()
        _deal_out(product, images)
        _touch(product)
        transaction.on_commit(lambda: remove_unused(files))


def get_image(product: Product, image_id: int) -> ProductImage:
    """One image of a product.

    Raises:
        ImageNotFound: It has no such image.
    """
    return _find(list(product.images.all()), image_id)


def _locked(product: Product) -> list[ProductImage]:
    # The product is locked, not its images: two who add one at a time shall not take the same place.
    Product.objects.select_for_update().get(pk=product.pk)
    return list(ProductImage.objects.filter(product=product).order_by("position"))


def _find(images: list[ProductImage], image_id: int) -> ProductImage:
    found = next((image for image in images if image.pk == image_id), None)
    if found is None:
        raise ImageNotFound(f"the product has no image {image_id}")
    return found


def _deal_out(product: Product, images: list[ProductImage]) -> None:
    if [image.position for image in images] == list(range(len(images))):
        return
    ProductImage.objects.filter(product=product).update(position=F("position") + _ASIDE)
    for position, image in enumerate(images):
        image.position = position
    ProductImage.objects.bulk_update(images, ["position"])


def _touch(product: Product) -> None:
    """Those who ask for what was updated since are told of images, too."""
    product.save(update_fields=["updated_at"])
