"""Reads of the catalog. Withdrawn products are never among the answers."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import Count, Q, QuerySet

from catalog.errors import ProductNotFound, RetailerNotFound
from catalog.models import Availability, Product, Retailer

MAX_QUERY_WORDS = 10
MAX_KEY = 2**63 - 1


def retailers() -> QuerySet[Retailer]:
    """All retailers by slug, each with `n_products`, its number of products on sale."""
    on_sale = Count("products", filter=Q(products__withdrawn_at=None))
    return Retailer.objects.annotate(n_products=on_sale).order_by("slug")


def get_retailer(slug: str) -> Retailer:
    """The retailer with this slug.

    Raises:
        RetailerNotFound: There is none.
    """
    retailer = Retailer.objects.filter(slug=slug).first()
    if retailer is None:
        raise RetailerNotFound(f'there is no retailer "{slug}"')
    return retailer


def products(*, retailer_slug: str | None = None, query: str = "", in_stock: bool | None = None) -> QuerySet[Product]:
    """Products by key, with their retailer and images loaded along.

    Args:
        retailer_slug: Only this retailer's.
        query: Words that must all occur in title, brand or product id, in any case; the first ten count.
        in_stock: True: only what can be bought now; False: only what cannot; None: all.

    Raises:
        RetailerNotFound: No retailer has this slug.
    """
    found = on_sale().order_by("pk")
    if retailer_slug is not None:
        found = found.filter(retailer=get_retailer(retailer_slug))
    for word in query.split()[:MAX_QUERY_WORDS]:
        found = found.filter(Q(title__icontains=word) | Q(brand__icontains=word) | Q(external_id__icontains=word))
    if in_stock is not None:
        bought_now = Q(availability=Availability.IN_STOCK)
        found = found.filter(bought_now if in_stock else ~bought_now)
    return found


def products_by_key(keys: Iterable[int]) -> dict[int, Product]:
    """Products by primary key, with retailer and images loaded along; unknown and withdrawn ones are left out."""
    return on_sale().in_bulk(list(keys))


def get_product(reference: str, retailer_slug: str | None = None) -> Product:
    """One product, by our key, or by its retailer's own id where the retailer is named.

    Raises:
        RetailerNotFound: No retailer has this slug.
        ProductNotFound: No product on sale has this id.
    """
    if retailer_slug is not None:
        retailer = get_retailer(retailer_slug)
        # PostgreSQL refuses the question whether a text with NUL exists.
        found = None if "\0" in reference else on_sale().filter(retailer=retailer, external_id=reference).first()
        if found is None:
            raise ProductNotFound(f'retailer "{retailer_slug}" has no product "{reference}"')
        return found
    if not (reference.isascii() and reference.isdecimal()):
        raise ProductNotFound(f'"{reference}" is not a product key; name the retailer to use its own product id')
    key = int(reference) if len(reference) <= len(str(MAX_KEY)) else MAX_KEY
    found = on_sale().filter(pk=min(key, MAX_KEY)).first()
    if found is None:
        raise ProductNotFound(f"there is no product {reference}")
    return found


def on_sale() -> QuerySet[Product]:
    """Products not withdrawn, with their retailer and images loaded along."""
    return Product.objects.filter(withdrawn_at=None).select_related("retailer").prefetch_related("images")
