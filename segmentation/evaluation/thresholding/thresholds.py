"""Searches the operating point that shows shoppers the right garments, on validation data, and says what it is worth.

Fitted figures flatter: the thresholds were chosen on the photos they are measured on. So the whole search is
repeated on k - 1 of k parts of the photos, and measured on the part it did not see.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segmentation.config import ModelConfig
from segmentation.errors import AnnotationError
from segmentation.evaluation.thresholding.cached_detections import CachedPhoto, without_overlaps
from segmentation.evaluation.thresholding.objectives import OBJECTIVES, Objective
from segmentation.taxonomy import N_CATEGORIES

GRID: Mapping[str, tuple[float, ...]] = {
    "predictor_score_threshold": tuple(round(0.05 + 0.025 * step, 3) for step in range(37)),
    "mask_threshold": (0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.65, 0.7),
    "predictor_nms_iou": (0.3, 0.35, 0.4, 0.45, 0.5, 0.6, 1.0),
    "min_area_share": (0.0, 0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.004),
    "lookalike_nms_iou": (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0),
    "nested_share": (0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 1.0),
}
"""Values tried for each knob of `ModelConfig`, besides the one it has; in the order they are turned."""
MAX_ROUNDS = 4
MIN_INSTANCES = 10
"""A category with fewer garments keeps the common score threshold."""
SHRINKING_INSTANCES = 20
"""With so many garments, a category's threshold may move half as far from the common one as with very many."""
N_RESAMPLES = 1000


@dataclass(frozen=True)
class ThresholdSearch:
    """An operating point and what it is worth; measures are 0..1.

    `gain_standard_error` is of `cross_validated - before`, both on the same photos, by bootstrap over photos.
    """

    objective: str
    config: ModelConfig
    start: ModelConfig
    before: float
    fitted: float
    cross_validated: float
    gain_standard_error: float
    cross_validated_common: float
    """With one score threshold for all categories."""
    cross_validated_by_category: float
    curves: Mapping[str, tuple[tuple[float, float], ...]]
    """For each knob: its values, and the measure there with the other knobs as chosen."""
    measures: Mapping[str, tuple[float, float]]
    """Before and fitted, by every objective, whichever was searched by."""
    category_counts: tuple[int, ...]
    n_photos: int
    n_folds: int

    @property
    def is_better(self) -> bool:
        """Whether photos that thresholds were not fitted to gain by more than chance would explain."""
        return self.cross_validated - self.before > 2 * self.gain_standard_error

    def changes(self) -> dict[str, float | tuple[float, ...]]:
        """Entries of the model's configuration that make the operating point."""
        common: dict[str, float | tuple[float, ...]] = {knob: getattr(self.config, knob) for knob in GRID}
        return {**common, "category_score_thresholds": self.config.category_score_thresholds}


