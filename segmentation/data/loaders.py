"""Batches for training."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from segmentation.config import SegmenterConfig
from segmentation.data.annotations import AnnotatedPhoto
from segmentation.data.augment import change_geometry, change_pixels, check_augment, draw_framing
from segmentation.data.copy_paste import Donors, paste_garments
from segmentation.data.samplers import EpochBatches, SampleKey, photo_repeats
from segmentation.data.samples import Sample, load_sample, whole_photo
from segmentation.data.transforms import boxes_from_masks, keep, mask_areas
from segmentation.resizing import check_resizing

Target = dict[str, Tensor]
"""boxes: float32 (N, 4) xyxy pixels; labels: int64 (N,), category + 1; masks: uint8 (N, H, W)."""
Batch = tuple[list[Tensor], list[Target], list[str]]
"""Photos float32 (3, H, W) RGB 0..1, their targets, and their image ids."""


class TrainingPhotos(Dataset[tuple[Tensor, Target, str]]):
    """Augmented training samples. The same seed and key always give the same sample, in whichever process."""

    def __init__(self, photos: Sequence[AnnotatedPhoto], config: SegmenterConfig) -> None:
        """Prepare; nothing is decoded yet.

        Raises:
            ConfigError: A value of `model.resize`, `model.interpolation`, `train.augment` or `train.sampling` is wrong.
        """
        check_resizing(config.model)
        check_augment(config.train.augment)
        self._photos = photos
        self._config = config
        self.repeats = photo_repeats(photos, config.train.sampling)
        self._donors = Donors(photos, self.repeats)

    def __len__(self) -> int:
        """How many photos there are."""
        return len(self._photos)

    def __getitem__(self, key: SampleKey) -> tuple[Tensor, Target, str]:
        """The sample as the model takes it.

        Raises:
            AnnotationError: The photo cannot be decoded, or is not of the annotated size.
        """
        sample = self.sample(key)
        target = {
            "boxes": torch.from_numpy(boxes_from_masks(sample.masks)),
            "labels": torch.from_numpy(sample.category_ids + 1),
            "masks": torch.from_numpy(sample.masks),
        }
        return to_tensor(sample.image_rgb), target, self._photos[key.photo].image_id

    def plain(self, key: SampleKey) -> Sample:
        """The whole photo, unchanged but for its size, with the instances that are large enough to train on."""
        photo = self._photos[key.photo]
        return self._large_enough(
            load_sample(photo, self._config.model, whole_photo(photo, self._config.model, key.side_px))
        )

    def sample(self, key: SampleKey) -> Sample:
        """The augmented sample."""
        model, train, photo = self._config.model, self._config.train, self._photos[key.photo]
        augment = train.augment
        rng = np.random.default_rng((train.seed, key.epoch, key.position))
        sample = load_sample(photo, model, draw_framing(photo, model, augment, key.side_px, rng))
        sample = change_geometry(sample, model, augment, rng)
        if rng.random() < augment.copy_paste:
            donor = self._donors.draw(key.photo, rng)
            if donor is not None:
                sample = paste_garments(sample, donor, model, key.side_px, augment.copy_paste_max, rng)
        return self._large_enough(change_pixels(sample, augment, rng))

    def _large_enough(self, sample: Sample) -> Sample:
        return keep(sample, mask_areas(sample.masks) >= max(1, self._config.train.min_area_px))


def to_tensor(image_rgb: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> Tensor:
    """uint8 (H, W, 3) 0..255 -> float32 (3, H, W) 0..1."""
    return torch.from_numpy(np.ascontiguousarray(image_rgb.transpose(2, 0, 1))).float().div_(255.0)


def collate(samples: list[tuple[Tensor, Target, str]]) -> Batch:
    """Photos of a batch differ in size, so they stay lists; a process's share of a last batch may be empty."""
    if not samples:
        return [], [], []
    images, targets, image_ids = zip(*samples, strict=True)
    return list(images), list(targets), list(image_ids)


def training_loader(
    photos: Sequence[AnnotatedPhoto],
    config: SegmenterConfig,
    *,
    epoch: int,
    first_batch: int,
    n_workers: int,
    shard: tuple[int, int] = (0, 1),
) -> DataLoader[Batch]:
    """Batches of one epoch from `first_batch` on; of each, the share of process `shard` = (rank, world size).

    With workers, OpenCV keeps to one thread from now on, in this process too.

    Raises:
        ConfigError: As `TrainingPhotos`.
    """
    dataset = TrainingPhotos(photos, config)
    if n_workers > 0:
        # Before the fork: a child waits for ever for the threads OpenCV had here, even to tell it to have none. It has
        # them after the first large photo, such as one that an epoch was validated on.
        cv2.setNumThreads(1)
    return DataLoader(
        dataset,  # type: ignore[arg-type]  # collate turns samples into batches
        batch_sampler=EpochBatches(dataset.repeats, config.train, epoch, first_batch, shard),
        collate_fn=collate,
        num_workers=n_workers,
        pin_memory=torch.cuda.is_available(),
        # Of its own: a loader draws a seed at its start, and a resumed epoch has one start more.
        generator=torch.Generator().manual_seed(config.train.seed),
    )
