"""Two reports side by side: what changed, and whether chance alone could have changed it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from segmentation.evaluation.intervals import bootstrap_interval
from segmentation.evaluation.reporting.report import Report


@dataclass(frozen=True, slots=True)
class Change:
    """One figure before and after; None where a report does not have it."""

    name: str
    before: float | None
    after: float | None

    @property
    def difference(self) -> float | None:
        """How much it rose."""
        return None if self.before is None or self.after is None else self.after - self.before


@dataclass(frozen=True, slots=True)
class CategoryChange:
    """What changed for one category; numbers of garments are the later report's."""

    name: str
    n_train: int | None
    n_val: int
    mask_ap: Change
    sensitivity: Change


@dataclass(frozen=True, slots=True)
class Comparison:
    """A later report against an earlier one."""

    before: Report
    after: Report
    figures: tuple[Change, ...]
    categories: tuple[CategoryChange, ...]
    n_common_photos: int
    kaggle_difference: float | None
    """Mean over the photos both reports know; None where there is none."""
    kaggle_interval: tuple[float, float] | None
    """95 % of the difference: the paired bootstrap over those photos."""

    @property
    def is_of_same_photos(self) -> bool:
        """Whether both reports were made on the same photos: figures of different ones tell nothing."""
        return self.before.kaggle_per_photo.keys() == self.after.kaggle_per_photo.keys()


def compare(before: Report, after: Report) -> Comparison:
    """Put a report beside an earlier one, or one of another model."""
    earlier = {row.name: row for row in before.categories}
    changes = []
    for row in after.categories:
        other = earlier.get(row.name)
        mask_ap = Change("mask AP", None if other is None else other.mask_ap, row.mask_ap)
        sensitivity = Change("sensitivity", None if other is None else other.sensitivity, row.sensitivity)
        changes.append(CategoryChange(row.name, row.n_train, row.n_val, mask_ap, sensitivity))
    pairs = [
        (before.kaggle_per_photo[image_id], score)
        for image_id, score in after.kaggle_per_photo.items()
        if image_id in before.kaggle_per_photo
    ]
    differences = np.array([second - first for first, second in pairs])
    return Comparison(
        before,
        after,
        _figures(before, after),
        tuple(changes),
        len(pairs),
        float(differences.mean()) if pairs else None,
        bootstrap_interval(differences) if pairs else None,
    )


def _figures(before: Report, after: Report) -> tuple[Change, ...]:
    readings: tuple[tuple[str, Callable[[Report], float | None]], ...] = (
        ("mask AP", lambda one: one.mask.ap),
        ("mask AP50", lambda one: one.mask.ap50),
        ("mask AP75", lambda one: one.mask.ap75),
        ("mask AP small", lambda one: one.mask.ap_small),
        ("mask AP medium", lambda one: one.mask.ap_medium),
        ("mask AP large", lambda one: one.mask.ap_large),
        ("mask AP, common categories", lambda one: one.mask_ap_common),
        ("mask AP by super-category", lambda one: one.supercategory_mask.ap),
        ("box AP", lambda one: one.box.ap),
        ("box AP50", lambda one: one.box.ap50),
        ("Kaggle score", lambda one: one.kaggle),
        ("Kaggle score by class", lambda one: one.kaggle_by_class),
        ("sensitivity", lambda one: one.sensitivity),
        ("precision", lambda one: one.precision),
    )
    return tuple(Change(name, value(before), value(after)) for name, value in readings)
