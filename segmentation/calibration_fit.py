"""Fits a `Calibration` to pairs whose truth is known: hits of held-out queries, or held-out pairs of crops.

What is fitted is the probability *among the pairs given*: fit on what searches return (the best hits of held-out
queries), not on pairs drawn at random, of which nearly none is the same product.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segmentation.calibration import NO_CATEGORY, Calibration, Sigmoid, closeness
from segmentation.errors import CalibrationError
from segmentation.reliability import reliability

EXACT_SCORE = 0.5
"""More likely the same product than not."""
ABSENT_SHARE = 0.1
"""At most this share of queries whose product is not in the catalog shall have a best hit that is called similar."""
KEPT_SHARE = 0.95
"""At least this share of right answers is called similar, whatever it takes: noise is hidden, never what was asked."""
PRIOR_SD = 0.35
"""How far a category's curve may stray from the pooled one, in logits and in logits a standard deviation of the
closeness; worth about 30 pairs near probability 1/2."""
POOLED_SD = 30.0
"""The pooled curve is almost free; this much only keeps it finite where a threshold separates all pairs."""
LEAST_SLOPE = 1e-3
"""A curve never falls: similarities that say nothing, or the contrary, give nearly the base rate for all."""
LEAST_PAIRS = 10
"""Of either truth; fewer say nothing."""
_STEPS = 60


@dataclass(frozen=True, slots=True)
class _Scale:
    """Standardized closeness: what the priors are stated in."""

    center: float
    spread: float

    def sigmoid(self, weights: NDArray[np.float64]) -> Sigmoid:
        """Weights (intercept, slope) on the standardized closeness as a curve over the closeness itself."""
        slope = max(float(weights[1]), LEAST_SLOPE) / self.spread
        return Sigmoid(slope, float(weights[0]) - slope * self.center)


def fit_calibration(
    similarities: NDArray[np.floating[Any]],
    is_same: NDArray[np.bool_],
    category_ids: NDArray[np.int64],
    *,
    query_ids: NDArray[np.int64] | None = None,
    absent_share: float = ABSENT_SHARE,
) -> Calibration:
    """Fit probabilities and verdicts.

    Each category's curve is the most likely one under a normal prior around the pooled curve, so that few pairs
    leave it there and many carry it away. Photos as wholes keep the pooled curve: what they are worth beside garments
    depends on how crowded photos are, which no benchmark says of another shop's. `similar_score` is what at most
    `absent_share` of the queries would reach with their best hit if their own product were taken out of the catalog.

    Args:
        similarities: Cosines, shape (n,).
        is_same: Whether the pair shows one product, shape (n,).
        category_ids: The query's category, shape (n,); `calibration.NO_CATEGORY` where it has none.
        query_ids: Which query a pair belongs to, shape (n,); None where every pair stands for itself.
        absent_share: 0..1.

    Raises:
        CalibrationError: Shapes differ, a similarity is not finite, or fewer than `LEAST_PAIRS` pairs of either
            truth.
    """
    _check(similarities, is_same, category_ids, query_ids)
    same = is_same.astype(bool)
    close = closeness(similarities)
    scale = _Scale(float(close.mean()), max(float(close.std()), 1e-6))
    z = (close - scale.center) / scale.spread
    pooled = _fit(z, _smoothed(same), np.zeros(2), POOLED_SD)
    by_category = {
        int(category_id): scale.sigmoid(_fit(z[chosen], same[chosen].astype(np.float64), pooled, PRIOR_SD))
        for category_id in np.unique(category_ids[category_ids != NO_CATEGORY])
        for chosen in [category_ids == category_id]
    }
    curves = Calibration(scale.sigmoid(pooled), by_category, EXACT_SCORE, 0.0, {})
    scores = curves.scores(similarities, category_ids)
    absent = best_of_the_absent(scores, same, query_ids)
    kept = float(np.quantile(scores[same], 1.0 - KEPT_SHARE, method="lower"))
    similar_score = min(EXACT_SCORE, kept, _exceeded_by(absent, absent_share))
    return Calibration(
        curves.pooled, by_category, EXACT_SCORE, similar_score, _figures(scores, same, absent, similar_score)
    )


def held_out_scores(
    similarities: NDArray[np.floating[Any]],
    is_same: NDArray[np.bool_],
    category_ids: NDArray[np.int64],
    query_ids: NDArray[np.int64],
    *,
    n_folds: int = 5,
) -> NDArray[np.float64]:
    """Scores of every pair by a calibration that was fitted without its query: what reliability is judged on.

    Args:
        similarities: As `fit_calibration`.
        is_same: Likewise.
        category_ids: Likewise.
        query_ids: Likewise; a query is in one fold.
        n_folds: Queries are dealt out to so many.

    Raises:
        CalibrationError: As `fit_calibration`, for the pairs outside of any fold.
    """
    _, places = np.unique(query_ids, return_inverse=True)
    folds = np.random.default_rng(0).permutation(int(places.max()) + 1)[places] % n_folds
    scores = np.zeros(len(similarities))
    for fold in range(n_folds):
        held_out = folds == fold
        if not held_out.any():
            continue
        fitted = fit_calibration(
            similarities[~held_out], is_same[~held_out], category_ids[~held_out], query_ids=query_ids[~held_out]
        )
        scores[held_out] = fitted.scores(similarities[held_out], category_ids[held_out])
    return scores


def best_of_the_absent(
    scores: NDArray[np.float64], is_same: NDArray[np.bool_], query_ids: NDArray[np.int64] | None
) -> NDArray[np.float64]:
    """The best score of each query among hits that are other products: its best hit if its product were not sold.

    >>> best_of_the_absent(np.array([0.9, 0.4, 0.2]), np.array([True, False, False]), np.array([7, 7, 7]))
    array([0.4])
    """
    wrong = scores[~is_same]
    if query_ids is None:
        return wrong
    _, places = np.unique(query_ids[~is_same], return_inverse=True)
    best = np.zeros(int(places.max()) + 1 if len(places) else 0)
    np.maximum.at(best, places, wrong)
    return best


def _exceeded_by(values: NDArray[np.float64], share: float) -> float:
    """The least threshold that at most this share of the values reaches."""
    falling = np.sort(values)[::-1]
    allowed = int(share * len(falling))
    return float(np.nextafter(falling[allowed], 2.0)) if allowed < len(falling) else 0.0


def _smoothed(is_same: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Platt's targets: not quite 0 and 1, so that pairs a threshold separates still give a finite slope."""
    n_same = int(is_same.sum())
    n_other = len(is_same) - n_same
    return np.where(is_same, (n_same + 1.0) / (n_same + 2.0), 1.0 / (n_other + 2.0))


