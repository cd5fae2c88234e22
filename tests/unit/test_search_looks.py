"""Outfits of one retailer each: ranked by likeness and completeness, nothing bought twice, prices exact."""

from __future__ import annotations

from decimal import Decimal

import pytest

from catalog.models import Product
from search.looks import Candidate, assemble_outfits, pair_up, total_prices
from search.ranking import Match
from search.results import Kind, SearchedObject
from segmentation.calibration import Verdict
from tests.search_factories import JACKET, PANTS, SHOE, seen


def found(object_id: int, category_id: int | None, verdict: Verdict = "exact") -> SearchedObject:
    kind: Kind = "whole_image" if category_id is None else "garment"
    return SearchedObject(object_id, kind, seen(category_id), verdict, ())


def offer(retailer_id: int, product_id: int, score: float) -> Candidate:
    return Candidate(retailer_id, Match(product_id, product_id * 10, product_id, score, score, "similar"))


def test_both_shoes_are_one_thing_to_buy() -> None:
    assert pair_up([found(0, JACKET), found(1, SHOE), found(2, PANTS), found(3, SHOE)]) == [(0,), (1, 3), (2,)]


def test_two_jackets_are_two_things_to_buy() -> None:
    assert pair_up([found(0, JACKET), found(1, JACKET)]) == [(0,), (1,)]


@pytest.mark.parametrize(
    ("garment", "whole", "slots"),
    [("similar", "exact", [(0,)]), ("none", "similar", [(1,)]), ("none", "none", [(0,)])],
)
def test_the_whole_photo_is_bought_where_it_has_a_match_and_no_garment_has(
    garment: Verdict, whole: Verdict, slots: list[tuple[int, ...]]
) -> None:
    assert pair_up([found(0, JACKET, garment), found(1, None, whole)]) == slots


def test_whoever_sells_all_of_the_look_comes_before_whoever_sells_half_of_it_better() -> None:
    whole, half = assemble_outfits([[offer(1, 10, 0.7), offer(2, 20, 0.99)], [offer(1, 11, 0.6)]])
    assert (whole.retailer_id, whole.coverage) == (1, 1.0)
    assert whole.score == pytest.approx((0.7 * 0.6) ** 0.5)
    assert (half.retailer_id, half.coverage) == (2, 0.5)
    assert half.score == pytest.approx(0.495)


def test_no_product_stands_for_two_garments() -> None:
    both = [offer(1, 10, 0.9), offer(1, 11, 0.5)]
    [outfit] = assemble_outfits([[offer(1, 10, 0.8), offer(1, 12, 0.3)], both])
    assert [(slot, match.product_id) for slot, match in outfit.picks] == [(0, 12), (1, 10)]


def test_a_garment_is_left_out_rather_than_bought_twice() -> None:
    [outfit] = assemble_outfits([[offer(1, 10, 0.8)], [offer(1, 10, 0.9)]])
    assert [slot for slot, _ in outfit.picks] == [1]
    assert outfit.coverage == 0.5


def test_retailers_that_sell_the_look_alike_are_ordered_by_key_whatever_the_order_of_the_candidates() -> None:
    candidates = [offer(retailer_id, retailer_id, 0.5) for retailer_id in (3, 1, 2)]
    assert [outfit.retailer_id for outfit in assemble_outfits([candidates])] == [1, 2, 3]


def test_a_photo_without_anything_to_buy_has_no_look() -> None:
    assert assemble_outfits([]) == assemble_outfits([[], []]) == []


def test_totals_are_what_a_shopper_pays_by_currency() -> None:
    def priced(price: str | None, currency: str, sale_price: str | None = None) -> Product:
        amounts = {"price": price and Decimal(price), "sale_price": sale_price and Decimal(sale_price)}
        return Product(currency=currency, **amounts)

    totals, n_unpriced = total_prices(
        [priced("10.10", "USD"), priced("50", "USD", "20.20"), priced("8", "EUR"), priced(None, "USD")]
    )
    assert [(total.currency, total.amount) for total in totals] == [("EUR", Decimal("8")), ("USD", Decimal("30.30"))]
    assert n_unpriced == 1
