"""A product -> products that look like it."""

from __future__ import annotations

from dataclasses import replace

from catalog.models import Product
from search.arranging import arrange
from search.nearest import nearest_products, open_index, wanted_products
from search.neighbours import group_of
from search.offers import fetch_products
from search.queries import Lens, allowed_categories
from search.ranking import best_of_all
from search.results import ListOptions, SimilarProducts
from search.selectors import product_garments, read_embedding
from search.space_traits import read_traits
from search.spaces import serving_space
from segmentation.calibration import VERDICTS, Verdict


def similar_products(product: Product, options: ListOptions) -> SimilarProducts:
    """Finds products of the same retailer that look like one, from stored vectors: no photo is looked at again.

    Every garment photo of the product is a query; a product's similarity is its best over all of them. Its own
    variants are itself where variants are grouped, and others where they are not.

    Args:
        product: The product to compare with.
        options: What the client asked for; categories it names take the place of those that look like the product's.

    Raises:
        IndexMissing, IndexDamaged, SpaceMismatch, IndexEmpty, UnsupportedIndexUrl: There is nothing to search.
        ModelMissing: No space serves yet, and the checkpoints that name one are missing.
    """
    space = serving_space()
    index = open_index(space)
    lens = Lens.of(options, read_traits(space.name), product.retailer_id)
    asks_category = lens.filters.category_ids is not None
    queries = [
        lens.query(
            read_embedding(garment.embedding),
            garment.category_id,
            None if asks_category else allowed_categories(garment.category_id),
        )
        for garment in product_garments(product, space.name)
    ]
    own = group_of(product.pk, product.retailer_id, product.item_group_id, group_variants=options.group_variants)
    found = nearest_products(index, queries, replace(wanted_products(lens, options), except_group=own), lens, options)
    merged = replace(found, matches=(best_of_all(found.matches),))
    (ranked,) = fetch_products(arrange(merged, options), found.sources, with_variants=options.group_variants)
    verdict: Verdict = max(found.nearest, key=VERDICTS.index, default="none")
    return SimilarProducts(product, space.name, found.generation, lens.match, lens.is_calibrated, verdict, ranked)
