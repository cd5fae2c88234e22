"""Which random changes a training photo gets: drawn here from `AugmentConfig`, done by `transforms` and `samples`.

Everything is drawn from the generator that is handed in, so equal generators give equal samples.
"""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import NDArray

from segmentation.config import AugmentConfig, ModelConfig
from segmentation.data.annotations import AnnotatedPhoto
from segmentation.data.samples import Framing, Sample, Window, instance_boxes, mean_color, whole_photo
from segmentation.data.transforms import blur, flip_horizontal, jitter_color, rotate, sharpen
from segmentation.errors import ConfigError
from segmentation.resizing import input_size

SHARPEN_STRENGTH = (0.3, 1.2)
"""Shares of what a one-pixel blur takes away: from hardly visible to a phone's own sharpening."""
_PROBABILITIES = ("horizontal_flip", "crop", "rotation", "sharpen", "blur", "copy_paste")


def check_augment(config: AugmentConfig) -> None:
    """Refuse values that mean nothing.

    Raises:
        ConfigError: Which key, and what it may be.
    """
    for name in _PROBABILITIES:
        if not 0 <= getattr(config, name) <= 1:
            raise ConfigError(f"train.augment.{name}: expected a probability from 0 to 1, got {getattr(config, name)}")
    wrong = {
        "crop_min_share": ("above 0, at most 1", not 0 < config.crop_min_share <= 1),
        "scale_jitter": (
            "two factors above 0, the smaller first",
            not 0 < config.scale_jitter[0] <= config.scale_jitter[1],
        ),
        "rotation_max_deg": ("0 to 180", not 0 <= config.rotation_max_deg <= 180),
        "blur_sigma_px": (
            "two widths above 0, the smaller first",
            not 0 < config.blur_sigma_px[0] <= config.blur_sigma_px[1],
        ),
        "color_jitter": ("0 to below 1", not 0 <= config.color_jitter < 1),
        "copy_paste_max": ("at least 1", config.copy_paste_max < 1),
    }
    for name, (expected, is_wrong) in wrong.items():
        if is_wrong:
            raise ConfigError(f"train.augment.{name}: expected {expected}, got {getattr(config, name)}")


def draw_framing(
    photo: AnnotatedPhoto, model: ModelConfig, config: AugmentConfig, side_px: int, rng: np.random.Generator
) -> Framing:
    """Draw which part of the photo is seen (crop, zooming in) and how much of the sample it fills (zooming out).

    A window always holds one garment that was drawn, whole or as much of it as fits. It is cut before the photo is
    resized, so zooming in costs no sharpness.
    """
    framing = whole_photo(photo, model, side_px)
    crops = rng.random() < config.crop
    factor = float(rng.uniform(*config.scale_jitter))
    if not crops and factor == 1:
        return framing
    boxes = instance_boxes(photo.instances)
    window = framing.window_xyxy_px
    size = framing.size
    if crops:
        shares = rng.uniform(config.crop_min_share, 1.0, size=2)
        window = _part_of(window, (float(shares[0]), float(shares[1])), boxes, rng)
        size = input_size(window[2] - window[0], window[3] - window[1], model, side_px)
    if factor >= 1:
        return Framing(_part_of(window, (1 / factor, 1 / factor), boxes, rng), size, size)
    content = (max(1, round(size[0] * factor)), max(1, round(size[1] * factor)))
    offset = (int(rng.integers(size[0] - content[0] + 1)), int(rng.integers(size[1] - content[1] + 1)))
    return Framing(window, size, content, offset)


def _part_of(window: Window, shares: tuple[float, float], boxes: NDArray[np.int64], rng: np.random.Generator) -> Window:
    """A random part of a window, `shares` of its width and height, that holds one of the boxes or lies within it."""
    seen = (boxes[:, :2] < window[2:]).all(axis=1) & (boxes[:, 2:] > window[:2]).all(axis=1)
    boxes = boxes[seen]
    chosen = boxes[rng.integers(len(boxes))] if len(boxes) else None
    starts, ends = [0, 0], [0, 0]
    for axis, share in enumerate(shares):
        low, high = window[axis], window[axis + 2]
        length = max(1, round((high - low) * share))
        earliest, latest = low, high - length
        if chosen is not None:
            first, last = max(int(chosen[axis]), low), min(int(chosen[axis + 2]), high)
            earliest, latest = max(low, min(first, last - length)), min(max(first, last - length), high - length)
        starts[axis] = int(rng.integers(earliest, latest + 1))
        ends[axis] = starts[axis] + length
    return starts[0], starts[1], ends[0], ends[1]


def change_geometry(sample: Sample, model: ModelConfig, config: AugmentConfig, rng: np.random.Generator) -> Sample:
    """Rotate and flip, each with its probability."""
    if rng.random() < config.rotation:
        degrees = float(rng.uniform(-config.rotation_max_deg, config.rotation_max_deg))
        sample = rotate(sample, degrees, mean_color(model))
    if rng.random() < config.horizontal_flip:
        sample = flip_horizontal(sample)
    return sample


def change_pixels(sample: Sample, config: AugmentConfig, rng: np.random.Generator) -> Sample:
    """Blur or sharpen, each with its probability, and change the colors; masks stay."""
    image = sample.image_rgb
    if rng.random() < config.blur:
        image = blur(image, float(rng.uniform(*config.blur_sigma_px)))
    if rng.random() < config.sharpen:
        image = sharpen(image, float(rng.uniform(*SHARPEN_STRENGTH)))
    if config.color_jitter > 0:
        factors = rng.uniform(1 - config.color_jitter, 1 + config.color_jitter, size=3)
        image = jitter_color(
            image, brightness=float(factors[0]), contrast=float(factors[1]), saturation=float(factors[2])
        )
    return dataclasses.replace(sample, image_rgb=image)
