"""Which photos an epoch sees: every one once, rare ones more often, the same after a resumption and over processes."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from segmentation.config import SamplingConfig, TrainConfig
from segmentation.data.annotations import AnnotatedPhoto, Instance
from segmentation.data.loaders import collate
from segmentation.data.samplers import EpochBatches, n_batches, n_samples, photo_repeats, repeat_factors
from segmentation.errors import ConfigError
from segmentation.masks import rle_from_mask

RLE = rle_from_mask(np.ones((4, 4), np.uint8))
SHOE, TIE, CAPE = 23, 16, 12


def photo(*category_ids: int) -> AnnotatedPhoto:
    return AnnotatedPhoto("a", Path("a.jpg"), 4, 4, tuple(Instance(category, RLE) for category in category_ids))


def test_an_epoch_visits_every_photo_once_and_resumes_where_it_was() -> None:
    train = TrainConfig(batch_size=4)
    batches = list(EpochBatches(np.ones(10), train, epoch=2))
    assert sorted(key.photo for batch in batches for key in batch) == list(range(10))
    assert [key.position for batch in batches for key in batch] == list(range(10))
    for first in range(4):
        rest = EpochBatches(np.ones(10), train, epoch=2, first_batch=first)
        assert list(rest) == batches[first:]
        assert len(rest) == 3 - first
    assert list(EpochBatches(np.ones(10), train, epoch=3)) != batches
    assert all(len({key.side_px for key in batch}) == 1 for batch in batches), "one size a batch"


@pytest.mark.parametrize("world_size", [1, 2, 3])
def test_processes_share_each_batch_without_gap_or_overlap(world_size: int) -> None:
    train, repeats = TrainConfig(batch_size=4), np.linspace(1.0, 2.2, 9)
    whole = list(EpochBatches(repeats, train, epoch=1, first_batch=1))
    shares = [
        list(EpochBatches(repeats, train, epoch=1, first_batch=1, shard=(rank, world_size)))
        for rank in range(world_size)
    ]
    for number, batch in enumerate(whole):
        assert sorted(key for share in shares for key in share[number]) == sorted(batch)
    assert {len(share) for share in shares} == {len(whole)}


def test_a_share_of_a_small_last_batch_may_be_empty() -> None:
    last = list(EpochBatches(np.ones(5), TrainConfig(batch_size=4), epoch=0, shard=(1, 2)))[-1]
    assert last == []
    assert collate([]) == ([], [], [])


def test_repeats_follow_the_papers_formula() -> None:
    photos = [photo(SHOE)] * 90 + [photo(SHOE, SHOE, TIE)] * 9 + [photo(TIE, CAPE)]
    repeats = photo_repeats(photos, SamplingConfig(repeat_factor_threshold=0.4))
    assert repeats[:90] == pytest.approx(1.0), "shoes are in 99 of 100 photos: more than 40 %"
    assert repeats[90:99] == pytest.approx(math.sqrt(0.4 / 0.10)), "ties in 10 of 100"
    assert repeats[99] == pytest.approx(math.sqrt(0.4 / 0.01)), "the rarest category of a photo decides"
    assert (photo_repeats(photos, SamplingConfig()) == 1).all()
    assert (repeat_factors(np.zeros((3, 46), np.int32), 0.5) == 1).all(), "photos without garments stay"


def test_fractional_repeats_are_met_on_average_and_every_epoch_is_equally_long() -> None:
    train, repeats = TrainConfig(batch_size=4), np.array([1.0] * 20 + [1.25] * 10 + [3.7] * 5)
    total = np.zeros(len(repeats))
    for epoch in range(400):
        batches = list(EpochBatches(repeats, train, epoch))
        assert len(batches) == n_batches(repeats, 4) == 13  # 51 samples
        seen = np.bincount([key.photo for batch in batches for key in batch], minlength=len(repeats))
        assert seen.sum() == n_samples(repeats) == 51
        assert (np.abs(seen - repeats) < 1).all(), "rounded up or down, never further"
        total += seen
    assert total / 400 == pytest.approx(repeats, abs=0.12)


def test_named_categories_are_oversampled() -> None:
    photos = [photo(SHOE), photo(TIE), photo(SHOE, CAPE)]
    config = SamplingConfig(oversample_categories=("tie", "cape"), oversample_factor=2.5)
    assert photo_repeats(photos, config).tolist() == [1.0, 2.5, 2.5]


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (SamplingConfig(oversample_categories=("jaket",)), "no category 'jaket'; did you mean 'jacket'"),
        (SamplingConfig(oversample_categories=("t-shrt",)), "did you mean 't-shirt'"),
        (SamplingConfig(oversample_categories=("shoe",), oversample_factor=0.5), "oversample_factor >= 1"),
        (SamplingConfig(repeat_factor_threshold=-1.0), "repeat_factor_threshold >= 0"),
    ],
)
def test_a_wrong_sampling_is_refused_by_name(config: SamplingConfig, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        photo_repeats([photo(SHOE)], config)
