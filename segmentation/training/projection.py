"""Fits the crop embedder's projection on annotated garments: no labels of identity are needed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from segmentation.config import EmbedderConfig
from segmentation.crops import garment_crop
from segmentation.data.annotations import AnnotatedPhoto
from segmentation.data.transforms import boxes_from_masks
from segmentation.device import best_device
from segmentation.embedding import CropEmbedder, Embedder, fit_projection
from segmentation.errors import CheckpointError, ConfigError
from segmentation.images import decode_rgb
from segmentation.masks import mask_from_rle, rle_area
from segmentation.weights import read_initial_weights

MIN_AREA_PX = 600
"""Smaller garments say little about how garments look."""


def fit_embedder(
    config: EmbedderConfig,
    photos: Sequence[AnnotatedPhoto],
    weights: str,
    *,
    shrinkage: float,
    on_progress: Callable[[int, int], None] | None = None,
) -> tuple[CropEmbedder, int]:
    """Load a trunk and fit its projection by PCA whitening.

    Args:
        config: The embedder's shape.
        photos: Annotated photos; their garments' crops are the sample.
        weights: A file in torchvision's names, or `imagenet`.
        shrinkage: See `fit_projection`.
        on_progress: Called with (photos done, photos in all).

    Returns:
        The model, and how many crops it was fitted on.

    Raises:
        CheckpointError: The weights do not belong to the trunk.
        ConfigError: Fewer crops than dimensions.
    """
    model = CropEmbedder(config, weights=weights)
    if weights != "imagenet":
        _load_features(model, Path(weights))
    embedder = Embedder(model, config, device=best_device().name)
    features: list[NDArray[np.float32]] = []
    for index, photo in enumerate(photos):
        features.append(embedder.pooled(list(_crops(photo, config))))
        if on_progress is not None:
            on_progress(index + 1, len(photos))
    described = [rows for rows in features if len(rows)]
    if not described:
        raise ConfigError(f"no annotated garment has {MIN_AREA_PX} pixels or more: nothing to fit on")
    sample = np.concatenate(described)
    weight, bias = fit_projection(sample, config.dim, shrinkage=shrinkage)
    model.projection.weight.data = torch.from_numpy(weight)
    model.projection.bias.data = torch.from_numpy(bias)
    return model, len(sample)


def _load_features(model: CropEmbedder, file: Path) -> None:
    own = model.state_dict()
    found = {name: value for name, value in read_initial_weights(file).items() if name in own}
    missing = [name for name in own if name.startswith("features.") and name not in found]
    if missing:
        raise CheckpointError(f"{file.name} lacks {len(missing)} of the trunk's tensors, {missing[0]} for one")
    model.load_state_dict(found, strict=False)


def _crops(photo: AnnotatedPhoto, config: EmbedderConfig) -> Iterator[NDArray[np.uint8]]:
    image = decode_rgb(photo.file.read_bytes(), turn=False)
    for instance in photo.instances:
        if rle_area(instance.mask) < MIN_AREA_PX:
            continue
        mask = mask_from_rle(instance.mask)
        x_min, y_min, x_max, y_max = (float(side) for side in boxes_from_masks(mask[None])[0])
        yield garment_crop(image, (x_min, y_min, x_max, y_max), config, window=(mask, 0, 0))
