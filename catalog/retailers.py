"""Retailers come and go: made, renamed, removed with all that is theirs."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.core.validators import validate_slug
from django.db import IntegrityError, transaction

from catalog.access.audit import storable
from catalog.errors import InvalidRetailer, RetailerExists
from catalog.models import Product, ProductImage, Retailer
from catalog.unused_files import files_of, remove_unused
from catalog.upkeep import Changing

PRODUCTS_A_TRANSACTION = 500


def create_retailer(slug: str, name: str) -> Retailer:
    """Makes a retailer.

    Args:
        slug: Its short name, for good: addresses hold it.
        name: As people call it.

    Raises:
        InvalidRetailer: The slug holds more than letters, digits, hyphens and underscores, or over 50 of them.
        RetailerExists: There is one of this slug.
    """
    try:
        validate_slug(slug)
    except ValidationError as error:
        raise InvalidRetailer(f'"{storable(slug)[:60]}": use letters, digits, hyphens and underscores') from error
    longest = Retailer._meta.get_field("slug").max_length
    if longest is not None and len(slug) > longest:
        raise InvalidRetailer(f"the slug has {len(slug)} characters; at most {longest} are allowed")
    try:
        with transaction.atomic():
            return Retailer.objects.create(slug=slug, name=name)
    except IntegrityError as error:
        raise RetailerExists(f'there is a retailer "{slug}" already') from error


def rename_retailer(retailer: Retailer, name: str) -> Retailer:
    """Gives it another name for people; the slug stays."""
    retailer.name = name
    retailer.save(update_fields=["name"])
    return retailer


def delete_retailer(retailer: Retailer, *, changing: Changing) -> int:
    """Removes a retailer and all that is its own: products, images, keys, imports, webhooks, events.

    Products go in portions, so that it is bounded in memory; one that is interrupted is repeated.

    Args:
        retailer: Which.
        changing: Entered around every portion, with the products' keys.

    Returns:
        How many products there were.
    """
    n_deleted = 0
    products = Product.objects.filter(retailer=retailer).order_by("pk")
    while product_ids := list(products.values_list("pk", flat=True)[:PRODUCTS_A_TRANSACTION]):
        delete_products(product_ids, changing=changing)
        n_deleted += len(product_ids)
    retailer.delete()
    return n_deleted


def delete_products(product_ids: list[int], *, changing: Changing) -> None:
    """Deletes products with their images, and the copies that nobody else uses."""
    files = files_of(ProductImage.objects.filter(product__in=product_ids).only("file"))
    with transaction.atomic(), changing(product_ids):
        Product.objects.filter(pk__in=product_ids).delete()
        transaction.on_commit(lambda: remove_unused(files))
