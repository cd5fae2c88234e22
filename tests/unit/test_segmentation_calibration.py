"""Calibration: similarities become probabilities that come true, and verdicts that keep their promise."""

from __future__ import annotations

import numpy as np
import pytest

from segmentation.calibration import NO_CATEGORY, Calibration, Sigmoid, closeness, reaches
from segmentation.calibration_fit import best_of_the_absent, fit_calibration
from segmentation.errors import CalibrationError
from segmentation.reliability import reliability


def drawn_pairs(n, *, slope=3.0, intercept=-3.0, seed=0, category_id=6):
    """Similarities whose truth is drawn with a known probability."""
    rng = np.random.default_rng(seed)
    similarities = rng.uniform(0.1, 0.95, n)
    probabilities = 1 / (1 + np.exp(-(slope * closeness(similarities) + intercept)))
    return similarities, rng.random(n) < probabilities, np.full(n, category_id)


def test_the_probability_pairs_were_drawn_with_is_found_again():
    found = fit_calibration(*drawn_pairs(20_000))
    assert found.pooled.slope == pytest.approx(3.0, rel=0.06)
    assert found.score(1.01 - np.exp(-1), 6) == pytest.approx(0.5, abs=0.02)
    assert found.figures["ece"] < 0.02


def test_scores_of_a_fit_come_true_where_raw_similarities_do_not():
    similarities, is_same, categories = drawn_pairs(8000, slope=4.0, intercept=-7.0)
    found = fit_calibration(similarities, is_same, categories)
    before, after = reliability(similarities, is_same), reliability(found.scores(similarities, categories), is_same)
    assert after.ece < 0.2 * before.ece
    assert after.brier < before.brier


def test_a_category_with_many_pairs_gets_its_own_curve_and_one_with_few_stays_near_the_pooled_one():
    common = drawn_pairs(4000, intercept=-2.0, category_id=6)
    other = drawn_pairs(4000, intercept=-5.0, seed=1, category_id=23)
    rare = drawn_pairs(4, intercept=-5.0, seed=2, category_id=18)
    found = fit_calibration(*(np.concatenate(parts) for parts in zip(common, other, rare, strict=True)))
    assert found.score(0.6, 6) > found.score(0.6, 23) + 0.2
    assert found.score(0.6, 18) == pytest.approx(found.score(0.6, None), abs=0.08)
    assert found.score(0.6, 40) == found.score(0.6, None), "a category without any pair has the pooled curve"


def test_photos_as_wholes_keep_the_pooled_curve_whatever_their_pairs_say():
    garments = drawn_pairs(2000, intercept=-4.0, category_id=6)
    wholes = drawn_pairs(2000, intercept=-1.0, seed=1, category_id=NO_CATEGORY)
    found = fit_calibration(*(np.concatenate(parts) for parts in zip(garments, wholes, strict=True)))
    assert set(found.by_category) == {6}
    assert found.score(0.6, None) == found.score(0.6, 40)
    assert found.score(0.6, None) > found.score(0.6, 6), "the pooled curve has seen them"


def test_pairs_a_threshold_separates_give_a_finite_curve():
    similarities = np.concatenate([np.linspace(0.1, 0.4, 50), np.linspace(0.7, 1.0, 50)])
    found = fit_calibration(similarities, similarities > 0.5, np.full(100, 6))
    assert 0.9 < found.score(0.75, 6) < 1.0
    assert 0.0 < found.score(0.3, 6) < 0.1


def test_the_score_never_falls_where_the_similarity_rises_even_when_pairs_say_the_contrary():
    similarities, is_same, categories = drawn_pairs(500)
    found = fit_calibration(similarities, ~is_same, categories)
    scores = [found.score(similarity, 6) for similarity in (0.0, 0.5, 1.0)]
    assert scores == sorted(scores)
    assert scores[2] - scores[0] < 0.05


def test_at_most_the_promised_share_of_absent_products_is_called_similar():
    rng = np.random.default_rng(0)
    queries = np.repeat(np.arange(400), 10)
    similarities = rng.beta(4, 4, 4000)
    is_same = rng.random(4000) < np.where(similarities > 0.8, 0.9, 0.0)
    found = fit_calibration(similarities, is_same, np.full(4000, 6), query_ids=queries, absent_share=0.1)
    absent = best_of_the_absent(found.scores(similarities, np.full(4000, 6)), is_same, queries)
    shares = [(absent >= threshold).mean() for threshold in (found.similar_score, found.similar_score * 0.97)]
    assert shares[0] <= 0.1 < shares[1]
    assert found.figures["absent_reaching_similar"] == pytest.approx(shares[0])


def test_a_weak_embedder_calls_nearly_all_right_answers_similar_and_tells_what_that_costs():
    similarities, is_same, categories = drawn_pairs(2000, slope=0.4, intercept=-1.0)
    found = fit_calibration(similarities, is_same, categories, absent_share=0.1)
    assert found.figures["same_reaching_similar"] >= 0.95
    assert found.figures["absent_reaching_similar"] > 0.5


def test_the_same_picture_is_exact_though_no_pair_of_pictures_came_near_it():
    similarities, is_same, categories = drawn_pairs(4000, slope=1.5, intercept=-3.5)
    found = fit_calibration(similarities, is_same, categories)
    assert found.verdict(1.0, 6) == "exact"
    assert found.verdict(0.5, 6) != "exact"


def test_verdicts_follow_the_thresholds():
    found = Calibration(Sigmoid(2.0, -4.0), {}, exact_score=0.5, similar_score=0.2, figures={})
    assert [found.verdict(similarity, None) for similarity in (0.2, 0.8, 0.9, 1.0000001)] == [
        "none",
        "similar",
        "exact",
        "exact",
    ]
    assert reaches("similar", "none")
    assert not reaches("similar", "exact")


def test_a_calibration_survives_json():
    found = fit_calibration(*drawn_pairs(300))
    assert Calibration.from_mapping(found.to_mapping()) == found


@pytest.mark.parametrize(
    "damage",
    [
        {"format": 99},
        {"pooled": [0.0, 1.0]},
        {"pooled": [1.0]},
        {"pooled": [float("nan"), 0.0]},
        {"by_category": {"77": [1.0, 0.0]}},
        {"by_category": None},
        {"exact_score": 1.5},
        {"similar_score": "high"},
    ],
)
def test_a_damaged_calibration_is_refused(damage):
    content = Calibration(Sigmoid(2.0, -4.0), {}, 0.5, 0.2, {}).to_mapping() | damage
    with pytest.raises(CalibrationError):
        Calibration.from_mapping(content)


@pytest.mark.parametrize(
    ("similarities", "is_same", "message"),
    [
        (np.ones(30), np.ones(30, bool), "30 pairs of one product and 0 of two"),
        (np.full(30, np.nan), np.arange(30) < 15, "not a finite number"),
        (np.ones(30), np.ones(29, bool), "one value each"),
    ],
)
def test_pairs_that_cannot_be_calibrated_on_are_refused_with_the_reason(similarities, is_same, message):
    with pytest.raises(CalibrationError, match=message):
        fit_calibration(similarities, is_same, np.full(30, 6))
