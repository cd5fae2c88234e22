"""What is taken for what, and what goes wrong: confusion between categories, and kinds of errors."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from segmentation.evaluation.matching import MATCH_IOU, Overlaps, pairs_by_overlap, pairs_by_score
from segmentation.taxonomy import N_CATEGORIES

NOTHING = N_CATEGORIES
"""The last row (nothing is annotated there) and the last column (missed) of a confusion matrix."""
BACKGROUND_IOU = 0.1
"""Below this overlap a detection has nothing to do with a garment."""


class ErrorKind(StrEnum):
    """Why a detection is wrong, or which garment nobody found."""

    CLASSIFICATION = "classification"
    LOCALIZATION = "localization"
    BOTH = "both"
    DUPLICATE = "duplicate"
    BACKGROUND = "background"
    MISSED = "missed"


def confusion_matrix(overlaps: Sequence[Overlaps]) -> NDArray[np.int64]:
    """Count what annotated garments were taken for.

    A detection and a garment belong together from an IoU of `MATCH_IOU` on: pairs of one category first, what is
    left whatever its category, each time the closest pair first.

    Args:
        overlaps: Of every photo, at the operating point.

    Returns:
        int64, shape (47, 47): rows the annotated, columns the predicted category; row `NOTHING` counts detections
        where no garment is, column `NOTHING` garments that were missed.
    """
    counts = np.zeros((N_CATEGORIES + 1, N_CATEGORIES + 1), dtype=np.int64)
    for one in overlaps:
        free_found, free_true = set(range(len(one.found_ids))), set(range(len(one.true_ids)))
        close = np.where(one.iou >= MATCH_IOU, one.iou, 0.0)
        same = pairs_by_overlap(np.where(one.alike, close, 0.0))
        close[[found for found, _ in same]] = 0.0
        close[:, [true for _, true in same]] = 0.0
        for found, true in [*same, *pairs_by_overlap(close)]:
            counts[one.true_ids[true], one.found_ids[found]] += 1
            free_found.remove(found)
            free_true.remove(true)
        counts[NOTHING] += np.bincount(one.found_ids[sorted(free_found)], minlength=N_CATEGORIES + 1)
        counts[:, NOTHING] += np.bincount(one.true_ids[sorted(free_true)], minlength=N_CATEGORIES + 1)
    return counts


def error_counts(overlaps: Sequence[Overlaps]) -> dict[ErrorKind, int]:
    """Sort errors at IoU 0.5 by what would mend them.

    A wrong detection is, the first that fits: a duplicate (a stronger one has its garment already), a
    classification error (it covers a garment of another category), a localization error (it touches one of its
    category, IoU 0.1 to 0.5), both (it touches one of another category), background (it touches none). A garment
    counts as missed where no detection has it and no classification or localization error explains that.
    Source: kinds and thresholds of Bolya et al., "TIDE", ECCV 2020; counts here, not shares of AP.

    Args:
        overlaps: Of every photo, at the operating point.
    """
    counts = dict.fromkeys(ErrorKind, 0)
    for one in overlaps:
        matched = pairs_by_score(one, MATCH_IOU)
        explained = set(matched[matched >= 0].tolist())
        for index in np.flatnonzero(matched < 0):
            kind, garment = _error(one.iou[index], one.alike[index])
            counts[kind] += 1
            if kind in (ErrorKind.CLASSIFICATION, ErrorKind.LOCALIZATION):
                explained.add(garment)
        counts[ErrorKind.MISSED] += len(one.true_ids) - len(explained)
    return counts


def _error(iou: NDArray[np.float64], alike: NDArray[np.bool_]) -> tuple[ErrorKind, int]:
    """The kind of a wrong detection's error and the garment it is about; `iou`, `alike`: shape (n_true,)."""
    if not len(iou):
        return ErrorKind.BACKGROUND, -1
    own, others = np.where(alike, iou, 0.0), np.where(alike, 0.0, iou)
    closest, other = int(own.argmax()), int(others.argmax())
    if own[closest] >= MATCH_IOU:
        return ErrorKind.DUPLICATE, closest
    if others[other] >= MATCH_IOU:
        return ErrorKind.CLASSIFICATION, other
    if own[closest] >= BACKGROUND_IOU:
        return ErrorKind.LOCALIZATION, closest
    if others[other] >= BACKGROUND_IOU:
        return ErrorKind.BOTH, other
    return ErrorKind.BACKGROUND, -1
