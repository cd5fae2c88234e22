"""One row a category: how many garments there were to learn it from, and how well it is found."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from segmentation.evaluation.coco_figures import CocoFigures
from segmentation.evaluation.matching import MATCH_IOU, Overlaps, pairs_by_score
from segmentation.taxonomy import CATEGORIES, N_CATEGORIES

FEW_GARMENTS = 5
"""With fewer annotated garments in validation, a category's figures are noise."""


@dataclass(frozen=True, slots=True)
class CategoryRow:
    """Figures of one category, 0..1; None where nothing is annotated, or nothing was found.

    `n_found`, `n_right`, `sensitivity` and `precision` are at the operating point and IoU 0.5, `kaggle` at the
    operating point.
    """

    id: int
    name: str
    supercategory: str
    n_train: int | None
    """None where the training annotations are unknown."""
    n_val: int
    n_found: int
    n_right: int
    mask_ap: float | None
    mask_ap50: float | None
    box_ap: float | None
    sensitivity: float | None
    precision: float | None
    kaggle: float | None

    @property
    def has_few(self) -> bool:
        """Whether the figures are noise."""
        return self.n_val < FEW_GARMENTS


def category_rows(
    masks: CocoFigures,
    boxes: CocoFigures,
    visible: Sequence[Overlaps],
    kaggle_per_category: NDArray[np.float64],
    train_counts: NDArray[np.int64] | None,
) -> tuple[CategoryRow, ...]:
    """Rows of the categories that were annotated, in validation or in training, or found.

    Args:
        masks: COCO's figures by category name.
        boxes: Likewise.
        visible: Overlaps of every photo at the operating point.
        kaggle_per_category: float64, shape (46,).
        train_counts: Garments of each category trained on, shape (46,), where known.
    """
    n_true, n_found, n_right = np.zeros((3, N_CATEGORIES), dtype=np.int64)
    for one in visible:
        n_true += np.bincount(one.true_ids, minlength=N_CATEGORIES)
        n_found += np.bincount(one.found_ids, minlength=N_CATEGORIES)
        is_right = pairs_by_score(one, MATCH_IOU) >= 0
        n_right += np.bincount(one.found_ids[is_right], minlength=N_CATEGORIES)
    n_train = np.zeros(N_CATEGORIES, dtype=np.int64) if train_counts is None else train_counts
    return tuple(
        CategoryRow(
            id=each.id,
            name=each.name,
            supercategory=each.supercategory,
            n_train=None if train_counts is None else int(n_train[each.id]),
            n_val=int(n_true[each.id]),
            n_found=int(n_found[each.id]),
            n_right=int(n_right[each.id]),
            mask_ap=masks.per_class.get(each.name),
            mask_ap50=masks.per_class50.get(each.name),
            box_ap=boxes.per_class.get(each.name),
            sensitivity=share(n_right[each.id], n_true[each.id]),
            precision=share(n_right[each.id], n_found[each.id]),
            kaggle=None if math.isnan(kaggle_per_category[each.id]) else float(kaggle_per_category[each.id]),
        )
        for each in CATEGORIES
        if n_true[each.id] or n_found[each.id] or n_train[each.id]
    )


def mean_over_common(rows: Sequence[CategoryRow]) -> float | None:
    """Mask AP as the mean over categories with at least `FEW_GARMENTS` garments; None where there is none.

    COCO's own mean gives a category with one garment the weight of one with two hundred.
    """
    values = [row.mask_ap for row in rows if not row.has_few and row.mask_ap is not None]
    return float(np.mean(values)) if values else None


def share(part: int | np.int64, whole: int | np.int64) -> float | None:
    """A part of a whole, None where the whole is 0."""
    return float(part / whole) if whole else None
