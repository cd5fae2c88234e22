"""Neighbours become distinct products, always in the same order."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.ranking import Hit, rank_products

hits = st.lists(
    st.builds(Hit, st.integers(1, 12), st.sampled_from([-0.5, 0.0, 0.25, 0.5, 1.0, 1.0000002])), max_size=30
)
PRODUCT_OF = {garment: garment // 3 for garment in range(1, 10)}


def test_a_product_appears_once_with_its_most_alike_garment() -> None:
    ranked = rank_products([Hit(1, 0.4), Hit(2, 0.9), Hit(3, 0.6)], {1: 10, 2: 10, 3: 20}, limit=10)
    assert [(match.product_id, match.garment_id) for match in ranked] == [(10, 2), (20, 3)]


def test_garments_without_a_product_vanish_and_do_not_use_up_the_limit() -> None:
    ranked = rank_products([Hit(1, 0.9), Hit(2, 0.8), Hit(3, 0.7)], {2: 20, 3: 30}, limit=2)
    assert [match.product_id for match in ranked] == [20, 30]


def test_scores_stay_between_nought_and_one() -> None:
    ranked = rank_products([Hit(1, 1.0000002), Hit(2, -0.3)], {1: 10, 2: 20}, limit=2)
    assert [match.score for match in ranked] == [1.0, 0.0]


def test_rounding_above_one_does_not_decide_between_identical_photos() -> None:
    ranked = rank_products([Hit(1, 1.0), Hit(2, 1.0000002)], {1: 10, 2: 20}, limit=2)
    assert [match.product_id for match in ranked] == [10, 20]


@pytest.mark.parametrize(("min_score", "expected"), [(0.0, [10, 20, 30]), (0.5, [10, 20]), (0.51, [10]), (1.0, [])])
def test_the_least_score_is_kept_and_what_lies_below_is_not(min_score: float, expected: list[int]) -> None:
    found = [Hit(1, 0.9), Hit(2, 0.5), Hit(3, 0.1)]
    ranked = rank_products(found, {1: 10, 2: 20, 3: 30}, limit=9, min_score=min_score)
    assert [match.product_id for match in ranked] == expected


@given(hits, st.integers(0, 1000))
def test_the_order_of_the_neighbours_does_not_matter(found: list[Hit], seed: int) -> None:
    shuffled = found.copy()
    random.Random(seed).shuffle(shuffled)
    assert rank_products(found, PRODUCT_OF, limit=5) == rank_products(shuffled, PRODUCT_OF, limit=5)


@given(hits, st.integers(1, 6))
def test_ranking_agrees_with_a_naive_loop(found: list[Hit], limit: int) -> None:
    best: dict[int, float] = {}
    for hit in found:
        if hit.garment_id in PRODUCT_OF:
            product = PRODUCT_OF[hit.garment_id]
            best[product] = max(best.get(product, 0.0), min(1.0, max(0.0, hit.similarity)))
    expected = sorted(best.items(), key=lambda pair: (-pair[1], pair[0]))[:limit]
    assert [(match.product_id, match.score) for match in rank_products(found, PRODUCT_OF, limit=limit)] == expected
