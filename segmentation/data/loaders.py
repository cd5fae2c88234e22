"""Batches for training and photos for evaluation."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from segmentation.config import SegmenterConfig
from segmentation.data.annotations import AnnotatedPhoto
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
    """Augmented training samples. The same (seed, epoch, photo) always gives the same sample."""

    def __init__(self, photos: tuple[AnnotatedPhoto, ...], config: SegmenterConfig) -> None:
        self._photos = photos
        self._config = config

    def __len__(self) -> int:
        """How many photos there are."""
        return len(self._photos)

    def __getitem__(self, key: tuple[int, int, int]) -> tuple[Tensor, Target, str]:
        """Make one sample from (photo index, longer side in pixels, epoch)."""
        index, side_px, epoch = key
        photo, train = self._photos[index], self._config.train
        rng = np.random.default_rng((train.seed, epoch, index))
        sample = load_sample(photo, max_side=side_px, min_side=min(side_px, self._config.model.min_side_px))
        if rng.random() < train.horizontal_flip:
            sample = flip_horizontal(sample)
        image = sample.image_rgb
        if train.color_jitter > 0:
            image = jitter_color(image, train.color_jitter, rng)
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


class EpochBatches:
    """The order of one epoch: shuffled by (seed, epoch), one longer side a batch, resumable at any batch."""

    def __init__(self, n_photos: int, config: SegmenterConfig, epoch: int, first_batch: int = 0) -> None:
        self._n_photos = n_photos
        self._train = config.train
        self._epoch = epoch
        self._first_batch = first_batch

    def __len__(self) -> int:
        """How many batches are left, the last one possibly small."""
        return -(-self._n_photos // self._train.batch_size) - self._first_batch

    def __iter__(self) -> Iterator[list[tuple[int, int, int]]]:
        """Yield keys for `TrainingPhotos`."""
        rng = np.random.default_rng((self._train.seed, self._epoch))
        order = rng.permutation(self._n_photos)
        size = self._train.batch_size
        for batch, start in enumerate(range(0, self._n_photos, size)):
            side = int(rng.choice(self._train.train_sides_px))
            if batch >= self._first_batch:
                yield [(int(index), side, self._epoch) for index in order[start : start + size]]


def collate(samples: list[tuple[Tensor, Target, str]]) -> Batch:
    """Photos of a batch differ in size, so they stay lists."""
    images, targets, image_ids = zip(*samples, strict=True)
    return list(images), list(targets), list(image_ids)


def training_loader(
    photos: tuple[AnnotatedPhoto, ...], config: SegmenterConfig, *, epoch: int, first_batch: int, n_workers: int
) -> DataLoader[Batch]:
    """Batches of one epoch from `first_batch` on."""
    dataset = TrainingPhotos(photos, config)
    return DataLoader(
        dataset,  # type: ignore[arg-type]  # collate turns samples into batches
        batch_sampler=EpochBatches(len(photos), config, epoch, first_batch),
        collate_fn=collate,
        num_workers=n_workers,
        # Of its own: a loader draws a seed at its start, and a resumed epoch has one start more.
        generator=torch.Generator().manual_seed(config.train.seed),
    )
