"""Photos as arrays: like the tuple they stand for, and cheap to send. Run-lengths against a naive reader."""

from __future__ import annotations

import pickle
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segmentation.data.annotations import AnnotatedPhoto, AnnotationSet, Instance, Photos
from segmentation.data.rle import parse_encoded_pixels
from segmentation.data.sources import hold_out
from segmentation.data.summary import summarize
from segmentation.errors import AnnotationError
from segmentation.masks import mask_from_rle, rle_from_mask


def a_mask(seed: int, height: int, width: int) -> np.ndarray:
    mask = (np.random.default_rng(seed).random((height, width)) < 0.4).astype(np.uint8)
    mask[seed % height, seed % width] = 1
    return mask


@st.composite
def annotated_photos(draw: st.DrawFn) -> AnnotatedPhoto:
    height, width = draw(st.integers(1, 6)), draw(st.integers(1, 6))
    instances = tuple(
        Instance(
            draw(st.integers(0, 45)),
            rle_from_mask(a_mask(draw(st.integers(0, 99)), height, width)),
            tuple(draw(st.lists(st.integers(0, 91), max_size=3))),
        )
        for _ in range(draw(st.integers(0, 3)))
    )
    name = draw(st.text("abc", min_size=1, max_size=3))
    return AnnotatedPhoto(name, Path("photos") / f"{name}.jpg", height, width, instances)


lists_of_photos = st.lists(annotated_photos(), max_size=6).map(tuple)


@given(lists_of_photos, st.slices(6))
def test_photos_read_like_the_tuple_they_were_made_of(wanted: tuple[AnnotatedPhoto, ...], part: slice) -> None:
    photos = Photos.of(wanted)
    assert len(photos) == len(wanted)
    assert tuple(photos) == wanted
    assert photos == wanted
    assert [photos[index] for index in range(-len(wanted), len(wanted))] == [*wanted, *wanted]
    assert photos[part] == wanted[part]
    assert all(photo in photos for photo in wanted)
    assert photos.n_instances == sum(len(photo.instances) for photo in wanted)
    assert photos.image_ids == [photo.image_id for photo in wanted]
    assert photos.files == [photo.file for photo in wanted]
    assert bool(photos) == bool(wanted)
    with pytest.raises(IndexError):
        photos[len(wanted)]


@given(lists_of_photos, st.lists(st.integers(0, 99), max_size=8), lists_of_photos)
def test_parts_of_photos_are_chosen_joined_and_sent_without_losing_one(
    wanted: tuple[AnnotatedPhoto, ...], numbers: list[int], more: tuple[AnnotatedPhoto, ...]
) -> None:
    indices = [number % len(wanted) for number in numbers] if wanted else []
    chosen = tuple(wanted[index] for index in indices)
    part = Photos.of(wanted).take(indices)
    assert part == chosen
    assert pickle.loads(pickle.dumps(part)) == chosen
    assert Photos.concatenated([part, Photos.of(more), part]) == (*chosen, *more, *chosen)
    assert Photos.concatenated([]) == ()
    assert part.with_instances() == tuple(photo for photo in chosen if photo.instances)
    assert part[::-1].take([0] if indices else []) == chosen[-1:]


@given(lists_of_photos, st.slices(6))
def test_counts_and_areas_are_those_of_the_photos_shown(wanted: tuple[AnnotatedPhoto, ...], part: slice) -> None:
    photos, wanted = Photos.of(wanted)[part], wanted[part]
    counts = photos.category_counts()
    assert counts.shape == (len(wanted), 46)
    assert counts.dtype == np.int32
    for row, photo in zip(counts, wanted, strict=True):
        assert {key: n for key, n in enumerate(row) if n} == Counter(each.category_id for each in photo.instances)
    category_ids, shares = photos.area_shares()
    instances = [instance for photo in wanted for instance in photo.instances]
    assert category_ids.tolist() == [instance.category_id for instance in instances]
    assert shares.tolist() == pytest.approx([float(mask_from_rle(instance.mask).mean()) for instance in instances])


