"""Shop the look: asks every retailer that comes into question for its best product for each garment."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from search.looks import MAX_LOOKS, Candidate, Outfit, assemble_outfits, combined_score, pair_up, total_prices
from search.neighbours import Neighbourhood, Query, Wanted
from search.offers import fetch_products
from search.ranking import Match, best_of_all
from search.results import Look, LookItem, RankedProduct, SearchedObject
from search.selectors import GarmentSource

Nearest = Callable[[Sequence[Query], Wanted], Neighbourhood]

POOL = 50
"""Products of each garment from which the retailers that come into question are read, at least."""


def find_looks(
    nearest: Nearest,
    objects: Sequence[SearchedObject],
    queries: Sequence[Query],
    wanted: Wanted,
    found: Neighbourhood,
) -> tuple[Look, ...]:
    """Combines the garments of a photo to looks, one for each retailer, best first.

    The retailers of the nearest products are ranked by what was found so far; the best `MAX_LOOKS` are then searched
    one by one, so that a look misses no garment whose match lies deep in the list of all retailers.

    Args:
        nearest: Finds the products of queries as those of the objects were found.
        objects: What the photo shows, in the queries' order; their ids are their positions.
        queries: One for each object.
        wanted: What the queries were to bring.
        found: What they brought.
    """
    slots = pair_up(objects)
    in_question = assemble_outfits(_candidates(slots, found.matches, found.sources))[:MAX_LOOKS]
    # As many as there are slots: where two garments would choose one product, one of them takes its next.
    deep = nearest(
        [_of_retailer(query, outfit.retailer_id) for outfit in in_question for query in queries],
        replace(wanted, limit=len(slots)),
    )
    outfits: list[Outfit] = []
    for first in range(0, len(deep.matches), len(queries)):
        of_retailer = deep.matches[first : first + len(queries)]
        outfits += assemble_outfits(_candidates(slots, of_retailer, deep.sources))
    picked = [[match for _, match in outfit.picks] for outfit in outfits]
    ranked = fetch_products(picked, deep.sources, with_variants=wanted.group_variants)
    looks = [_look(outfit, results, slots) for outfit, results in zip(outfits, ranked, strict=True) if results]
    looks.sort(key=lambda look: (-look.score, look.retailer.slug))
    return tuple(replace(look, rank=rank) for rank, look in enumerate(looks, start=1))


def _candidates(
    slots: Sequence[Sequence[int]], matches: Sequence[Sequence[Match]], sources: Mapping[int, GarmentSource]
) -> list[list[Candidate]]:
    merged = [best_of_all([matches[number] for number in slot]) for slot in slots]
    return [[Candidate(sources[match.garment_id].retailer_id, match) for match in of_slot] for of_slot in merged]


def _of_retailer(query: Query, retailer_id: int) -> Query:
    return replace(query, where=replace(query.where, retailer_ids=frozenset({retailer_id})))


def _look(outfit: Outfit, results: Sequence[RankedProduct], slots: Sequence[tuple[int, ...]]) -> Look:
    """Prices an outfit; what vanished since it was found is no longer part of it."""
    slot_of = {match.product_id: slots[number] for number, match in outfit.picks}
    totals, n_unpriced = total_prices(result.product for result in results)
    coverage = len(results) / len(slots)
    return Look(
        rank=0,
        retailer=results[0].product.retailer,
        items=tuple(LookItem(slot_of[result.product.pk], result) for result in results),
        score=combined_score([result.score for result in results], coverage),
        coverage=coverage,
        totals=totals,
        n_unpriced=n_unpriced,
    )
