"""What an operating point is judged by: measures of detections as shoppers see them, without regard to confidence."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from segmentation.evaluation.kaggle_ap import THRESHOLDS


@dataclass(frozen=True, slots=True)
class Objective:
    """A measure in two steps, so that photos can be measured once and then averaged over any choice of them."""

    title: str
    resolves_overlaps: bool
    """Whether every pixel counts for one garment alone."""
    of_photo: Callable[[NDArray[np.float64], int, int], NDArray[np.float64]]
    """IoUs (from 0.5 on) of the pairs of detection and garment, how many detections, how many garments -> the
    photo's statistics, float64, shape (k,)."""
    of_photos: Callable[[NDArray[np.float64]], NDArray[np.float64]]
    """Statistics, shape (..., n_photos, k) -> the measure, 0..1, shape (...)."""


def _kaggle_photo(matched_ious: NDArray[np.float64], n_found: int, n_true: int) -> NDArray[np.float64]:
    if n_found + n_true == 0:
        return np.ones(1)
    hits = (matched_ious[:, None] > THRESHOLDS).sum(axis=0)
    return np.array([(hits / (n_found + n_true - hits)).mean()])


def _kaggle(statistics: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(statistics[..., 0].mean(axis=-1), dtype=np.float64)


def _f1_photo(matched_ious: NDArray[np.float64], n_found: int, n_true: int) -> NDArray[np.float64]:
    return np.array([2 * len(matched_ious), n_found + n_true], dtype=np.float64)


def _f1(statistics: NDArray[np.float64]) -> NDArray[np.float64]:
    sums = statistics.sum(axis=-2)
    return np.asarray(sums[..., 0] / np.maximum(sums[..., 1], 1.0), dtype=np.float64)


OBJECTIVES: Mapping[str, Objective] = {
    "kaggle": Objective("Kaggle metric of 2019", True, _kaggle_photo, _kaggle),
    "f1": Objective("F1 of garments at IoU 0.5", False, _f1_photo, _f1),
}
"""`kaggle` asks for exact masks as `segmentation.evaluation.kaggle_ap` does; `f1` only for the right garments."""
