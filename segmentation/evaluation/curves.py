"""Precision against recall, and whether scores mean what they say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from segmentation.evaluation.matching import MATCH_IOU, Overlaps, pairs_by_score

RECALLS = np.linspace(0.0, 1.0, 101)
"""Where COCO reads precision off."""
N_BINS = 10


@dataclass(frozen=True, slots=True)
class PrecisionRecall:
    """Precision at each of `RECALLS` (0 where recall never gets so far); its mean is the average precision."""

    precision: tuple[float, ...]

    @property
    def average_precision(self) -> float:
        """The area under the curve, 0..1."""
        return float(np.mean(self.precision))


@dataclass(frozen=True, slots=True)
class Calibration:
    """How often detections of a score are right, in ten bins of score.

    `mean_score` and `share_right` are None where a bin is empty. `expected_error` is the mean distance of the two,
    weighed by `n` (expected calibration error, Guo et al., ICML 2017).
    """

    n: tuple[int, ...]
    mean_score: tuple[float | None, ...]
    share_right: tuple[float | None, ...]
    expected_error: float


def precision_recall(
    overlaps: Sequence[Overlaps], *, min_iou: float, category_id: int | None = None
) -> PrecisionRecall | None:
    """The curve of one category, or of all garments in one pool.

    A category's curve is COCO's; of the pool, COCO knows none (its AP is the mean over categories).

    Args:
        overlaps: Of every photo, weak detections included.
        min_iou: From this overlap on a detection is right.
        category_id: 0..45, or None for the pool.

    Returns:
        None where no such garment is annotated.
    """
    scores, right = scored(overlaps, min_iou=min_iou, category_id=category_id)
    ids = np.concatenate([one.true_ids for one in overlaps]) if overlaps else np.zeros(0, np.int64)
    n_true = len(ids) if category_id is None else int((ids == category_id).sum())
    if not n_true:
        return None
    order = np.argsort(-scores, kind="stable")
    hits = np.cumsum(right[order])
    precision = hits / np.arange(1, len(hits) + 1)
    best = np.maximum.accumulate(precision[::-1])[::-1]  # the best precision at this recall or a higher one
    at = np.searchsorted(hits / n_true, RECALLS, side="left")
    return PrecisionRecall(tuple(float(best[place]) if place < len(best) else 0.0 for place in at))


def scored(
    overlaps: Sequence[Overlaps], *, min_iou: float, category_id: int | None = None
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Score of every detection (of one category, or all), and whether it is right; both of shape (n,)."""
    scores, right = [np.zeros(0)], [np.zeros(0, dtype=np.bool_)]
    for one in overlaps:
        chosen = np.ones(len(one.scores), np.bool_) if category_id is None else one.found_ids == category_id
        scores.append(one.scores[chosen])
        right.append(pairs_by_score(one, min_iou)[chosen] >= 0)
    return np.concatenate(scores), np.concatenate(right)


def calibration(overlaps: Sequence[Overlaps]) -> Calibration:
    """Compare scores with the share of detections that are right at IoU 0.5.

    Args:
        overlaps: Of every photo, weak detections included.
    """
    scores, right = scored(overlaps, min_iou=MATCH_IOU)
    places = np.minimum((scores * N_BINS).astype(np.int64), N_BINS - 1)
    n = np.bincount(places, minlength=N_BINS)
    mean_score = np.bincount(places, weights=scores, minlength=N_BINS) / np.maximum(n, 1)
    share_right = np.bincount(places, weights=right, minlength=N_BINS) / np.maximum(n, 1)
    error = float((n * np.abs(mean_score - share_right)).sum() / max(1, n.sum()))
    return Calibration(
        tuple(int(count) for count in n),
        tuple(float(value) if count else None for value, count in zip(mean_score, n, strict=True)),
        tuple(float(value) if count else None for value, count in zip(share_right, n, strict=True)),
        error,
    )
