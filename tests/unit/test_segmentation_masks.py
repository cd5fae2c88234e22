"""Run-lengths, pasted masks and polygons, against naive loops and pycocotools."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from pycocotools import mask as coco_mask

from segmentation.data.imaterialist import parse_class_id
from segmentation.data.rle import format_encoded_pixels, parse_encoded_pixels
from segmentation.errors import AnnotationError
from segmentation.masks import (
    mask_from_rle,
    mask_polygons,
    paste_probabilities,
    rle_area,
    rle_from_crop,
    rle_from_mask,
    rle_from_starts,
    runs_from_rle,
)

masks = hnp.arrays(np.uint8, st.tuples(st.integers(1, 12), st.integers(1, 12)), elements=st.integers(0, 1))


def naive_encoded_pixels(mask: np.ndarray) -> str:
    """Column by column, first pixel 1, one pixel at a time."""
    flat = [int(mask[row, column]) for column in range(mask.shape[1]) for row in range(mask.shape[0])]
    runs: list[list[int]] = []
    for number, value in enumerate(flat, start=1):
        if value and runs and runs[-1][0] + runs[-1][1] == number:
            runs[-1][1] += 1
        elif value:
            runs.append([number, 1])
    return " ".join(f"{start} {length}" for start, length in runs)


@given(masks)
def test_encoded_pixels_go_there_and_back_as_a_naive_loop_says(mask: np.ndarray) -> None:
    text = naive_encoded_pixels(mask)
    if not text:
        with pytest.raises(AnnotationError, match="empty"):
            parse_encoded_pixels(text, *mask.shape)
        return
    rle = parse_encoded_pixels(text, *mask.shape)
    assert (mask_from_rle(rle) == mask).all()
    assert format_encoded_pixels(rle) == text
    assert format_encoded_pixels(parse_encoded_pixels(text, *mask.shape), first_pixel=0) == naive_shifted(text)


def naive_shifted(text: str) -> str:
    numbers = [int(word) for word in text.split()]
    return " ".join(str(number - 1 if index % 2 == 0 else number) for index, number in enumerate(numbers))


@given(masks)
def test_runs_come_out_of_compressed_run_lengths_as_pixels_say(mask: np.ndarray) -> None:
    starts, lengths = runs_from_rle(rle_from_mask(mask))
    drawn = np.zeros(mask.size, np.uint8)
    for start, length in zip(starts, lengths, strict=True):
        drawn[start : start + length] = 1
    assert (drawn.reshape(mask.shape, order="F") == mask).all()
    assert rle_from_starts(starts, lengths, *mask.shape) == rle_from_mask(mask)


@pytest.mark.parametrize(
    "counts", ["", "P", "1234567", "\x01\x02", "oooooooooo0", "0@", rle_from_mask(np.ones((9, 9), np.uint8))["counts"]]
)
def test_compressed_run_lengths_of_another_size_or_no_sense_are_refused(counts: str) -> None:
    with pytest.raises(ValueError, match="run"):
        runs_from_rle({"size": [4, 5], "counts": counts})


@given(masks, st.integers(0, 4), st.integers(0, 4), st.integers(0, 4), st.integers(0, 4))
def test_a_window_encodes_as_the_whole_mask_would(
    mask: np.ndarray, left: int, top: int, right: int, below: int
) -> None:
    whole = np.pad(mask, ((top, below), (left, right)))
    encoded = rle_from_crop(mask, left, top, *whole.shape)
    assert encoded == rle_from_mask(whole)
    assert rle_area(encoded) == int(whole.sum())


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("1 2 3", "odd"),
        ("1 0", "no pixels"),
        ("0 2", "before the first pixel"),
        ("5 3", "ends at pixel"),
        ("1 3 2 1", "overlap"),
        ("one 2", "whole numbers"),
        ("99999999999999999999 1", "ends at pixel"),
        ("-5 2", "before the first pixel"),
        ("1 -2", "no pixels"),
        ("", "empty"),
        ("  ", "empty"),
    ],
)
def test_bad_run_lengths_say_what_is_wrong(text: str, reason: str) -> None:
    with pytest.raises(AnnotationError, match=reason):
        parse_encoded_pixels(text, 2, 3)


def test_runs_in_any_order_are_the_same_mask() -> None:
    assert parse_encoded_pixels("4 1 1 2", 2, 3) == parse_encoded_pixels("1 2 4 1", 2, 3)


@pytest.mark.parametrize(("text", "reason"), [("46", "no category"), ("1_92", "no attribute"), ("a", "not a category")])
def test_a_class_outside_the_taxonomy_is_refused(text: str, reason: str) -> None:
    with pytest.raises(AnnotationError, match=reason):
        parse_class_id(text)


@settings(max_examples=60)
@given(st.floats(-20, 60), st.floats(-20, 60), st.floats(0.5, 80), st.floats(0.5, 80), st.integers(0, 2**32 - 1))
def test_a_pasted_mask_stays_in_the_photo_whatever_the_box(x: float, y: float, w: float, h: float, seed: int) -> None:
    square = np.random.default_rng(seed).random((28, 28), dtype=np.float32)
    window, left, top = paste_probabilities(square, (x, y, x + w, y + h), 40, 50, 0.5)
    assert left >= 0
    assert top >= 0
    assert left + window.shape[1] <= 50
    assert top + window.shape[0] <= 40
    assert set(np.unique(window)) <= {0, 1}


def test_a_pasted_mask_covers_what_the_square_covers() -> None:
    square = np.zeros((28, 28), np.float32)
    square[:, :14] = 1.0  # the left half of the box
    window, left, top = paste_probabilities(square, (10.0, 20.0, 90.0, 60.0), 100, 100, 0.5)
    full = np.zeros((100, 100), np.uint8)
    full[top : top + window.shape[0], left : left + window.shape[1]] = window
    assert full[20:60, 10:48].mean() > 0.97
    assert full[:, 53:].sum() == 0
    assert full[:20].sum() == 0
    assert full[60:].sum() == 0


@pytest.mark.parametrize(("height", "width"), [(20, 40_000), (40_000, 20)])
def test_a_mask_may_be_longer_than_opencv_warps(height: int, width: int) -> None:
    square = np.random.default_rng(0).random((28, 28), dtype=np.float32)
    window, _, _ = paste_probabilities(square, (0.0, 0.0, width, height), height, width, 0.5)
    assert window.shape == (height, width)
    # A tenth of the size samples the same square: pieces that do not fit together would differ where they meet.
    small, _, _ = paste_probabilities(
        square, (0.0, 0.0, width / 10, height / 10), max(2, height // 10), max(2, width // 10), 0.5
    )
    assert abs(float(window.mean()) - float(small.mean())) < 0.05
    middle = window[height // 2] if width > height else window[:, width // 2]
    assert np.count_nonzero(np.diff(middle.astype(int))) < 28


def test_polygons_trace_each_piece_in_shares_of_the_photo() -> None:
    mask = np.zeros((100, 200), np.uint8)
    mask[10:50, 20:100] = 1
    mask[60:90, 150:190] = 1
    mask[2:5, 2:5] = 1  # a speck
    polygons = mask_polygons(rle_from_mask(mask))
    assert len(polygons) == 2
    xs, ys = polygons[0][0::2], polygons[0][1::2]
    assert min(xs) == pytest.approx(0.1, abs=0.01)
    assert max(xs) == pytest.approx(0.5, abs=0.01)
    assert min(ys) == pytest.approx(0.1, abs=0.01)
    assert max(ys) == pytest.approx(0.5, abs=0.01)
    redrawn = coco_mask.decode(
        coco_mask.merge(
            coco_mask.frPyObjects([[v * (200, 100)[i % 2] for i, v in enumerate(p)] for p in polygons], 100, 200)
        )
    )
    mask[2:5, 2:5] = 0
    assert (redrawn & mask).sum() / (redrawn | mask).sum() > 0.93
