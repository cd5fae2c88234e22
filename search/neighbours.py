"""Nearest garments -> distinct products: asks the index for more until there are enough products."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field

import numpy as np

from search.filters import Filters
from search.index.base import NO_ID, VectorIndex, Where
from search.judging import Cut, Judge
from search.ranking import UNCALIBRATED, Hit, Match, Owner, rank_products
from search.selectors import EVERYTHING, GarmentSource, garment_sources
from search.vocabulary import folded
from segmentation.calibration import Verdict
from segmentation.types import Embedding

OVERFETCH = 4
"""Neighbours fetched for each product wanted, and the factor by which a further round grows."""

MOST_NEIGHBOURS = 65_536
"""Where growing ends: more would mean that so many garments belong to fewer products than are wanted."""


def group_of(product_id: int, retailer_id: int, item_group_id: str) -> Hashable:
    """What all variants of a product are shown once as: its retailer's item group, or itself.

    >>> group_of(7, 1, "MJ07"), group_of(7, 1, "")
    ((1, 'MJ07'), 7)
    """
    return (retailer_id, item_group_id) if item_group_id else product_id


@dataclass(frozen=True, slots=True)
class Query:
    """One vector to find products for, which vectors may answer it, and what their similarity is worth."""

    vector: Embedding
    """What the index is asked with; steered where a search is."""
    where: Where
    judge: Judge = UNCALIBRATED
    seen: Embedding | None = None
    """The garment's own embedding where `vector` is steered."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What every query of a search should bring."""

    limit: int
    """Most results a query."""
    filters: Filters = EVERYTHING
    """What the records must be like now; the queries' `where` says the same to the index."""
    cut: Cut = field(default_factory=Cut)
    group_variants: bool = True
    """Whether the variants of one item group are one result."""
    apart_by_color: bool = False
    """Whether the colors of an item group are results of their own, where its variants are one."""
    except_products: frozenset[int] = frozenset()
    """Products that are no answer."""
    except_groups: frozenset[Hashable] = frozenset()
    """Results that are no answer, as `group_of` names whole item groups; their variants are none either."""
    most_neighbours: int = MOST_NEIGHBOURS
    """Where growing ends; less where much that is near may not be an answer."""

    def group(self, source: GarmentSource) -> Hashable:
        """What a garment's product is shown once as; None where it is no answer."""
        whole = group_of(source.product_id, source.retailer_id, source.item_group_id)
        if source.product_id in self.except_products or whole in self.except_groups:
            return None
        if not self.group_variants:
            return source.product_id
        return (whole, folded(source.color)) if self.apart_by_color else whole


@dataclass(frozen=True, slots=True)
class Neighbourhood:
    """Ranked products of every query, in the queries' order, and where their garments come from."""

    matches: tuple[list[Match], ...]
    nearest: tuple[Verdict, ...]
    """The verdict of each query's nearest product, whether it passed the cut or not."""
    sources: dict[int, GarmentSource]
    generation: int


@dataclass(slots=True)
class _Search:
    """The state of one call: neighbours by query, and every garment already looked up (None: gone or forbidden)."""

    index: VectorIndex
    queries: Sequence[Query]
    wanted: Wanted
    generation: int
    hits: dict[int, list[Hit]] = field(default_factory=dict)
    sources: dict[int, GarmentSource | None] = field(default_factory=dict)
    owners: dict[int, Owner] = field(default_factory=dict)

    def fetch(self, open_queries: Sequence[int], k: int) -> set[int]:
        """Asks for the k nearest garments of some queries; returns those for which there are no more."""
        together: defaultdict[Where, list[int]] = defaultdict(list)
        for number in open_queries:
            together[self.queries[number].where].append(number)
        exhausted = set()
        for where, numbers in together.items():
            found = self.index.search(np.stack([self.queries[number].vector for number in numbers]), k, where)
            self.generation = found.generation
            for number, ids, scores in zip(numbers, found.ids.tolist(), found.scores.tolist(), strict=True):
                self.hits[number] = [Hit(i, s) for i, s in zip(ids, scores, strict=True) if i != NO_ID]
                if len(self.hits[number]) < k or k >= self.wanted.most_neighbours:
                    exhausted.add(number)
        self._look_up(open_queries)
        return exhausted

    def _look_up(self, open_queries: Sequence[int]) -> None:
        """Learns whose garments the new neighbours of all queries are, in one go."""
        unknown = {hit.garment_id for number in open_queries for hit in self.hits[number]} - self.sources.keys()
        found = garment_sources(unknown, self.wanted.filters)
        self.sources.update({garment_id: found.get(garment_id) for garment_id in unknown})
        for garment_id, source in found.items():
            group = self.wanted.group(source)
            if group is not None:
                self.owners[garment_id] = Owner(source.product_id, group, source.is_in_stock)

    def rank(self, number: int) -> list[Match]:
        """The nearest products of a query so far, good enough or not."""
        judge = self.queries[number].judge
        return rank_products(self.hits[number], self.owners, limit=self.wanted.limit, judge=judge)

    def may_grow(self, number: int, ranked: Sequence[Match]) -> bool:
        """Whether more neighbours could bring more results: the list is not full, and the last hit is good enough."""
        if len(ranked) >= self.wanted.limit:
            return False
        return self.wanted.cut.keeps(self.queries[number].judge(self.hits[number][-1].similarity))


def find_products(index: VectorIndex, queries: Sequence[Query], wanted: Wanted) -> Neighbourhood:
    """Finds `wanted.limit` distinct results for every query, or all there are.

    Several garments may belong to one product, several products to one item group, and some to none any more, so more
    neighbours than results are fetched, and again four times as many until the list is full, the index is exhausted,
    or neighbours are no longer good enough. A round costs one search for each distinct `where` and one look-up in the
    database.

    Args:
        index: Where the vectors are.
        queries: Vectors with their restrictions.
        wanted: What to bring.
    """
    search = _Search(index, queries, wanted, index.generation)
    ranked: list[list[Match]] = [[] for _ in queries]
    open_queries = list(range(len(queries)))
    k = min((wanted.limit + 1) * OVERFETCH, wanted.most_neighbours)
    while open_queries:
        exhausted = search.fetch(open_queries, k)
        for number in open_queries:
            ranked[number] = search.rank(number)
        open_queries = [n for n in open_queries if n not in exhausted and search.may_grow(n, ranked[n])]
        k = min(k * OVERFETCH, wanted.most_neighbours)
    return Neighbourhood(
        matches=tuple([match for match in of_query if wanted.cut.keeps(match)] for of_query in ranked),
        nearest=tuple(of_query[0].verdict if of_query else "none" for of_query in ranked),
        sources={garment_id: source for garment_id, source in search.sources.items() if source is not None},
        generation=search.generation,
    )
