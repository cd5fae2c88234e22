"""Fits the crop embedder's projection on annotated garments: no labels of identity are needed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from segmentation.config import EmbedderConfig
from segmentation.crops import garment_crop
from segmentation.data.annotations import AnnotatedPhoto
from segmentation.data.transforms import boxes_from_masks
from segmentation.device import best_device
from segmentation.embedding import CropEmbedder, Embedder, fit_projection
from segmentation.errors import ConfigError
from segmentation.images import decode_rgb
from segmentation.masks import mask_from_rle, rle_area
from segmentation.metric_learning.crop_store import CropStore
from segmentation.metric_learning.learning_model import load_features
from segmentation.metric_learning.views import plain_view

MIN_AREA_PX = 600
"""Smaller garments say little about how garments look."""


def fit_embedder(
    config: EmbedderConfig,
    photos: Sequence[AnnotatedPhoto],
    weights: str,
    *,
    shrinkage: float,
    also: CropStore | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> tuple[CropEmbedder, int]:
    """Load a trunk and fit its projection by PCA whitening.

    Args:
        config: The embedder's shape.
        photos: Annotated photos; their garments' crops are the sample.
        weights: A file in torchvision's names, an embedder whose trunk is taken, or `imagenet`.
        shrinkage: See `fit_projection`.
        also: Prepared crops that belong to the sample too.
        on_progress: Called with (photos and prepared crops done, in all).

    Returns:
        The model, and how many crops it was fitted on.

    Raises:
        CheckpointError: The weights do not belong to the trunk.
        ConfigError: Fewer crops than dimensions, or a configuration without a projection.
    """
    model = CropEmbedder(config, weights=weights)
    if not isinstance(model.projection, nn.Linear):
        raise ConfigError("projection: there is none to fit; expected linear")
    if weights != "imagenet":
        load_features(model, Path(weights))
    embedder = Embedder(model, config, device=best_device().name)
    n_steps = len(photos) + (0 if also is None else len(also))
    features: list[NDArray[np.float32]] = []
    for step, crops in enumerate(_samples(photos, also, config), start=1):
        features.append(embedder.pooled(crops))
        if on_progress is not None:
            on_progress(step, n_steps)
    described = [rows for rows in features if len(rows)]
    if not described:
        raise ConfigError(f"no annotated garment has {MIN_AREA_PX} pixels or more: nothing to fit on")
    sample = np.concatenate(described)
    weight, bias = fit_projection(sample, config.dim, shrinkage=shrinkage)
    model.projection.weight.data = torch.from_numpy(weight)
    model.projection.bias.data = torch.from_numpy(bias)
    return model, len(sample)


def _samples(
    photos: Sequence[AnnotatedPhoto], also: CropStore | None, config: EmbedderConfig
) -> Iterator[list[NDArray[np.uint8]]]:
    """The crops of each photo, then those that were prepared."""
    for photo in photos:
        yield list(_crops(photo, config))
    if also is not None:
        for index in range(len(also)):
            yield [plain_view(also[index], config)]


def _crops(photo: AnnotatedPhoto, config: EmbedderConfig) -> Iterator[NDArray[np.uint8]]:
    image = decode_rgb(photo.file.read_bytes(), turn=False)
    for instance in photo.instances:
        if rle_area(instance.mask) < MIN_AREA_PX:
            continue
        mask = mask_from_rle(instance.mask)
        x_min, y_min, x_max, y_max = (float(side) for side in boxes_from_masks(mask[None])[0])
        yield garment_crop(image, (x_min, y_min, x_max, y_max), config, window=(mask, 0, 0))
