"""Asking the index for more: as often as needed, never for long."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pytest

from search import neighbours
from search.filters import Filters
from search.index.base import Hits, Where
from search.judging import Cut
from search.neighbours import Query, Wanted, find_products
from search.selectors import GarmentSource
from tests.search_factories import unit_vector

QUERY = Query(unit_vector(1), Where())


class LongIndex:
    """Answers with garments 0, 1, 2, ... at falling similarity, and notes what it was asked."""

    generation = 1

    def __init__(self, n_garments: int, step: float = 1e-6) -> None:
        self.n_garments, self.step = n_garments, step
        self.asked: list[tuple[int, int]] = []

    def search(self, queries: np.ndarray, k: int, where: Where | None = None) -> Hits:
        self.asked.append((len(queries), k))
        ids = np.tile(np.arange(k), (len(queries), 1))
        scores = (1.0 - self.step * ids).astype(np.float32)
        beyond = ids >= self.n_garments
        return Hits(np.where(beyond, -1, ids), np.where(beyond, -np.inf, scores), self.generation)


@pytest.fixture(autouse=True)
def look_ups(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """All garments below 5000 belong to one product, the others to one each; how many were looked up each time."""
    n_looked_up: list[int] = []

    def sources(garment_ids: Iterable[int], filters: Filters) -> dict[int, GarmentSource]:
        ids = list(garment_ids)
        n_looked_up.append(len(ids))
        return {i: GarmentSource(max(i, 5000), None, 1, "", is_in_stock=True) for i in ids}

    monkeypatch.setattr(neighbours, "garment_sources", sources)
    return n_looked_up


def find(index: LongIndex, *queries: Query, limit: int = 4, **wanted: Any) -> list[int]:
    found = find_products(index, queries or (QUERY,), Wanted(limit, **wanted))  # type: ignore[arg-type]
    return [match.product_id for match in found.matches[0]]


def test_what_lies_behind_thousands_of_photos_of_one_product_is_found_in_few_rounds(look_ups: list[int]) -> None:
    index = LongIndex(9000)
    assert find(index) == [5000, 5001, 5002, 5003]
    assert [k for _, k in index.asked] == [20, 80, 320, 1280, 5120]
    assert look_ups == [20, 60, 240, 960, 3840]


def test_growing_ends_with_the_index() -> None:
    index = LongIndex(100)
    assert find(index) == [5000]
    assert [k for _, k in index.asked] == [20, 80, 320]


def test_growing_ends_somewhere_in_an_index_without_end() -> None:
    index = LongIndex(10**9)
    assert find(index, most_neighbours=1000) == [5000]
    assert [k for _, k in index.asked] == [20, 80, 320, 1000]


def test_growing_ends_where_neighbours_are_no_longer_good_enough() -> None:
    index = LongIndex(9000, step=0.01)
    assert find(index, cut=Cut(min_score=0.5)) == [5000]
    assert [k for _, k in index.asked] == [20, 80]


def test_queries_with_one_restriction_are_asked_together_and_only_open_ones_again(look_ups: list[int]) -> None:
    index = LongIndex(30)
    twice = [Query(unit_vector(seed), Where(retailer_ids=frozenset({1}))) for seed in (1, 2)]
    find(index, *twice, QUERY)
    assert index.asked == [(2, 20), (1, 20), (2, 80), (1, 80)]
    assert look_ups == [20, 10]


def test_nothing_is_asked_for_no_query() -> None:
    index = LongIndex(30)
    assert find_products(index, [], Wanted(3)).matches == ()  # type: ignore[arg-type]
    assert index.asked == []