def many_photos(n_photos: int) -> Photos:
    rle = rle_from_mask(a_mask(1, 60, 50))
    return Photos.of(
        AnnotatedPhoto(f"{number}.jpg", Path(f"{number}.jpg"), 60, 50, (Instance(number % 46, rle),) * 7)
        for number in range(n_photos)
    )


def test_what_is_sent_to_a_worker_are_a_few_arrays_of_its_own_photos_alone() -> None:
    photos = many_photos(400)
    whole, part = pickle.dumps(photos, 5), pickle.dumps(photos.take([3, 5]), 5)
    runs = sum(len(instance.mask["counts"]) for photo in photos for instance in photo.instances)
    assert len(whole) < runs + 400 * 7 * 30 + 400 * 60 + 2000, "no objects an instance"
    assert len(part) < len(whole) / 50


def test_a_part_shares_its_arrays_with_the_whole() -> None:
    photos = many_photos(3)
    assert photos.take([1])._records is photos._records
    assert photos[1:]._records is photos._records


def test_photos_equal_no_other_kind_of_thing_and_cannot_be_hashed() -> None:
    photos = many_photos(1)
    assert photos != [*photos]
    assert photos != (*photos, *photos)
    with pytest.raises(TypeError):
        hash(photos)


@given(st.integers(1, 5), st.integers(1, 5), st.lists(st.integers(-1, 26), max_size=8), st.sampled_from([0, 1]))
def test_run_lengths_are_taken_or_refused_as_a_naive_reader_would(
    height: int, width: int, numbers: list[int], first_pixel: int
) -> None:
    text = " ".join(map(str, numbers))
    expected = naive_mask(numbers, height, width, first_pixel)
    if expected is None:
        with pytest.raises(AnnotationError):
            parse_encoded_pixels(text, height, width, first_pixel=first_pixel)
    else:
        assert (mask_from_rle(parse_encoded_pixels(text, height, width, first_pixel=first_pixel)) == expected).all()


def naive_mask(numbers: list[int], height: int, width: int, first_pixel: int) -> np.ndarray | None:
    """Pixel by pixel; None for what is no mask."""
    drawn = [0] * (height * width)
    if not numbers or len(numbers) % 2:
        return None
    for start, length in zip(numbers[::2], numbers[1::2], strict=True):
        if length < 1:
            return None
        for pixel in range(start - first_pixel, start - first_pixel + length):
            if not 0 <= pixel < len(drawn) or drawn[pixel]:
                return None
            drawn[pixel] = 1
    return np.array([[drawn[column * height + row] for column in range(width)] for row in range(height)])


def test_held_out_photos_share_the_arrays_too() -> None:
    photos = many_photos(200)
    train, val = hold_out(AnnotationSet(photos, ()))
    assert train.photos._records is val.photos._records is photos._records
    assert train.n_instances + val.n_instances == photos.n_instances


def test_a_summary_counts_garments_photos_sizes_and_areas() -> None:
    half = np.zeros((10, 20), np.uint8)
    half[:, :10] = 1
    rle, small = rle_from_mask(half), rle_from_mask(a_mask(0, 5, 4))
    summary = summarize(
        Photos.of(
            [
                AnnotatedPhoto("a", Path("a"), 10, 20, (Instance(4, rle), Instance(23, rle), Instance(23, rle))),
                AnnotatedPhoto("b", Path("b"), 5, 4, (Instance(23, small),)),
                AnnotatedPhoto("c", Path("c"), 1000, 2000, ()),
            ]
        )
    )
    assert (summary.n_photos, summary.n_photos_with_instances, summary.n_instances) == (3, 2, 4)
    assert summary.most_instances == 3
    assert summary.megapixels == (2e-5, 2e-4, 2.0)
    assert summary.longest_side_px == 2000
    shoe, jacket = summary.categories[:2]
    assert (shoe.name, shoe.n_instances, shoe.n_photos, shoe.median_area_share) == ("shoe", 3, 2, 0.5)
    assert (jacket.n_instances, jacket.median_area_share) == (1, 0.5)
    assert len(summary.categories) == 46
    assert summarize(Photos.of(())).n_instances == 0
