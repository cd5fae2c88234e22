"""The answer to a photo of several garments: which objects count, and how their results become one list."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from search.evaluation.asking import Asked
from search.evaluation.benchmark import BenchmarkQuery
from search.evaluation.confidence import confidence_of
from search.evaluation.figures import compare_recall, figures_of, outcome_of
from tests.search_factories import JACKET, PANTS, SHOE, TOP, seen

LEFT, RIGHT = (0.0, 0.0, 100.0, 200.0), (100.0, 0.0, 200.0, 200.0)


def found(category_id, results: dict[str, float], *, box=LEFT, score=0.9):
    """One answered object; products with their scores."""
    ranked = [
        SimpleNamespace(product=SimpleNamespace(pk=int(name[1:])), similarity=value, score=value, verdict="similar")
        for name, value in results.items()
    ]
    kind = "whole_image" if category_id is None else "garment"
    return SimpleNamespace(descriptor=seen(category_id, box=box, score=score), results=tuple(ranked), kind=kind)


def asked(*objects, box=None, category_id=None, wanted=None) -> Asked:
    query = BenchmarkQuery("q", Path("q.jpg"), "wild", {"p1": 2}, box, category_id)
    for number, each in enumerate(objects):
        each.object_id = number
    return Asked(query, SimpleNamespace(objects=objects), wanted, {number: f"p{number}" for number in range(10)})


def ids(answers) -> list[str]:
    return [answer.item_id for answer in answers]


def test_results_of_all_garments_are_one_list_by_score_with_each_product_once():
    top, pants = found(TOP, {"p1": 0.9, "p2": 0.4}), found(PANTS, {"p3": 0.7, "p2": 0.6})
    photo = asked(top, pants).photo()
    assert ids(photo) == ["p1", "p3", "p2"]
    assert photo[2].score == 0.6, "a product counts at its best"


def test_garments_outside_of_the_box_do_not_answer():
    inside, outside = found(TOP, {"p1": 0.5}), found(PANTS, {"p2": 0.9}, box=RIGHT)
    assert ids(asked(inside, outside, box=(0, 0, 110, 200)).photo()) == ["p1"]
    assert asked(outside, box=(0, 0, 110, 200)).photo() == []


def test_a_query_that_names_a_category_is_answered_by_compatible_garments_alone():
    objects = found(JACKET, {"p1": 0.5}), found(PANTS, {"p2": 0.9})
    assert ids(asked(*objects, category_id=TOP).photo()) == ["p1"]
    assert asked(*objects, category_id=SHOE).photo() == [], "a missed garment is a missed query"


def test_a_shopper_taps_on_the_largest_garment_of_the_kind_that_is_wanted():
    small, large = found(TOP, {"p2": 0.9}, box=(0, 0, 20, 20)), found(JACKET, {"p1": 0.5})
    assert ids(asked(small, large, found(PANTS, {"p3": 0.9}), wanted=TOP).tapped()) == ["p1"]
    assert asked(found(PANTS, {"p3": 0.9}), wanted=TOP).tapped() == []


def test_nobody_taps_on_the_whole_photo_where_a_garment_was_found():
    whole = found(None, {"p9": 0.9}, box=(0.0, 0.0, 1000.0, 1000.0), score=1.0)
    query = asked(found(TOP, {"p1": 0.5}), whole, wanted=TOP)
    assert (ids(query.tapped()), ids(query.whole())) == (["p1"], ["p9"])
    assert ids(query.photo()) == ["p9", "p1"]
    assert asked(found(PANTS, {"p3": 0.9}), whole, wanted=TOP).tapped() == [], "the garment meant was not found"


def test_a_box_of_one_garment_is_answered_by_the_garment_that_covers_it_best():
    left, right = found(SHOE, {"p1": 0.5}, box=(0, 0, 40, 40)), found(SHOE, {"p2": 0.9}, box=(20, 0, 60, 40))
    assert ids(asked(left, right, box=(0, 0, 45, 40), category_id=SHOE, wanted=SHOE).tapped()) == ["p1"]


def test_a_photo_in_which_nothing_was_found_answers_as_a_whole():
    whole = found(None, {"p1": 0.5}, box=(0.0, 0.0, 1000.0, 1000.0))
    assert ids(asked(whole, box=(0, 0, 10, 10), category_id=SHOE, wanted=SHOE).photo()) == ["p1"]
    assert ids(asked(whole, wanted=SHOE).tapped()) == ["p1"]


def test_figures_count_any_color_and_the_same_color_apart():
    outcomes = [
        outcome_of("1", "wild", 6, {"a": 2, "b": 1}, ["b", "x", "a"]),
        outcome_of("2", "wild", 6, {"a": 2}, ["x", "y", "z", "u", "v", "a"]),
        outcome_of("3", "wild", 6, {"b": 1}, ["x"]),
        outcome_of("4", "wild", 6, {"a": 2}, []),
    ]
    figures = figures_of(outcomes)
    assert figures is not None
    assert figures.recall_at == {1: 0.25, 5: 0.25, 10: 0.5}
    assert figures.n_same_color == 3
    assert figures.same_color_recall_at == pytest.approx({1: 0.0, 5: 1 / 3, 10: 2 / 3})
    assert figures.n_missed == 1
    assert figures.map_at_10 == pytest.approx(((1 + 2 / 3) / 2 + 1 / 6) / 4)
    low, high = figures.recall_interval[10]
    assert low < 0.5 < high


def test_two_evaluations_are_compared_query_by_query():
    before = [outcome_of(str(number), "wild", 6, {"a": 2}, ["a" if number < 40 else "x"]) for number in range(100)]
    after = [outcome_of(str(number), "wild", 6, {"a": 2}, ["a" if number < 20 else "x"]) for number in range(100)]
    difference = compare_recall(before, after, 1)
    assert difference is not None
    assert (difference.before, difference.after) == (0.4, 0.2)
    assert difference.is_worse
    assert not compare_recall(before, before, 1).is_worse
    assert compare_recall(before, [], 1) is None


def test_confidence_asks_what_would_be_answered_if_the_product_were_not_sold():
    def answer(name: str, score: float, verdict: str):
        return SimpleNamespace(item_id=name, similarity=score, score=score, verdict=verdict, category_id=6)

    lists = [
        ({"a": 2}, [answer("a", 0.9, "exact"), answer("x", 0.3, "similar")]),
        ({"a": 2}, [answer("y", 0.6, "exact"), answer("a", 0.5, "exact")]),
        ({}, [answer("z", 0.1, "none")]),
        ({"a": 2}, []),
    ]
    found = confidence_of(lists)
    assert found.best_verdicts == {"exact": 2, "similar": 0, "none": 1}
    assert found.best_right == {"exact": 0.5, "similar": None, "none": 0.0}
    assert found.absent_verdicts == {"exact": 1, "similar": 1, "none": 1}
    assert sum(found.best.n) == 3
    assert sum(found.answers.n) == 5
