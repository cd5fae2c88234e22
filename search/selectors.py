"""Reads: which images are due for description, what belongs into the index, whose garment a vector is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import TypeVar

import numpy as np
from django.db.models import Exists, F, Min, OuterRef, Q, QuerySet, Value
from django.db.models.lookups import Exact
from numpy.typing import NDArray

from catalog.models import Availability, Product, ProductImage, Retailer
from search.filters import Filters
from search.models import Garment, ImageDescription, Space
from search.stock import sizes_in_stock
from segmentation.types import Embedding

IDS_A_QUERY = 900
"""SQLite once took at most 999 parameters a statement, and Django keeps to it."""

IDS_A_WINDOW = 4096
"""All garments are read by ranges of their ids: bounded work and memory a query, whatever their number."""

EMBEDDING_DTYPE = np.dtype("<f4")
"""How vectors of record are stored, whatever the machine."""

EVERYTHING = Filters()

_Item = TypeVar("_Item")


@dataclass(frozen=True, slots=True)
class GarmentSource:
    """The product behind a garment in the index, as far as ranking needs it."""

    product_id: int
    category_id: int | None
    retailer_id: int
    item_group_id: str
    """Joins a retailer's variants; empty for a product that has none."""
    is_in_stock: bool
    color: str = ""
    """In the retailer's words."""


def due_images(space: Space, retailer: Retailer | None = None) -> QuerySet[ProductImage]:
    """Images of products for sale whose present file was not described in this space yet, oldest first.

    This is a reconciliation, not a flag: a new model is a new space, so everything is due by the same query, a changed
    file is due again, and a lost task heals itself on the next run. Failures are remembered and not due.
    """
    described = ImageDescription.objects.filter(image=OuterRef("pk"), space=space, image_sha256=OuterRef("sha256"))
    images = ProductImage.objects.filter(
        ~Exists(described), status=ProductImage.Status.OK, product__withdrawn_at__isnull=True
    ).order_by("pk")
    return images if retailer is None else images.filter(product__retailer=retailer)


def indexable_garments(space: Space, among: Q | None = None) -> QuerySet[Garment]:
    """Garments whose vectors belong into the space's index: what is for sale, seen in the image as it is now.

    Args:
        space: The space.
        among: Only these, by their own keys or those of their products and images: few of all there are.
    """
    garments = Garment.objects.filter(
        is_product=True,
        description__state=ImageDescription.State.OK,
        description__image_sha256=F("description__image__sha256"),
        product__withdrawn_at__isnull=True,
    )
    if among is None:
        return garments.filter(description__space=space)
    # Added to 0 it is no key: SQLite would begin with all descriptions of the space, where few garments are asked for.
    return garments.filter(among, Exact(F("description__space_id") + Value(0), space.pk))


def garment_sources(garment_ids: Iterable[int], filters: Filters = EVERYTHING) -> dict[int, GarmentSource]:
    """Looks up the products behind vectors, as they are now.

    Args:
        garment_ids: Ids the index returned.
        filters: What the products must be; what was withdrawn, deleted, sold out or repriced beyond them meanwhile is
            missing from the answer. Where they must be in stock, a size that is stands for one that is sold out.
    """
    sources: dict[int, GarmentSource] = {}
    condition = filters.garments()
    for ids in chunked(sorted(set(garment_ids)), IDS_A_QUERY):
        rows = Garment.objects.filter(condition, pk__in=ids).values_list(
            "pk",
            "product_id",
            "category_id",
            "product__retailer_id",
            "product__item_group_id",
            "product__availability",
            "product__color",
        )
        for pk, product_id, category_id, retailer_id, group, availability, color in rows:
            in_stock = availability == Availability.IN_STOCK
            sources[pk] = GarmentSource(product_id, category_id, retailer_id, group, in_stock, color)
    return _in_stock(sources, filters) if filters.in_stock else sources


def _in_stock(sources: dict[int, GarmentSource], filters: Filters) -> dict[int, GarmentSource]:
    """Puts a size that can be bought in the place of each one that is sold out."""
    sold_out = {source.product_id for source in sources.values() if not source.is_in_stock}
    stand_ins: dict[int, int] = {}
    for ids in chunked(sorted(sold_out), IDS_A_QUERY):
        stand_ins |= sizes_in_stock(ids, filters.offers())
    return {
        pk: source if source.is_in_stock else replace(source, product_id=stand_ins[source.product_id], is_in_stock=True)
        for pk, source in sources.items()
        if source.is_in_stock or source.product_id in stand_ins
    }


def matched_images(garment_ids: Iterable[int]) -> dict[int, str]:
    """The image each garment was seen in, as a file name below MEDIA_ROOT."""
    files: dict[int, str] = {}
    for ids in chunked(sorted(set(garment_ids)), IDS_A_QUERY):
        files.update(Garment.objects.filter(pk__in=ids).values_list("pk", "description__image__file"))
    return files


def color_histograms(garment_ids: Iterable[int]) -> dict[int, dict[str, float]]:
    """The share of each color in garments, by garment; those described before colors were counted are left out."""
    histograms: dict[int, dict[str, float]] = {}
    for ids in chunked(sorted(set(garment_ids)), IDS_A_QUERY):
        known = Garment.objects.filter(pk__in=ids, color_histogram__isnull=False)
        histograms.update({pk: dict(shares) for pk, shares in known.values_list("pk", "color_histogram") if shares})
    return histograms


def stored_embeddings(garment_ids: Iterable[int]) -> dict[int, Embedding]:
    """The vectors of record of garments; those deleted meanwhile are left out."""
    vectors: dict[int, Embedding] = {}
    for ids in chunked(sorted(set(garment_ids)), IDS_A_QUERY):
        rows = Garment.objects.filter(pk__in=ids).values_list("pk", "embedding")
        vectors.update({pk: read_embedding(stored) for pk, stored in rows})
    return vectors


def id_windows() -> Iterator[tuple[int, int]]:
    """Ranges of garments' ids, lower end included, upper not, that cover all garments; wide gaps are leapt over."""
    low = 0
    while True:
        smallest = Garment.objects.filter(pk__gte=low).aggregate(smallest=Min("pk"))["smallest"]
        if smallest is None:
            return
        low = smallest + IDS_A_WINDOW
        yield smallest, low


def product_garments(product: Product, space: str) -> list[Garment]:
    """The garments of a product's images that are the product itself, in a stable order."""
    garments = Garment.objects.filter(
        is_product=True,
        description__space__name=space,
        description__state=ImageDescription.State.OK,
        product=product,
    )
    return list(garments.defer("mask").order_by("description__image__position", "position"))


def read_embedding(stored: bytes | memoryview) -> Embedding:
    """A vector of record as numpy has it: float32 (dim,), unit length. PostgreSQL hands out memoryviews."""
    vector: NDArray[np.float32] = np.frombuffer(stored, dtype=EMBEDDING_DTYPE).astype(np.float32)
    return vector


def chunked(items: Iterable[_Item], size: int) -> Iterator[Sequence[_Item]]:
    """Cuts ids, or what they stand for, into lists of at most `size`.

    >>> list(chunked([1, 2, 3], 2))
    [[1, 2], [3]]
    """
    iterator = iter(items)
    while chunk := list(islice(iterator, size)):
        yield chunk
