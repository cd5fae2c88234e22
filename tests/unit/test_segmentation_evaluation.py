"""What is matched with what: confusion, kinds of errors, curves and calibration on cases made by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from segmentation.data.annotations import AnnotatedPhoto, Instance
from segmentation.evaluation.coco_ap import NAMES, SUPERCATEGORIES, average_precision
from segmentation.evaluation.coco_figures import coco_figures
from segmentation.evaluation.confusion import NOTHING, ErrorKind, confusion_matrix, error_counts
from segmentation.evaluation.curves import calibration, precision_recall
from segmentation.evaluation.examples import best_hits, confident_false_alarms, worst_misses
from segmentation.evaluation.intervals import bootstrap_interval
from segmentation.evaluation.matching import Overlaps, all_overlaps, pairs_by_score, photo_overlaps
from segmentation.masks import rle_from_mask
from segmentation.types import Detection, MaskRLE

HEIGHT, WIDTH = 20, 30
SHIRT, TOP, JACKET, SHOE, BAG = 0, 1, 4, 23, 24
Box = tuple[int, int, int, int]


def boxed_photo(*garments: tuple[int, Box], name: str = "a") -> AnnotatedPhoto:
    instances = tuple(Instance(category_id, boxed(box)) for category_id, box in garments)
    return AnnotatedPhoto(name, Path(name), HEIGHT, WIDTH, instances)


def boxed(box: Box) -> MaskRLE:
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    mask[box[1] : box[3], box[0] : box[2]] = 1
    return rle_from_mask(mask)


def seen(category_id: int, score: float, box: Box) -> Detection:
    return Detection(category_id, score, box, boxed(box))


def test_a_stronger_detection_takes_the_garment_and_the_weaker_is_a_duplicate() -> None:
    photo = boxed_photo((SHOE, (0, 0, 10, 10)))
    one = photo_overlaps(photo, [seen(SHOE, 0.6, (0, 0, 10, 10)), seen(SHOE, 0.9, (0, 0, 10, 8))])
    assert pairs_by_score(one, 0.5).tolist() == [-1, 0]
    errors = error_counts([one])
    assert {kind: count for kind, count in errors.items() if count} == {ErrorKind.DUPLICATE: 1}


def test_every_kind_of_error_is_told_from_the_others() -> None:
    photo = boxed_photo(
        (SHIRT, (0, 0, 10, 10)),  # named top
        (SHOE, (12, 0, 22, 4)),  # outline too short
        (BAG, (12, 10, 22, 20)),  # touched by a jacket
        (BAG, (24, 10, 30, 20)),  # nobody looks
    )
    found = [
        seen(TOP, 0.9, (0, 0, 10, 9)),
        seen(SHOE, 0.8, (12, 0, 15, 4)),
        seen(JACKET, 0.7, (12, 10, 15, 20)),
        seen(SHOE, 0.6, (0, 14, 6, 20)),
    ]
    errors = error_counts(all_overlaps([photo], [found]))
    assert errors == {
        ErrorKind.CLASSIFICATION: 1,
        ErrorKind.LOCALIZATION: 1,
        ErrorKind.BOTH: 1,
        ErrorKind.DUPLICATE: 0,
        ErrorKind.BACKGROUND: 1,
        ErrorKind.MISSED: 2,  # both bags: the shirt and the shoe are explained
    }


def test_confusion_counts_names_misses_and_inventions() -> None:
    photo = boxed_photo((SHIRT, (0, 0, 10, 10)), (SHOE, (12, 0, 22, 10)), (BAG, (24, 10, 30, 20)))
    found = [
        seen(TOP, 0.9, (0, 0, 10, 9)),
        seen(SHOE, 0.8, (12, 0, 22, 9)),
        seen(SHOE, 0.6, (0, 14, 6, 20)),
    ]
    counts = confusion_matrix(all_overlaps([photo], [found]))
    expected = np.zeros((47, 47), int)
    expected[SHIRT, TOP] = expected[SHOE, SHOE] = expected[BAG, NOTHING] = expected[NOTHING, SHOE] = 1
    np.testing.assert_array_equal(counts, expected)


def test_the_right_name_is_counted_even_where_another_covers_the_garment_better() -> None:
    photo = boxed_photo((SHIRT, (0, 0, 10, 10)))
    found = [seen(TOP, 0.9, (0, 0, 10, 10)), seen(SHIRT, 0.5, (0, 0, 10, 8))]
    counts = confusion_matrix(all_overlaps([photo], [found]))
    assert counts[SHIRT, SHIRT] == 1
    assert counts[NOTHING, TOP] == 1
    assert counts.sum() == 2


@st.composite
def scenes(draw: st.DrawFn) -> tuple[list[AnnotatedPhoto], list[list[Detection]]]:
    def box() -> Box:
        left, top = draw(st.integers(0, WIDTH - 8)), draw(st.integers(0, HEIGHT - 8))
        return left, top, left + draw(st.integers(4, 8)), top + draw(st.integers(4, 8))

    photos, detections = [], []
    for number in range(draw(st.integers(1, 3))):
        garments = [(draw(st.sampled_from([SHIRT, SHOE])), box()) for _ in range(draw(st.integers(0, 3)))]
        photos.append(boxed_photo(*garments, name=str(number)))
        places = st.one_of(st.sampled_from(garments).map(lambda one: one[1]) if garments else st.nothing(), st.just(0))
        found = []
        for _ in range(draw(st.integers(0, 4))):
            place = draw(places)
            score = draw(st.integers(1, 999)) / 1000
            found.append(seen(draw(st.sampled_from([SHIRT, SHOE])), score, box() if place == 0 else place))
        detections.append(found)
    return photos, detections


@given(scenes())
@settings(max_examples=60, deadline=None)
def test_areas_under_the_curves_are_those_of_pycocotools(
    scene: tuple[list[AnnotatedPhoto], list[list[Detection]]],
) -> None:
    photos, detections = scene
    scores = [detection.score for found in detections for detection in found]
    assume(len(set(scores)) == len(scores))  # which of two equals is first, COCO leaves to the order of photos
    expected = coco_figures(photos, detections, "segm", NAMES).per_class50
    overlaps = all_overlaps(photos, detections)
    for category_id in (SHIRT, SHOE):
        curve = precision_recall(overlaps, min_iou=0.5, category_id=category_id)
        if curve is None:
            assert NAMES[category_id] not in expected
        else:
            assert curve.average_precision == pytest.approx(expected[NAMES[category_id]])


def test_nothing_found_scores_zero_and_nothing_annotated_scores_nothing() -> None:
    photo = boxed_photo((SHOE, (0, 0, 10, 10)))
    silent = coco_figures([photo], [[]], "segm", NAMES)
    assert (silent.ap, silent.ar, silent.per_class) == (0.0, 0.0, {"shoe": 0.0})
    empty = coco_figures([boxed_photo()], [[seen(SHOE, 0.9, (0, 0, 4, 4))]], "bbox", SUPERCATEGORIES)
    assert (empty.ap, empty.ap_small, empty.per_class) == (None, None, {})
    assert average_precision([boxed_photo()], [[]]).mask_ap == 0.0
    assert precision_recall(all_overlaps([boxed_photo()], [[]]), min_iou=0.5) is None


def test_names_of_one_super_category_count_as_one_there() -> None:
    photo = boxed_photo((SHIRT, (0, 0, 10, 10)))
    report = average_precision([photo], [[seen(TOP, 0.9, (0, 0, 10, 10))]])
    assert report.mask_ap == 0.0
    assert report.supercategory_mask_ap == pytest.approx(1.0)


def test_calibration_compares_scores_with_what_came_true() -> None:
    one = Overlaps(
        iou=np.eye(4),
        scores=np.array([0.95, 0.95, 0.91, 1.0]),
        found_ids=np.array([1, 1, 1, 1]),
        true_ids=np.full(4, 1),
    )
    found = calibration([one])
    assert found.n[-1] == 4
    assert found.share_right[-1] == 1.0
    assert found.mean_score[:9] == (None,) * 9
    wrong = Overlaps(np.zeros((2, 0)), np.array([0.15, 0.85]), np.array([1, 1]), np.zeros(0, np.int64))
    assert calibration([wrong]).expected_error == pytest.approx(0.5)
    assert calibration([]).expected_error == 0.0


def test_examples_show_the_largest_miss_the_surest_alarm_and_the_closest_hit() -> None:
    photo = boxed_photo((SHIRT, (0, 0, 10, 10)), (SHOE, (12, 0, 16, 4)), (BAG, (20, 0, 24, 4)))
    found = [
        seen(TOP, 0.9, (0, 0, 10, 9)),
        seen(BAG, 0.8, (20, 0, 24, 4)),
        seen(SHOE, 0.6, (0, 14, 6, 20)),
    ]
    overlaps = all_overlaps([photo], [found])
    misses = worst_misses([photo], [found], overlaps)
    assert [(one.true, one.found, one.caption) for one in misses] == [
        (0, 0, ("shirt", "found as top, IoU 0.90")),
        (1, None, ("shoe", "nothing found here")),
    ]
    alarms = confident_false_alarms(overlaps)
    assert [one.caption[1] for one in alarms] == ["score 0.90; true shirt, IoU 0.90", "score 0.60; nothing is there"]
    assert [(one.true, one.found) for one in best_hits(overlaps)] == [(2, 1)]


def test_examples_of_one_photo_or_category_do_not_crowd_out_the_others() -> None:
    many = boxed_photo(*[(SHOE, (left, 0, left + 2, 10)) for left in range(0, 30, 2)])
    other = boxed_photo((BAG, (0, 0, 2, 2)), name="b")
    photos, silence = [many, other], [[], []]
    misses = worst_misses(photos, silence, all_overlaps(photos, silence))
    assert [one.photo for one in misses] == [0, 0, 1]


def test_an_interval_of_paired_differences_tells_a_shift_from_noise() -> None:
    rng = np.random.default_rng(3)
    noise = rng.normal(0, 0.1, 200)
    low, high = bootstrap_interval(noise - noise.mean())
    assert low < 0 < high
    low, high = bootstrap_interval(noise - noise.mean() + 0.05)
    assert 0 < low < 0.05 < high
    # Mean +- 1.96 standard errors, for a mean of many.
    assert high - low == pytest.approx(2 * 1.96 * noise.std() / np.sqrt(200), rel=0.1)
