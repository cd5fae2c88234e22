"""The competition's metric against a slow one that follows its words, and masks that do not overlap."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segmentation.data.annotations import AnnotatedPhoto, Instance
from segmentation.evaluation.disjoint import disjoint
from segmentation.evaluation.kaggle_ap import kaggle_scores
from segmentation.masks import mask_from_rle, rle_from_mask
from segmentation.types import Detection, MaskRLE

HEIGHT, WIDTH = 8, 9
PERCENTS = (50, 55, 60, 65, 70, 75, 80, 85, 90, 95)
Pixels = frozenset[tuple[int, int]]
Object = tuple[int, Pixels]


def rectangle(left: int, top: int, right: int, bottom: int) -> Pixels:
    return frozenset((row, column) for row in range(top, bottom) for column in range(left, right))


def rle(pixels: Pixels) -> MaskRLE:
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    for row, column in pixels:
        mask[row, column] = 1
    return rle_from_mask(mask)


def photo(objects: list[Object], name: str = "a") -> AnnotatedPhoto:
    instances = tuple(Instance(category_id, rle(pixels)) for category_id, pixels in objects)
    return AnnotatedPhoto(name, Path(name), HEIGHT, WIDTH, instances)


def detections(objects: list[Object]) -> list[Detection]:
    return [Detection(category_id, 0.9, (0, 0, 1, 1), rle(pixels)) for category_id, pixels in objects]


def naive_hits(true: list[Object], found: list[Object], percent: int) -> int:
    """The largest number of predictions that can each be given a true object of their own, by trying everything."""

    @cache
    def most(index: int, used: frozenset[int]) -> int:
        if index == len(found):
            return 0
        best = most(index + 1, used)
        for number, (category_id, pixels) in enumerate(true):
            shared, either = len(pixels & found[index][1]), len(pixels | found[index][1])
            if category_id == found[index][0] and number not in used and 100 * shared > percent * either:
                best = max(best, 1 + most(index + 1, used | {number}))
        return best

    return most(0, frozenset())


def naive_photo_score(true: list[Object], found: list[Object]) -> float:
    scores = []
    for percent in PERCENTS:
        hits = naive_hits(true, found, percent)
        n = hits + (len(found) - hits) + (len(true) - hits)
        scores.append(hits / n if n else 1.0)
    return sum(scores) / len(scores)


def naive_category_score(photos: list[tuple[list[Object], list[Object]]], category_id: int) -> float:
    scores = []
    for percent in PERCENTS:
        hits = wrong = lost = 0
        for true, found in photos:
            own_true = [each for each in true if each[0] == category_id]
            own_found = [each for each in found if each[0] == category_id]
            n = naive_hits(own_true, own_found, percent)
            hits, wrong, lost = hits + n, wrong + len(own_found) - n, lost + len(own_true) - n
        scores.append(hits / (hits + wrong + lost))
    return sum(scores) / len(scores)


@st.composite
def true_objects(draw: st.DrawFn) -> list[Object]:
    """Up to four rectangles, which may overlap as the competition's garments and their parts do."""
    objects = []
    for _ in range(draw(st.integers(0, 4))):
        left, top = draw(st.integers(0, WIDTH - 2)), draw(st.integers(0, HEIGHT - 2))
        right, bottom = draw(st.integers(left + 1, WIDTH)), draw(st.integers(top + 1, HEIGHT))
        objects.append((draw(st.sampled_from([0, 4, 23])), rectangle(left, top, right, bottom)))
    return objects


@st.composite
def predicted_objects(draw: st.DrawFn, true: list[Object]) -> list[Object]:
    """Copies of true objects, frayed, some under another name, and none over another."""
    taken: Pixels = frozenset()
    objects = []
    for category_id, pixels in draw(st.permutations(true)):
        frayed = pixels - frozenset(draw(st.lists(st.sampled_from(sorted(pixels)), max_size=len(pixels) // 2)))
        frayed |= frozenset(draw(st.lists(st.sampled_from(sorted(rectangle(0, 0, WIDTH, HEIGHT))), max_size=6)))
        if frayed - taken:
            objects.append((draw(st.sampled_from([category_id, category_id, 4])), frayed - taken))
            taken |= frayed
    return objects


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_scores_equal_those_of_the_definition_taken_word_by_word(data: st.DataObject) -> None:
    photos = []
    for _ in range(data.draw(st.integers(1, 3))):
        true = data.draw(true_objects())
        photos.append((true, data.draw(predicted_objects(true))))
    scores = kaggle_scores([photo(true) for true, _ in photos], [detections(found) for _, found in photos])
    naive = [naive_photo_score(true, found) for true, found in photos]
    np.testing.assert_allclose(scores.per_photo, naive, atol=1e-12)
    assert scores.score == pytest.approx(sum(naive) / len(naive))
    annotated = {category_id for true, _ in photos for category_id, _ in true}
    for category_id, score in enumerate(scores.per_category):
        if category_id in annotated:
            assert score == pytest.approx(naive_category_score(photos, category_id))
        else:
            assert np.isnan(score)


def test_an_overlap_of_exactly_a_threshold_is_no_hit_there() -> None:
    for parts in range(10, 20):  # IoU = parts / 20, a threshold each
        strip = rectangle(0, 0, 5, 4)
        [score] = kaggle_scores([photo([(4, strip)])], [detections([(4, frozenset(sorted(strip)[:parts]))])]).per_photo
        assert score == pytest.approx((parts - 10) / 10)


def test_the_name_must_agree_and_a_photo_without_garments_asks_for_silence() -> None:
    square = rectangle(0, 0, 4, 4)
    assert kaggle_scores([photo([(4, square)])], [detections([(9, square)])]).score == 0.0
    assert kaggle_scores([photo([(4, square)])], [detections([(4, square)])]).score == 1.0
    assert kaggle_scores([photo([])], [[]]).score == 1.0
    assert kaggle_scores([photo([])], [detections([(4, square)])]).score == 0.0
    assert (kaggle_scores([], []).score, kaggle_scores([], []).by_class) == (0.0, 0.0)


@given(st.lists(true_objects(), min_size=1, max_size=1))
@settings(max_examples=60, deadline=None)
def test_disjoint_masks_share_no_pixel_and_lose_none(drawn: list[list[Object]]) -> None:
    found = detections(drawn[0])
    masks = [mask_from_rle(one.mask) for one in disjoint(found)]
    total = np.sum(masks, axis=0) if masks else np.zeros((HEIGHT, WIDTH))
    assert total.max() <= 1
    union = np.any([mask_from_rle(one.mask) for one in found], axis=0) if found else np.zeros((HEIGHT, WIDTH))
    np.testing.assert_array_equal(total > 0, union)
    assert all(mask.any() for mask in masks)


def test_a_belt_stays_whole_on_a_dress() -> None:
    dress, belt = rectangle(0, 0, 8, 8), rectangle(1, 3, 7, 5)
    kept = disjoint(detections([(10, dress), (19, belt)]))
    assert [one.category_id for one in kept] == [10, 19]
    assert [int(mask_from_rle(one.mask).sum()) for one in kept] == [64 - 12, 12]
