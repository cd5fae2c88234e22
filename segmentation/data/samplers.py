"""Which photos an epoch sees, how often, and in which batches; rare categories may be seen more often."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from segmentation.config import SamplingConfig, TrainConfig
from segmentation.data.annotations import AnnotatedPhoto, Photos
from segmentation.errors import ConfigError
from segmentation.taxonomy import CATEGORIES, Category, find_category


class SampleKey(NamedTuple):
    """One sample to make: a photo, its longer side in pixels, the epoch, and the sample's position in the epoch.

    Epoch and position seed everything random about a sample, so it is the same in whichever process it is made.
    """

    photo: int
    side_px: int
    epoch: int
    position: int


def repeat_factors(counts: NDArray[np.int32], threshold: float) -> NDArray[np.float64]:
    """How often each photo is seen in an epoch, so that rare categories are met more often.

    A category in a share f of the photos gets r = max(1, sqrt(threshold / f)); a photo gets the largest r of its
    categories.

    Args:
        counts: Instances by photo and category, shape (n_photos, n_categories).
        threshold: Share of photos (0..1) below which a category counts as rare; 0 repeats nothing.

    Returns:
        float64, shape (n_photos,), at least 1.

    Source: Gupta, Dollár, Girshick, "LVIS: A Dataset for Large Vocabulary Instance Segmentation", CVPR 2019.

    >>> repeat_factors(np.array([[1, 0]] * 3 + [[2, 1]], dtype=np.int32), 1.0).tolist()
    [1.0, 1.0, 1.0, 2.0]
    """
    has = counts > 0
    share = has.mean(axis=0) if len(counts) else np.ones(counts.shape[1])
    of_category = np.sqrt(threshold / np.maximum(share, 1e-12))
    largest: NDArray[np.float64] = np.where(has, of_category, 0.0).max(axis=1, initial=1.0)
    return largest


def photo_repeats(photos: Sequence[AnnotatedPhoto], config: SamplingConfig) -> NDArray[np.float64]:
    """How often each photo is seen in an epoch: its repeat factor or its oversampling, whichever is larger.

    Raises:
        ConfigError: An oversampled category is unknown ("did you mean"), or a number is out of range.
    """
    oversampled = [_named_category(name).id for name in config.oversample_categories]
    if config.oversample_factor < 1 or config.repeat_factor_threshold < 0:
        raise ConfigError("train.sampling: expected oversample_factor >= 1 and repeat_factor_threshold >= 0")
    if config.repeat_factor_threshold == 0 and not oversampled:
        return np.ones(len(photos))
    counts = Photos.of(photos).category_counts()
    repeats = repeat_factors(counts, config.repeat_factor_threshold)
    named = counts[:, oversampled].any(axis=1)
    return np.maximum(repeats, np.where(named, config.oversample_factor, 1.0))


def _named_category(name: str) -> Category:
    found = find_category(name)
    if found is None:
        words = [word for category in CATEGORIES for word in (category.name, *category.name.split(", "))]
        close = difflib.get_close_matches(name, words, n=1)
        hint = f"; did you mean {close[0]!r}?" if close else ""
        raise ConfigError(f"train.sampling.oversample_categories: no category {name!r}{hint}")
    return found


def n_samples(repeats: NDArray[np.float64]) -> int:
    """How many samples every epoch has: the whole repeats, and the fractions' sum rounded."""
    whole = np.floor(repeats)
    return int(whole.sum()) + round(float((repeats - whole).sum()))


def n_batches(repeats: NDArray[np.float64], batch_size: int) -> int:
    """How many batches every epoch has, the last one possibly small; the same for every epoch and process."""
    return -(-n_samples(repeats) // batch_size)


class EpochBatches:
    """The batches of one epoch as lists of `SampleKey`, shuffled by (seed, epoch), one longer side a batch.

    Resumable at any batch, and divisible: process `rank` of `world_size` gets every world_size-th sample of each
    batch, which of a small last batch may be none.
    """

    def __init__(
        self,
        repeats: NDArray[np.float64],
        train: TrainConfig,
        epoch: int,
        first_batch: int = 0,
        shard: tuple[int, int] = (0, 1),
    ) -> None:
        """Plan the epoch.

        Args:
            repeats: From `photo_repeats`: how often each photo is seen, shape (n_photos,). A fraction is rounded
                up or down at random, anew in each epoch.
            train: Batch size, sides and seed.
            epoch: From 0.
            first_batch: Where to begin; earlier batches were trained on already.
            shard: Rank and world size.
        """
        self._repeats, self._train, self._epoch = repeats, train, epoch
        self._first_batch, self._shard = first_batch, shard

    def __len__(self) -> int:
        """How many batches are left."""
        return n_batches(self._repeats, self._train.batch_size) - self._first_batch

    def __iter__(self) -> Iterator[list[SampleKey]]:
        """Yield this process's share of each batch."""
        rng = np.random.default_rng((self._train.seed, self._epoch))
        order = self._order(rng)
        size, (rank, world_size) = self._train.batch_size, self._shard
        for batch, start in enumerate(range(0, len(order), size)):
            side = int(rng.choice(self._train.train_sides_px))
            if batch >= self._first_batch:
                end = min(start + size, len(order))
                share = range(start + rank, end, world_size)
                yield [SampleKey(int(order[at]), side, self._epoch, at) for at in share]

    def _order(self, rng: np.random.Generator) -> NDArray[np.int64]:
        """Photo indices in the epoch's order; fractions rounded by systematic sampling, so the total is exact."""
        whole = np.floor(self._repeats)
        fractions = self._repeats - whole
        times = whole.astype(np.int64)
        n_extra = n_samples(self._repeats) - int(times.sum())
        if n_extra > 0:
            shuffled = rng.permutation(len(fractions))
            ends = np.cumsum(fractions[shuffled])
            ends = np.floor(ends * (n_extra / ends[-1]) + rng.random())
            ends[-1] = n_extra
            times[shuffled] += np.diff(ends, prepend=0.0).astype(np.int64)
        return rng.permutation(np.repeat(np.arange(len(times)), times))