def _fit(
    z: NDArray[np.float64], targets: NDArray[np.float64], prior: NDArray[np.float64], prior_sd: float
) -> NDArray[np.float64]:
    """Logistic regression under a normal prior by damped Newton steps: (intercept, slope)."""
    design = np.stack([np.ones_like(z), z], axis=1)
    precision = 1.0 / prior_sd**2

    def loss(weights: NDArray[np.float64]) -> float:
        logits = design @ weights
        fit = np.logaddexp(0.0, logits).sum() - (targets * logits).sum()
        return float(fit + 0.5 * precision * ((weights - prior) ** 2).sum())

    weights = prior.copy()
    for _ in range(_STEPS):
        p = 1.0 / (1.0 + np.exp(-np.clip(design @ weights, -60.0, 60.0)))
        gradient = design.T @ (p - targets) + precision * (weights - prior)
        hessian = design.T @ (design * (p * (1.0 - p))[:, None]) + precision * np.eye(2)
        step = np.linalg.solve(hessian, gradient)
        size = 1.0
        while size > 1e-6 and loss(weights - size * step) > loss(weights):
            size /= 2.0
        weights = weights - size * step
        if np.abs(size * step).max() < 1e-9:
            break
    return weights


def _figures(
    scores: NDArray[np.float64], same: NDArray[np.bool_], absent: NDArray[np.float64], similar_score: float
) -> dict[str, float]:
    found = reliability(scores, same)
    return {
        "n_pairs": float(len(scores)),
        "n_same": float(same.sum()),
        "ece": found.ece,
        "brier": found.brier,
        "absent_reaching_exact": float((absent >= EXACT_SCORE).mean()),
        "absent_reaching_similar": float((absent >= similar_score).mean()),
        "same_reaching_exact": float((scores[same] >= EXACT_SCORE).mean()),
        "same_reaching_similar": float((scores[same] >= similar_score).mean()),
    }


def _check(
    similarities: NDArray[np.floating[Any]],
    is_same: NDArray[np.bool_],
    category_ids: NDArray[np.int64],
    query_ids: NDArray[np.int64] | None,
) -> None:
    n = len(similarities)
    shapes = [each.shape for each in (similarities, is_same, category_ids, query_ids) if each is not None]
    if any(shape != (n,) for shape in shapes):
        raise CalibrationError(f"Pairs need one value each of every kind; shapes are {shapes}.")
    if not np.isfinite(similarities).all():
        raise CalibrationError("A similarity is not a finite number.")
    n_same = int(is_same.sum())
    if min(n_same, n - n_same) < LEAST_PAIRS:
        raise CalibrationError(
            f"{n_same} pairs of one product and {n - n_same} of two: at least {LEAST_PAIRS} of either are needed."
        )
