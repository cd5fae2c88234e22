"""What every recommendation starts from: a product, what its photos showed, and the index."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from catalog.models import Product
from search.index.base import VectorIndex
from search.models import Garment
from search.nearest import open_index
from search.neighbours import Query
from search.queries import Lens, allowed_categories
from search.selectors import chunked, product_garments, read_embedding
from search.spaces import serving_space
from segmentation.checkpoint import SpaceInfo

MOST_NEIGHBOURS = 8192
"""Garments looked through, at most, where the index knows only a part of what is asked for."""

IDS_A_QUERY = 900


@dataclass(frozen=True, slots=True)
class Subject:
    """A product and its garments in the space that serves."""

    product: Product
    space: SpaceInfo
    index: VectorIndex
    garments: tuple[Garment, ...]
    """That are the product itself, without their masks; none where its images were not described yet."""

    def queries(self, lens: Lens, *, of_any_category: bool = False) -> list[Query]:
        """A query for each garment; categories that look like its own may answer, or any."""
        return [
            lens.query(
                read_embedding(garment.embedding),
                garment.category_id,
                None if of_any_category else allowed_categories(garment.category_id),
            )
            for garment in self.garments
        ]


def open_subject(product: Product) -> Subject:
    """Reads what is known of a product.

    Raises:
        IndexMissing, IndexDamaged, SpaceMismatch, IndexEmpty, UnsupportedIndexUrl: There is nothing to search.
        ModelMissing: No space serves yet, and the checkpoints that name one are missing.
    """
    space = serving_space()
    return Subject(product, space, open_index(space), tuple(product_garments(product, space.name)))


def find_among(references: Iterable[str], product: Product, *, by_own_id: bool) -> list[Product]:
    """Products of the same retailer by the ids a client knows them by; unknown ones are left out.

    Args:
        references: The ids.
        product: Whose retailer is meant.
        by_own_id: They are the retailer's own ids; else our keys.
    """
    # PostgreSQL refuses the question whether a text with NUL exists.
    wanted = sorted({reference for reference in references if "\0" not in reference})
    if not by_own_id:
        wanted = [each for each in wanted if each.isascii() and each.isdecimal() and len(each) < 19]
    lookup = "external_id__in" if by_own_id else "pk__in"
    found: list[Product] = []
    for some in chunked(wanted, IDS_A_QUERY):
        known = Product.objects.filter(retailer_id=product.retailer_id, **{lookup: some})
        found += known.only("pk", "retailer_id", "item_group_id")
    return found
