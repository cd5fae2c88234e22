"""Reads of the catalog. Withdrawn products are never among the answers."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce

from catalog.errors import ProductNotFound, RetailerNotFound
from catalog.models import Product, Retailer

MAX_KEY = 2**63 - 1


def retailers(only: Retailer | None = None) -> QuerySet[Retailer]:
    """Retailers by slug, each with `n_products`, its number of products on sale; one of them, or all."""
    # Counted for those that are shown, not for all.
    sold = Product.objects.filter(retailer=OuterRef("pk"), withdrawn_at=None).order_by()
    counted = Coalesce(Subquery(sold.values("retailer").annotate(n=Count("pk")).values("n")), 0)
    found = Retailer.objects.annotate(n_products=counted).order_by("slug")
    return found if only is None else found.filter(pk=only.pk)


def get_retailer(slug: str) -> Retailer:
    """The retailer with this slug.

    Raises:
        RetailerNotFound: There is none.
    """
    retailer = Retailer.objects.filter(slug=slug).first()
    if retailer is None:
        raise RetailerNotFound(f'there is no retailer "{slug}"')
    return retailer


def products_by_key(keys: Iterable[int]) -> dict[int, Product]:
    """Products by primary key, with retailer and images loaded along; unknown and withdrawn ones are left out."""
    return on_sale().in_bulk(list(keys))


def get_product(reference: str, retailer_slug: str | None = None, *, also_withdrawn: bool = False) -> Product:
    """One product, by our key, or by its retailer's own id where the retailer is named.

    Args:
        reference: The key or id.
        retailer_slug: Whose id it is.
        also_withdrawn: Find it, too, where it is not on sale any more.

    Raises:
        RetailerNotFound: No retailer has this slug.
        ProductNotFound: No product on sale has this id.
    """
    products = _with_images() if also_withdrawn else on_sale()
    if retailer_slug is not None:
        retailer = get_retailer(retailer_slug)
        # PostgreSQL refuses the question whether a text with NUL exists.
        found = None if "\0" in reference else products.filter(retailer=retailer, external_id=reference).first()
        if found is None:
            raise ProductNotFound(f'retailer "{retailer_slug}" has no product "{reference}"')
        return found
    if not (reference.isascii() and reference.isdecimal()):
        raise ProductNotFound(f'"{reference}" is not a product key; name the retailer to use its own product id')
    key = int(reference) if len(reference) <= len(str(MAX_KEY)) else MAX_KEY
    found = products.filter(pk=min(key, MAX_KEY)).first()
    if found is None:
        raise ProductNotFound(f"there is no product {reference}")
    return found


def on_sale() -> QuerySet[Product]:
    """Products not withdrawn, with their retailer and images loaded along."""
    return _with_images().filter(withdrawn_at=None)


def _with_images() -> QuerySet[Product]:
    return Product.objects.select_related("retailer").prefetch_related("images")
