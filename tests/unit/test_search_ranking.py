"""Neighbours become distinct products, always in the same order."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.judging import Judge
from search.ranking import Hit, Owner, best_of_all, rank_products
from segmentation.calibration import Calibration, Sigmoid

hits = st.lists(
    st.builds(Hit, st.integers(1, 12), st.sampled_from([-0.5, 0.0, 0.25, 0.5, 1.0, 1.0000002])), max_size=30
)
OWNERS = {
    garment: Owner(garment // 3, f"group {garment // 6}" if garment > 5 else garment // 3) for garment in range(1, 10)
}


def alone(product_id: int, *, is_in_stock: bool = True) -> Owner:
    return Owner(product_id, product_id, is_in_stock)


def of_group(product_id: int, *, is_in_stock: bool = True) -> Owner:
    return Owner(product_id, "group", is_in_stock)


def test_a_product_appears_once_with_its_most_alike_garment() -> None:
    owners = {1: alone(10), 2: alone(10), 3: alone(20)}
    ranked = rank_products([Hit(1, 0.4), Hit(2, 0.9), Hit(3, 0.6)], owners, limit=10)
    assert [(match.product_id, match.garment_id) for match in ranked] == [(10, 2), (20, 3)]


def test_garments_without_a_product_vanish_and_do_not_use_up_the_limit() -> None:
    ranked = rank_products([Hit(1, 0.9), Hit(2, 0.8), Hit(3, 0.7)], {2: alone(20), 3: alone(30)}, limit=2)
    assert [match.product_id for match in ranked] == [20, 30]


def test_similarities_stay_between_nought_and_one() -> None:
    ranked = rank_products([Hit(1, 1.0000002), Hit(2, -0.3)], {1: alone(10), 2: alone(20)}, limit=2)
    assert [match.similarity for match in ranked] == [1.0, 0.0]


def test_rounding_above_one_does_not_decide_between_identical_photos() -> None:
    ranked = rank_products([Hit(1, 1.0), Hit(2, 1.0000002)], {1: alone(10), 2: alone(20)}, limit=2)
    assert [match.product_id for match in ranked] == [10, 20]


def test_the_variants_of_a_group_are_one_result_by_the_most_alike_of_them() -> None:
    ranked = rank_products(
        [Hit(1, 0.6), Hit(2, 0.9), Hit(3, 0.7)], {1: of_group(10), 2: of_group(11), 3: alone(30)}, limit=9
    )
    assert [match.product_id for match in ranked] == [11, 30]


def test_of_sizes_that_share_a_picture_one_that_can_be_bought_is_shown() -> None:
    owners = {1: of_group(10, is_in_stock=False), 2: of_group(11), 3: of_group(12)}
    shared = [Hit(1, 0.90000012), Hit(2, 0.9), Hit(3, 0.9)]
    assert [match.product_id for match in rank_products(shared, owners, limit=9)] == [11]


def test_a_variant_in_another_color_does_not_stand_for_the_one_that_looks_alike_because_it_is_in_stock() -> None:
    owners = {1: of_group(10, is_in_stock=False), 2: of_group(11)}
    assert [match.product_id for match in rank_products([Hit(1, 0.9), Hit(2, 0.7)], owners, limit=9)] == [10]


def test_a_calibration_judges_and_leaves_the_order() -> None:
    judge = Judge(Calibration(Sigmoid(20.0, -20.0 * math.log(2.0)), {}, exact_score=0.9, similar_score=0.4, figures={}))
    owners = {1: alone(10), 2: alone(20), 3: alone(30)}
    ranked = rank_products([Hit(1, 0.2), Hit(2, 0.51), Hit(3, 0.7)], owners, limit=9, judge=judge)
    assert [(match.product_id, match.verdict) for match in ranked] == [(30, "exact"), (20, "similar"), (10, "none")]
    assert ranked[1].score == pytest.approx(0.5)
    assert ranked[1].similarity == 0.51


def test_what_several_photos_of_one_product_find_is_one_list() -> None:
    owners = {1: alone(10), 2: alone(20), 3: alone(30)}
    front = rank_products([Hit(1, 0.4), Hit(2, 0.8)], owners, limit=9)
    back = rank_products([Hit(1, 0.9), Hit(3, 0.8)], owners, limit=9)
    assert [match.product_id for match in best_of_all([front, back])] == [10, 20, 30]
    assert best_of_all([back, front]) == best_of_all([front, back])


@given(hits, st.integers(0, 1000))
def test_the_order_of_the_neighbours_does_not_matter(found: list[Hit], seed: int) -> None:
    shuffled = found.copy()
    random.Random(seed).shuffle(shuffled)
    assert rank_products(found, OWNERS, limit=5) == rank_products(shuffled, OWNERS, limit=5)


@given(hits, st.integers(1, 6))
def test_ranking_agrees_with_a_naive_loop(found: list[Hit], limit: int) -> None:
    best: dict[object, float] = {}
    for hit in found:
        if hit.garment_id in OWNERS:
            group = OWNERS[hit.garment_id].group
            best[group] = max(best.get(group, 0.0), min(1.0, max(0.0, hit.similarity)))
    ranked = rank_products(found, OWNERS, limit=limit)
    assert [match.similarity for match in ranked] == sorted(best.values(), reverse=True)[:limit]
    assert [match.similarity for match in ranked] == [best[match.group] for match in ranked]
    assert len({match.group for match in ranked}) == len(ranked) == min(limit, len(best))
