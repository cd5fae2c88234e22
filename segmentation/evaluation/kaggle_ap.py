"""The metric of iMaterialist (Fashion) 2019 at FGVC6.

At each IoU threshold t of 0.50, 0.55 .. 0.95, a predicted object that overlaps a true object of its class by more
than t is a true positive (TP), any other a false positive (FP); true objects nobody predicted are false negatives
(FN). An image's score is the mean of TP / (TP + FP + FN) over the thresholds, with the objects of all classes
counted together; the competition's score is the mean over images. Confidence plays no part, so the figure depends
on the operating point; masks of one image may not overlap.
Source: evaluation page of the competition; the formula is that of the Data Science Bowl 2018.

`by_class` is the same fraction with an eye for rare classes: TP, FP and FN of a class are added up over all images,
and the mean is over thresholds and over the classes that are annotated.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from segmentation.data.annotations import AnnotatedPhoto
from segmentation.evaluation.matching import Overlaps, all_overlaps, pairs_by_overlap
from segmentation.taxonomy import N_CATEGORIES
from segmentation.types import Detection

THRESHOLDS = np.arange(10, 20) / 20
"""Exact to the last bit: an IoU that equals a threshold does not exceed it, so a rounding error would count."""


@dataclass(frozen=True, slots=True)
class KaggleScores:
    """All 0..1.

    per_photo: float64, shape (n_photos,). per_category: float64, shape (46,), NaN where nothing is annotated.
    """

    per_photo: NDArray[np.float64]
    per_category: NDArray[np.float64]

    @property
    def score(self) -> float:
        """The competition's: the mean over images; 0 where there is none."""
        return float(self.per_photo.mean()) if len(self.per_photo) else 0.0

    @property
    def by_class(self) -> float:
        """The mean over annotated classes; 0 where there is none."""
        known = self.per_category[~np.isnan(self.per_category)]
        return float(known.mean()) if len(known) else 0.0


def kaggle_scores(photos: Sequence[AnnotatedPhoto], detections: Sequence[Sequence[Detection]]) -> KaggleScores:
    """Score detections as the competition would.

    Args:
        photos: Annotated photos. One without garments scores 1 where nothing is predicted on it, else 0.
        detections: What a submission would hold for each photo: masks that do not overlap, no weak ones. Masks that
            do overlap are scored too, paired off by falling IoU.
    """
    counts = np.zeros((len(photos), N_CATEGORIES, 3, len(THRESHOLDS)), dtype=np.int32)
    for index, one in enumerate(all_overlaps(photos, detections)):
        counts[index] = _counts(one)
    return KaggleScores(_photo_scores(counts), _category_scores(counts))


def _counts(overlaps: Overlaps) -> NDArray[np.int32]:
    """TP, FP and FN of one photo: int32, shape (46, 3, 10)."""
    n_true = np.bincount(overlaps.true_ids, minlength=N_CATEGORIES)
    n_found = np.bincount(overlaps.found_ids, minlength=N_CATEGORIES)
    hits = np.zeros((N_CATEGORIES, len(THRESHOLDS)), dtype=np.int32)
    for found, true in pairs_by_overlap(np.where(overlaps.alike, overlaps.iou, 0.0)):
        hits[overlaps.found_ids[found]] += overlaps.iou[found, true] > THRESHOLDS
    return np.stack([hits, n_found[:, None] - hits, n_true[:, None] - hits], axis=1).astype(np.int32)


def _photo_scores(counts: NDArray[np.int32]) -> NDArray[np.float64]:
    together = counts.sum(axis=1)
    n_objects = together.sum(axis=1)
    scores = np.where(n_objects > 0, together[:, 0] / np.maximum(n_objects, 1), 1.0)
    return np.asarray(scores.mean(axis=1), dtype=np.float64)


def _category_scores(counts: NDArray[np.int32]) -> NDArray[np.float64]:
    together = counts.sum(axis=0)  # (46, 3, 10)
    is_annotated = (together[:, 0] + together[:, 2])[:, 0] > 0
    scores = (together[:, 0] / np.maximum(together.sum(axis=1), 1)).mean(axis=1)
    return np.where(is_annotated, scores, np.nan)
