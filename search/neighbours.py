"""Nearest garments -> distinct products: asks the index for more until there are enough products."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from search.filters import Filters
from search.index.base import NO_ID, VectorIndex, Where
from search.ranking import Hit, Match, clip_score, rank_products
from search.selectors import GarmentSource, garment_sources
from segmentation.types import Embedding

OVERFETCH = 4
"""Neighbours fetched for each product wanted, and the factor by which a further round grows."""


@dataclass(frozen=True, slots=True)
class Query:
    """One vector to find products for, and which vectors may answer it."""

    vector: Embedding
    where: Where


@dataclass(frozen=True, slots=True)
class Neighbourhood:
    """Ranked products of every query, in the queries' order, and where their garments come from."""

    matches: tuple[list[Match], ...]
    sources: dict[int, GarmentSource]
    generation: int


@dataclass(slots=True)
class _Search:
    """The state of one call: neighbours by query, and every garment already looked up (None: gone)."""

    index: VectorIndex
    queries: Sequence[Query]
    in_stock_only: bool
    generation: int
    hits: dict[int, list[Hit]] = field(default_factory=dict)
    sources: dict[int, GarmentSource | None] = field(default_factory=dict)

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
                if len(self.hits[number]) < k:
                    exhausted.add(number)
        self._look_up(open_queries)
        return exhausted

    def _look_up(self, open_queries: Sequence[int]) -> None:
        unknown = {hit.garment_id for number in open_queries for hit in self.hits[number]} - self.sources.keys()
        found = garment_sources(unknown, Filters(in_stock=True if self.in_stock_only else None))
        self.sources.update({garment_id: found.get(garment_id) for garment_id in unknown})

    def known_sources(self) -> dict[int, GarmentSource]:
        """The garments that are still for sale."""
        return {garment_id: source for garment_id, source in self.sources.items() if source is not None}


def find_products(
    index: VectorIndex,
    queries: Sequence[Query],
    *,
    limit: int,
    min_score: float = 0.0,
    in_stock_only: bool = False,
    except_product_id: int | None = None,
) -> Neighbourhood:
    """Finds `limit` distinct products for every query, or all there are.

    Several garments may belong to one product and some to none any more, so more neighbours than products are
    fetched, and again more until the list is full, the index is exhausted, or neighbours fall below `min_score`.

    Args:
        index: Where the vectors are.
        queries: Vectors with their restrictions.
        limit: Most products a query.
        min_score: Least score, 0..1.
        in_stock_only: Only products that can be bought now.
        except_product_id: A product that is no answer.
    """
    search = _Search(index, queries, in_stock_only, index.generation)
    matches: list[list[Match]] = [[] for _ in queries]
    open_queries = list(range(len(queries)))
    k = (limit + 1) * OVERFETCH
    while open_queries:
        exhausted = search.fetch(open_queries, k)
        sources = search.known_sources()
        product_of = {
            garment_id: source.product_id
            for garment_id, source in sources.items()
            if source.product_id != except_product_id
        }
        for number in open_queries:
            matches[number] = rank_products(search.hits[number], product_of, limit=limit, min_score=min_score)
        open_queries = [
            number
            for number in open_queries
            if len(matches[number]) < limit
            and number not in exhausted
            and clip_score(search.hits[number][-1].similarity) >= min_score
        ]
        k *= OVERFETCH
    return Neighbourhood(tuple(matches), search.known_sources(), search.generation)
