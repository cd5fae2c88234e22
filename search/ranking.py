"""From similar garments to ranked products: each product, or each group of variants, once; ties always alike."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass

from search.judging import Judge, clip_similarity
from segmentation.calibration import Verdict

SAME_PICTURE_DECIMALS = 4
"""Similarities that agree so far come from the same picture, described in another batch."""

UNCALIBRATED = Judge()


@dataclass(frozen=True, slots=True)
class Hit:
    """One neighbour from the index: a garment's id and its cosine similarity (-1..1, rounding may exceed it)."""

    garment_id: int
    similarity: float


@dataclass(frozen=True, slots=True)
class Owner:
    """The product a garment belongs to."""

    product_id: int
    group: Hashable
    """What is shown as one result: the item group, or the product itself."""
    is_in_stock: bool = True


@dataclass(frozen=True, slots=True)
class Match:
    """A product that answers a query, through the garment of it that looks most alike."""

    product_id: int
    garment_id: int
    group: Hashable
    similarity: float
    """Cosine, clipped to 0..1."""
    score: float
    """What the similarity is worth, 0..1."""
    verdict: Verdict


def rank_products(
    hits: Iterable[Hit], owners: Mapping[int, Owner], *, limit: int, judge: Judge = UNCALIBRATED
) -> list[Match]:
    """Ranks distinct groups of variants, best first, each by its variant that looks most alike.

    Sizes of one garment often share a picture and so a similarity: then a variant that can be bought now stands for
    the group.

    Args:
        hits: Neighbours in any order; several may belong to one product, some may have no product any more.
        owners: By garment id; garments that are not in it (withdrawn, deleted, filtered out) vanish.
        limit: Most groups to return.
        judge: Says what similarities are worth; it never changes the order.

    Returns:
        At most `limit` matches by falling similarity; equal ones by rising product id, within a product by rising
        garment id.

    >>> red, blue, tee = Owner(70, "shirt"), Owner(80, "shirt"), Owner(60, "tee")
    >>> ranked = rank_products([Hit(7, 0.5), Hit(8, 1.0000001), Hit(9, 0.5)], {7: red, 8: blue, 9: tee}, limit=5)
    >>> [(match.product_id, match.garment_id, match.similarity) for match in ranked]
    [(80, 8, 1.0), (60, 9, 0.5)]
    """
    best: dict[Hashable, tuple[Hit, Owner]] = {}
    for hit in hits:
        owner = owners.get(hit.garment_id)
        if owner is None:
            continue
        known = best.get(owner.group)
        if known is None or _precedence(hit, owner) < _precedence(*known):
            best[owner.group] = (hit, owner)
    # Sorted by the clipped similarity: rounding above 1 must not decide between two identical photos.
    return sorted((_match(hit, owner, judge) for hit, owner in best.values()), key=_order)[:limit]


def best_of_all(matches: Iterable[Iterable[Match]]) -> list[Match]:
    """Merges the lists of several queries for one thing (a product's photos): each group by its best match."""
    best: dict[Hashable, Match] = {}
    for match in (match for of_query in matches for match in of_query):
        known = best.get(match.group)
        if known is None or _order(match) < _order(known):
            best[match.group] = match
    return sorted(best.values(), key=_order)


def _precedence(hit: Hit, owner: Owner) -> tuple[float, bool, float, int, int]:
    """Which of a group's garments stands for it; the least is taken."""
    similarity = clip_similarity(hit.similarity)
    alike = round(similarity, SAME_PICTURE_DECIMALS)
    return (-alike, not owner.is_in_stock, -similarity, owner.product_id, hit.garment_id)


def _order(match: Match) -> tuple[float, int, int]:
    return (-match.similarity, match.product_id, match.garment_id)


def _match(hit: Hit, owner: Owner, judge: Judge) -> Match:
    judgement = judge(hit.similarity)
    return Match(
        product_id=owner.product_id,
        garment_id=hit.garment_id,
        group=owner.group,
        similarity=clip_similarity(hit.similarity),
        score=judgement.score,
        verdict=judgement.verdict,
    )
