"""From matches to what is shown: products as they are now, with their variants and the images that matched."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from catalog.models import Product
from catalog.selectors import products_by_key
from search.ranking import Match
from search.results import RankedProduct, Variants
from search.selectors import GarmentSource, matched_images
from search.variants import variants_of


def fetch_products(
    lists: Sequence[Sequence[Match]],
    sources: Mapping[int, GarmentSource],
    *,
    with_variants: bool = True,
    first_rank: int = 1,
) -> list[tuple[RankedProduct, ...]]:
    """Joins matches with the products as they are now, all lists in one go; what vanished meanwhile is left out.

    Args:
        lists: Matches by query, each list in the order it is shown in.
        sources: Where the matches' garments come from.
        with_variants: List the other products of each one's item group; what they offer together is said anyway.
        first_rank: Of the first one of every list: of a later page it is not 1.
    """
    matches = [match for of_query in lists for match in of_query]
    products = products_by_key({match.product_id for match in matches})
    images = matched_images(match.garment_id for match in matches)
    variants = variants_of(products.values())
    if not with_variants:
        variants = {key: Variants(offer=each.offer) for key, each in variants.items()}
    return [_rank(of_query, sources, products, images, variants, first_rank) for of_query in lists]


def _rank(
    matches: Sequence[Match],
    sources: Mapping[int, GarmentSource],
    products: Mapping[int, Product],
    images: Mapping[int, str],
    variants: Mapping[int, Variants],
    first_rank: int,
) -> tuple[RankedProduct, ...]:
    there = [match for match in matches if match.product_id in products and match.garment_id in images]
    return tuple(
        RankedProduct(
            rank=rank,
            similarity=match.similarity,
            score=match.score,
            verdict=match.verdict,
            product=products[match.product_id],
            variants=variants.get(match.product_id, Variants()),
            matched_image=images[match.garment_id],
            matched_category_id=sources[match.garment_id].category_id,
        )
        for rank, match in enumerate(there, start=first_rank)
    )
