"""Shop the look: the garments of one photo, as each retailer could sell them together."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from catalog.models import Product
from search.ranking import Match
from search.results import SearchedObject, Total
from segmentation.taxonomy import CATEGORIES

MAX_LOOKS = 10
"""Most retailers that are compared."""

_PAIRS = frozenset(category.id for category in CATEGORIES if category.name in {"glove", "leg warmer", "sock", "shoe"})
"""Categories that are worn in pairs: the left and the right shoe are bought as one product."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A product that could stand for a garment of the photo."""

    retailer_id: int
    match: Match


@dataclass(frozen=True, slots=True)
class Outfit:
    """What one retailer could sell for the photo, before prices."""

    retailer_id: int
    picks: tuple[tuple[int, Match], ...]
    """Position of the slot and what stands for it, by slot; no product twice."""
    coverage: float
    """Share of slots that have a pick, 0..1."""
    score: float
    """See `combined_score`."""


def pair_up(objects: Iterable[SearchedObject]) -> list[tuple[int, ...]]:
    """The object ids of each thing to buy, a *slot*, in the objects' order.

    All shoes of a photo are one slot, and so are socks, gloves and leg warmers. A region, or the whole photo, is one
    thing to buy only where it has a good match and no garment has, or where there are no garments.
    """
    found = list(objects)
    garments = [each for each in found if each.kind == "garment"]
    wholes = [each for each in found if each.kind != "garment"]
    if not garments or (_is_any_good(wholes) and not _is_any_good(garments)):
        garments = wholes
    slots: dict[Hashable, list[int]] = defaultdict(list)
    for each in garments:
        category_id = each.descriptor.category_id
        slots[("pair", category_id) if category_id in _PAIRS else each.object_id].append(each.object_id)
    return [tuple(ids) for ids in slots.values()]


def assemble_outfits(slots: Sequence[Sequence[Candidate]]) -> list[Outfit]:
    """Ranks retailers by how well and how completely they sell what the photo shows.

    Within a retailer, the best-scored candidate takes its slot first, then the next of those left: no product stands
    for two garments. Equal scores are ordered by retailer id, slot and product id.

    Args:
        slots: What could stand for each thing to buy.

    Returns:
        One outfit for each retailer that has any candidate, best first.

    >>> jacket, shoe = Match(1, 11, 1, 0.9, 0.9, "exact"), Match(2, 12, 2, 0.4, 0.4, "similar")
    >>> both, one = assemble_outfits([[Candidate(7, jacket), Candidate(8, jacket)], [Candidate(7, shoe)]])
    >>> (both.retailer_id, both.coverage, both.score), (one.retailer_id, one.coverage, one.score)
    ((7, 1.0, 0.6), (8, 0.5, 0.45))
    """
    offers: defaultdict[int, list[tuple[int, Match]]] = defaultdict(list)
    for number, candidates in enumerate(slots):
        for candidate in candidates:
            offers[candidate.retailer_id].append((number, candidate.match))
    outfits = []
    for retailer_id, of_retailer in offers.items():
        picks = _pick(of_retailer)
        coverage = len(picks) / len(slots)
        score = combined_score([match.score for _, match in picks], coverage)
        outfits.append(Outfit(retailer_id, picks, coverage, score))
    return sorted(outfits, key=lambda outfit: (-outfit.score, outfit.retailer_id))


def combined_score(scores: Sequence[float], coverage: float) -> float:
    """The geometric mean of the scores, times the share of garments covered.

    One bad item spoils an outfit, so the mean is geometric; half an outfit is half as good.

    >>> combined_score([0.9, 0.4], 1.0), combined_score([0.8], 0.5), combined_score([0.7, 0.0], 1.0)
    (0.6, 0.4, 0.0)
    """
    if min(scores) <= 0.0:
        return 0.0
    return round(coverage * math.exp(math.fsum(map(math.log, scores)) / len(scores)), 12)


def total_prices(products: Iterable[Product]) -> tuple[tuple[Total, ...], int]:
    """What products cost together, by currency in alphabetical order, and how many have no price."""
    totals: defaultdict[str, Decimal] = defaultdict(Decimal)
    n_unpriced = 0
    for product in products:
        if product.effective_price is None:
            n_unpriced += 1
        else:
            totals[product.currency] += product.effective_price
    return tuple(Total(currency, amount) for currency, amount in sorted(totals.items())), n_unpriced


def _is_any_good(objects: Iterable[SearchedObject]) -> bool:
    return any(each.verdict != "none" for each in objects)


def _pick(offers: Sequence[tuple[int, Match]]) -> tuple[tuple[int, Match], ...]:
    picked: dict[int, Match] = {}
    taken: set[Hashable] = set()
    for slot, match in sorted(offers, key=lambda offer: (-offer[1].score, offer[0], offer[1].product_id)):
        if slot not in picked and match.group not in taken:
            picked[slot] = match
            taken.add(match.group)
    return tuple(sorted(picked.items(), key=lambda pick: pick[0]))
