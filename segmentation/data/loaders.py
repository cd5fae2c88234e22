"""Batches for training and photos for evaluation."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from segmentation.config import SegmenterConfig
from segmentation.data.annotations import AnnotatedPhoto
from segmentation.data.samplers import EpochBatches, SampleKey, photo_repeats
from segmentation.data.transforms import (
    Sample,
    boxes_from_masks,
    fitted_size,
    flip_horizontal,
    jitter_color,
    resize,
    resize_mask,
)
from segmentation.errors import AnnotationError, PhotoRejected
from segmentation.images import decode_rgb
from segmentation.masks import mask_from_rle

Target = dict[str, Tensor]
"""boxes: float32 (N, 4) xyxy pixels; labels: int64 (N,), category + 1; masks: uint8 (N, H, W)."""
Batch = tuple[list[Tensor], list[Target], list[str]]
"""Photos float32 (3, H, W) RGB 0..1, their targets, and their image ids."""


class TrainingPhotos(Dataset[tuple[Tensor, Target, str]]):
    """Augmented training samples. The same (seed, epoch, position, photo) always gives the same sample."""

    def __init__(self, photos: Sequence[AnnotatedPhoto], config: SegmenterConfig) -> None:
        self._photos = photos
        self._config = config

    def __len__(self) -> int:
        """How many photos there are."""
        return len(self._photos)

    def __getitem__(self, key: SampleKey) -> tuple[Tensor, Target, str]:
        """Make one sample."""
        photo, train = self._photos[key.photo], self._config.train
        rng = np.random.default_rng((train.seed, key.epoch, key.position))
        sample = load_sample(photo, max_side=key.side_px, min_side=min(key.side_px, self._config.model.min_side_px))
        if rng.random() < train.augment.horizontal_flip:
            sample = flip_horizontal(sample)
        image = sample.image_rgb
        if train.augment.color_jitter > 0:
            image = jitter_color(image, train.augment.color_jitter, rng)
        kept = sample.masks.reshape(len(sample.masks), -1).sum(axis=1) >= train.min_area_px
        masks = sample.masks[kept]
        target = {
            "boxes": torch.from_numpy(boxes_from_masks(masks)),
            "labels": torch.from_numpy(sample.category_ids[kept] + 1),
            "masks": torch.from_numpy(masks),
        }
        return to_tensor(image), target, photo.image_id


def load_sample(photo: AnnotatedPhoto, *, max_side: int, min_side: int) -> Sample:
    """Decode a photo and its masks at the size that `fitted_size` gives.

    Raises:
        AnnotationError: The photo cannot be decoded, or is not of the annotated size.
    """
    try:
        decoded = decode_rgb(photo.file.read_bytes(), turn=False)
    except (OSError, ValueError, PhotoRejected) as error:
        raise AnnotationError(f"{photo.image_id}: {error}") from error
    height, width = decoded.shape[:2]
    if (height, width) != (photo.height_px, photo.width_px):
        raise AnnotationError(
            f"{photo.image_id}: the photo is {width}x{height}, annotated as {photo.width_px}x{photo.height_px}"
        )
    size = fitted_size(width, height, max_side=max_side, min_side=min_side)
    masks = [resize_mask(mask_from_rle(instance.mask), size) for instance in photo.instances]
    return Sample(
        resize(decoded, size),
        np.stack(masks) if masks else np.zeros((0, size[1], size[0]), np.uint8),
        np.array([instance.category_id for instance in photo.instances], dtype=np.int64),
    )


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

    Raises:
        ConfigError: As `photo_repeats`.
    """
    repeats = photo_repeats(photos, config.train.sampling)
    return DataLoader(
        TrainingPhotos(photos, config),  # type: ignore[arg-type]  # collate turns samples into batches
        batch_sampler=EpochBatches(repeats, config.train, epoch, first_batch, shard),
        collate_fn=collate,
        num_workers=n_workers,
        # Of its own: a loader draws a seed at its start, and a resumed epoch has one start more.
        generator=torch.Generator().manual_seed(config.train.seed),
    )
