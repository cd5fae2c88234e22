"""Chooses how axes are fitted: each setting is tried in searches among cuts that its fit left out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np

from segmentation.steering.axes import SteeringAxes, steer
from segmentation.steering.samples import Samples

N_FOLDS = 3
K = 10
Setting = TypeVar("Setting")


@dataclass(frozen=True, slots=True)
class Trial(Generic[Setting]):
    """The best setting, what it measured on average over the parts, and what a search without steering did."""

    setting: Setting
    measured: float
    unsteered: float


def best_setting(
    candidates: Callable[[Samples], Iterable[tuple[Setting, SteeringAxes]]],
    measure: Callable[[Samples, SteeringAxes], float],
    samples: Samples,
) -> Trial[Setting]:
    """The setting whose axes are best on average over the parts; of equals, the first.

    Args:
        candidates: Fits each setting on some samples, always in the same order.
        measure: How good axes are on samples they were not fitted on; higher is better.
        samples: Parted by cut into `N_FOLDS`.
    """
    totals: dict[Setting, float] = {}
    unsteered = 0.0
    for fitted, held_out in _folds(samples):
        unsteered += measure(held_out, SteeringAxes.none(samples.vectors.shape[1])) / N_FOLDS
        for setting, axes in candidates(fitted):
            totals[setting] = totals.get(setting, 0.0) + measure(held_out, axes) / N_FOLDS
    best = max(totals, key=lambda setting: totals[setting])
    return Trial(best, totals[best], unsteered)


def _folds(samples: Samples) -> Iterator[tuple[Samples, Samples]]:
    parts = np.unique(samples.cuts, return_inverse=True)[1] % N_FOLDS
    for part in range(N_FOLDS):
        yield samples[parts != part], samples[parts == part]


def other_color_precision(samples: Samples, axes: SteeringAxes) -> float:
    """How often the first of all garments in another color of its cut is of that cut, when asked for each of them."""
    scores = steer(samples.vectors, "shape", axes) @ samples.vectors.T
    right = []
    for color in np.unique(samples.colors):
        in_color = samples.colors == color
        asking = ~in_color & np.isin(samples.cuts, samples.cuts[in_color])
        if asking.any():
            first = scores[np.ix_(asking, in_color)].argmax(axis=1)
            right.append(samples.cuts[in_color][first] == samples.cuts[asking])
    return float(np.concatenate(right).mean()) if right else 0.0


def other_cut_precision(samples: Samples, axes: SteeringAxes) -> float:
    """The share, among the ten first garments of other cuts, of those in the same pattern and another color."""
    scores = steer(samples.vectors, "pattern", axes) @ samples.vectors.T
    scores[samples.cuts[:, None] == samples.cuts[None]] = -np.inf
    first = np.argsort(-scores, axis=1, kind="stable")[:, :K]
    right = samples.patterns[first] == samples.patterns[:, None]
    return float((right & (samples.colors[first] != samples.colors[:, None])).mean())