class Rehearsal:
    """Tries operating points on cached photos, each photo once a distinct choice."""

    def __init__(self, photos: Sequence[CachedPhoto], objective: Objective) -> None:
        self._photos = photos
        self._objective = objective
        self._known: list[dict[tuple[object, ...], NDArray[np.float64]]] = [{} for _ in photos]
        counts = [np.bincount(photo.truth_category_ids, minlength=N_CATEGORIES) for photo in photos]
        self.category_counts: NDArray[np.int64] = np.array(counts, dtype=np.int64).reshape(-1, N_CATEGORIES)

    def statistics(self, config: ModelConfig, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """The objective's statistics of these photos at this point: float64, shape (len(rows), k)."""
        return np.array([self._statistics(int(row), config) for row in rows])

    def score(self, config: ModelConfig, rows: NDArray[np.int64]) -> float:
        """The objective over these photos at this point."""
        return float(self._objective.of_photos(self.statistics(config, rows)))

    def _statistics(self, row: int, config: ModelConfig) -> NDArray[np.float64]:
        photo, known = self._photos[row], self._known[row]
        key = (photo.strong(config).tobytes(), *(getattr(config, knob) for knob in GRID if "score" not in knob))
        if key not in known:
            masks = photo.masks(config)
            if self._objective.resolves_overlaps:
                masks = without_overlaps(masks, photo.size)
            known[key] = self._objective.of_photo(photo.matched_ious(masks), len(masks), len(photo.truth))
        return known[key]


def tried_values(config: ModelConfig) -> dict[str, tuple[float, ...]]:
    """`GRID` with the values a configuration has."""
    return {knob: tuple(sorted({*values, getattr(config, knob)})) for knob, values in GRID.items()}


def search_thresholds(
    photos: Sequence[CachedPhoto],
    config: ModelConfig,
    *,
    objective: str = "kaggle",
    n_folds: int = 5,
    seed: int = 0,
    on_progress: Callable[[int, int], None] | None = None,
) -> ThresholdSearch:
    """Search the best operating point for these photos.

    Thresholds by category are taken only where they measure better on photos they were not fitted to; what that choice
    is worth is measured as it is made for each part without a look at that part.

    Args:
        photos: Cached at the mask thresholds of `tried_values(config)`.
        config: Where the search starts.
        objective: One of `OBJECTIVES`.
        n_folds: Parts for cross-validation, at most as many as there are photos.
        seed: Which photos go into which part.
        on_progress: Called with (searches done, searches in all).

    Raises:
        AnnotationError: Fewer than two photos, or no garment on them.
    """
    if len(photos) < 2 or not any(len(photo.truth_category_ids) for photo in photos):
        raise AnnotationError("a threshold search needs at least two photos, with garments annotated on them")
    measure = OBJECTIVES[objective]
    rehearsal, every = Rehearsal(photos, measure), np.arange(len(photos))
    folds = np.array_split(np.random.default_rng(seed).permutation(len(photos)), max(2, min(n_folds, len(photos))))
    common, by_category = (np.zeros_like(rehearsal.statistics(config, every)) for _ in range(2))
    for done, held_out in enumerate(folds):
        point = fit_common(rehearsal, config, np.setdiff1d(every, held_out))
        common[held_out] = rehearsal.statistics(point, held_out)
        point = fit_by_category(rehearsal, point, np.setdiff1d(every, held_out))
        by_category[held_out] = rehearsal.statistics(point, held_out)
        if on_progress is not None:
            on_progress(done + 1, len(folds) + 1)
    found, unseen = fit_common(rehearsal, config, every), common.copy()
    if measure.of_photos(by_category) > measure.of_photos(common):
        found = fit_by_category(rehearsal, found, every)
    for held_out in folds:
        others = np.setdiff1d(every, held_out)
        if measure.of_photos(by_category[others]) > measure.of_photos(common[others]):
            unseen[held_out] = by_category[held_out]
    if on_progress is not None:
        on_progress(len(folds) + 1, len(folds) + 1)
    start = rehearsal.statistics(config, every)
    return ThresholdSearch(
        objective=objective,
        config=found,
        start=config,
        before=float(measure.of_photos(start)),
        fitted=rehearsal.score(found, every),
        cross_validated=float(measure.of_photos(unseen)),
        gain_standard_error=_standard_error(measure, start, unseen),
        cross_validated_common=float(measure.of_photos(common)),
        cross_validated_by_category=float(measure.of_photos(by_category)),
        curves=_curves(rehearsal, found, every),
        measures={name: _before_and_after(photos, each, config, found) for name, each in OBJECTIVES.items()},
        category_counts=tuple(int(count) for count in rehearsal.category_counts.sum(axis=0)),
        n_photos=len(photos),
        n_folds=len(folds),
    )


def fit_common(rehearsal: Rehearsal, start: ModelConfig, rows: NDArray[np.int64]) -> ModelConfig:
    """Turn one knob at a time to its best value until none gains; of equal values, the one it has stays."""
    best = dataclasses.replace(start, category_score_thresholds=())
    best_score = rehearsal.score(best, rows)
    for _ in range(MAX_ROUNDS):
        before = best
        for knob, values in tried_values(start).items():
            candidates = [_turned(best, {knob: value}) for value in values]
            scores = [rehearsal.score(candidate, rows) for candidate in candidates]
            if max(scores) > best_score:
                best, best_score = candidates[int(np.argmax(scores))], max(scores)
        if best == before:
            break
    return best


def fit_by_category(rehearsal: Rehearsal, point: ModelConfig, rows: NDArray[np.int64]) -> ModelConfig:
    """Give each category with enough garments on these photos its own score threshold.

    The fewer there are, the nearer it stays to the common one.
    """
    common = point.predictor_score_threshold
    thresholds = [common] * N_CATEGORIES
    counts = rehearsal.category_counts[rows].sum(axis=0)
    nearest_first = sorted(tried_values(point)["predictor_score_threshold"], key=lambda value: abs(value - common))
    for category_id in np.argsort(-counts, kind="stable"):
        if counts[category_id] < MIN_INSTANCES:
            break

        def score_at(value: float, category_id: int = category_id) -> float:
            own = (*thresholds[:category_id], value, *thresholds[category_id + 1 :])
            return rehearsal.score(dataclasses.replace(point, category_score_thresholds=own), rows)

        weight = counts[category_id] / (counts[category_id] + SHRINKING_INSTANCES)
        within_reach = [round(float(common + weight * (value - common)), 4) for value in nearest_first]
        thresholds[category_id] = max(within_reach, key=score_at)
    return dataclasses.replace(point, category_score_thresholds=tuple(thresholds))


def _curves(
    rehearsal: Rehearsal, point: ModelConfig, rows: NDArray[np.int64]
) -> dict[str, tuple[tuple[float, float], ...]]:
    """Score thresholds by category are set aside in their curve: it shows what one for all would bring."""
    curves = {}
    for knob, values in tried_values(point).items():
        aside: dict[str, Any] = {"category_score_thresholds": ()} if knob == "predictor_score_threshold" else {}
        tries = [_turned(point, {**aside, knob: value}) for value in values]
        curves[knob] = tuple((value, rehearsal.score(each, rows)) for value, each in zip(values, tries, strict=True))
    return curves


def _turned(config: ModelConfig, changes: dict[str, Any]) -> ModelConfig:
    return dataclasses.replace(config, **changes)


def _before_and_after(
    photos: Sequence[CachedPhoto], objective: Objective, before: ModelConfig, after: ModelConfig
) -> tuple[float, float]:
    rehearsal, every = Rehearsal(photos, objective), np.arange(len(photos))
    return rehearsal.score(before, every), rehearsal.score(after, every)


def _standard_error(measure: Objective, before: NDArray[np.float64], after: NDArray[np.float64]) -> float:
    draws = np.random.default_rng(0).integers(len(before), size=(N_RESAMPLES, len(before)))
    return float((measure.of_photos(after[draws]) - measure.of_photos(before[draws])).std())
