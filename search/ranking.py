"""From similar garments to ranked products: each product once, by its best garment, ties always in the same order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Hit:
    """One neighbour from the index: a garment's id and its cosine similarity (-1..1, rounding may exceed it)."""

    garment_id: int
    similarity: float


@dataclass(frozen=True, slots=True)
class Match:
    """A product that answers a query, through the garment of it that looks most alike."""

    product_id: int
    garment_id: int
    score: float
    """Similarity clipped to 0..1."""


def rank_products(
    hits: Iterable[Hit], product_of_garment: Mapping[int, int], *, limit: int, min_score: float = 0.0
) -> list[Match]:
    """Ranks distinct products, best first.

    Args:
        hits: Neighbours in any order; several may belong to one product, some may have no product any more.
        product_of_garment: Product id by garment id; garments that are not in it (withdrawn, deleted) vanish.
        limit: Most products to return.
        min_score: Least score of a product that is returned.

    Returns:
        At most `limit` matches by falling score; equal scores by rising product id, within a product by rising
        garment id.

    >>> rank_products([Hit(7, 0.5), Hit(8, 1.0000001), Hit(9, 0.5)], {7: 70, 8: 70, 9: 60}, limit=5)
    [Match(product_id=70, garment_id=8, score=1.0), Match(product_id=60, garment_id=9, score=0.5)]
    """
    best: dict[int, Hit] = {}
    for hit in hits:
        product_id = product_of_garment.get(hit.garment_id)
        if product_id is None or clip_score(hit.similarity) < min_score:
            continue
        known = best.get(product_id)
        if known is None or (-hit.similarity, hit.garment_id) < (-known.similarity, known.garment_id):
            best[product_id] = hit
    # Sorted by the clipped score: rounding above 1 must not decide between two identical photos.
    matches = [Match(product_id, hit.garment_id, clip_score(hit.similarity)) for product_id, hit in best.items()]
    return sorted(matches, key=lambda match: (-match.score, match.product_id))[:limit]


def clip_score(similarity: float) -> float:
    """A similarity as a score of 0..1: what points away is as unlike as what stands at right angles.

    >>> clip_score(-0.2), clip_score(0.25), clip_score(1.0000001)
    (0.0, 0.25, 1.0)
    """
    return min(1.0, max(0.0, float(similarity)))
