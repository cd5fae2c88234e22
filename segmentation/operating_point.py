"""The operating point: which of a model's detections shoppers see.

Average precision is measured over weak detections too; shoppers, reports of errors and submissions see those
that pass here. `segmentation.evaluation.thresholding` searches for the point, a checkpoint's header carries it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from segmentation.config import ModelConfig
from segmentation.errors import ConfigError
from segmentation.masks import rle_area
from segmentation.suppression import kept_of
from segmentation.taxonomy import N_CATEGORIES
from segmentation.types import BoxXyxyPx, Detection


class _Scored(Protocol):
    @property
    def category_id(self) -> int: ...
    @property
    def score(self) -> float: ...


class _Found(_Scored, Protocol):
    """What `segmentation.segmenter.Found` has of this; importing it would close a circle."""

    @property
    def box(self) -> BoxXyxyPx: ...


F = TypeVar("F", bound=_Found)


def score_thresholds(config: ModelConfig) -> NDArray[np.float64]:
    """The weakest score shoppers see, for each category id: float64, shape (46,).

    Raises:
        ConfigError: `category_score_thresholds` has another length than the taxonomy.

    >>> score_thresholds(ModelConfig(predictor_score_threshold=0.4))[:2].tolist()
    [0.4, 0.4]
    """
    given = config.category_score_thresholds
    if not given:
        return np.full(N_CATEGORIES, config.predictor_score_threshold)
    if len(given) != N_CATEGORIES:
        raise ConfigError(f"model.category_score_thresholds: expected {N_CATEGORIES} values or none, got {len(given)}")
    return np.array(given, dtype=np.float64)


def visible(found: Sequence[F], config: ModelConfig) -> list[F]:
    """What shoppers see of what was found in one photo, by falling score, before its masks are looked at."""
    return [found[index] for index in _kept(found, [item.box for item in found], config)]


def visible_detections(detections: Sequence[Detection], config: ModelConfig) -> list[Detection]:
    """What shoppers see of one photo's detections, weak ones included, by falling score."""
    kept = _kept(detections, [detection.box_xyxy_px for detection in detections], config)
    return [detections[index] for index in kept if is_large_enough(detections[index], config)]


def is_large_enough(detection: Detection, config: ModelConfig) -> bool:
    """Whether a mask has a pixel, and covers `min_area_share` of its photo."""
    height, width = detection.mask["size"]
    return rle_area(detection.mask) >= max(1.0, config.min_area_share * height * width)


def _kept(found: Sequence[_Scored], boxes: list[BoxXyxyPx], config: ModelConfig) -> list[int]:
    thresholds = score_thresholds(config)
    strong = [index for index, item in enumerate(found) if item.score >= thresholds[item.category_id]]
    kept = kept_of(
        [found[index].category_id for index in strong],
        [found[index].score for index in strong],
        [boxes[index] for index in strong],
        config,
    )
    return [strong[index] for index in kept]
