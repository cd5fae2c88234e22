"""What a similarity is worth: the probability that two garments are the same product, and a verdict in words.

Platt scaling of the closeness, by category of the query, each category drawn to the pooled fit the more the fewer
pairs it has. The closeness is -log(1.01 - cosine): among held-out pairs it fits as well as the cosine itself, and the
same picture (cosine 1) is far above what pairs of pictures teach, as it should be. Pure NumPy: web processes use it.
Source: Platt, "Probabilistic outputs for support vector machines", 1999 (the sigmoid and its smoothed targets).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from segmentation.errors import CalibrationError
from segmentation.taxonomy import N_CATEGORIES

FORMAT_VERSION = 1
Verdict = Literal["exact", "similar", "none"]
VERDICTS: tuple[Verdict, ...] = ("none", "similar", "exact")
"""From the least to the most."""
SAME_PICTURE = 1.01
"""What a cosine is taken from; above 1, so that the closeness of equal vectors is finite (4.6)."""
NO_CATEGORY = -1
"""In arrays of categories: a whole photo, or a region a client drew."""


def reaches(verdict: Verdict, least: Verdict) -> bool:
    """Whether a verdict says at least as much as another.

    >>> reaches("exact", "similar"), reaches("none", "similar")
    (True, False)
    """
    return VERDICTS.index(verdict) >= VERDICTS.index(least)


def closeness(similarities: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """Cosines on the scale curves are straight on; float64, any shape, 0 at about cosine 0.

    >>> closeness(np.array([0.51, 1.0])).round(2)
    array([0.69, 4.61])
    """
    return np.asarray(-np.log(SAME_PICTURE - np.clip(similarities, -1.0, 1.0).astype(np.float64)))


@dataclass(frozen=True, slots=True)
class Sigmoid:
    """`1 / (1 + exp(-(slope * closeness + intercept)))`; the slope is positive, so more alike is never less sure."""

    slope: float
    intercept: float

    def __call__(self, similarities: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
        """Probabilities of cosines, any shape."""
        logits = self.slope * closeness(similarities) + self.intercept
        return np.asarray(1.0 / (1.0 + np.exp(-np.clip(logits, -60.0, 60.0))))


@dataclass(frozen=True, slots=True)
class Calibration:
    """Turns similarities of one space into probabilities and verdicts.

    The category is always the *query's*: all hits of one query then share one monotone curve, and their order stays.
    """

    pooled: Sigmoid
    by_category: Mapping[int, Sigmoid]
    exact_score: float
    """From this probability on: the same product."""
    similar_score: float
    """From this probability on: worth showing."""
    figures: Mapping[str, float]
    """What it was fitted on and how well, for people: n_pairs, n_same, ece, brier, absent_reaching_similar, ..."""

    def score(self, similarity: float, category_id: int | None) -> float:
        """The probability, 0..1, that a hit is the same product as the query.

        Args:
            similarity: Cosine; rounding beyond -1..1 is forgiven.
            category_id: Of the query; None where it has none.

        >>> curve = Calibration(Sigmoid(2.0, -4.0), {}, 0.5, 0.2, {})
        >>> round(curve.score(0.5, None), 3), round(curve.score(0.9, 6), 3), round(curve.score(1.0, 6), 3)
        (0.066, 0.602, 0.995)
        """
        curve = self.by_category.get(NO_CATEGORY if category_id is None else category_id, self.pooled)
        logit = curve.slope * -math.log(SAME_PICTURE - min(1.0, max(-1.0, float(similarity)))) + curve.intercept
        return 1.0 / (1.0 + math.exp(-min(60.0, max(-60.0, logit))))

    def scores(self, similarities: NDArray[np.floating[Any]], category_ids: NDArray[np.int64]) -> NDArray[np.float64]:
        """`score` of many pairs; both of shape (n,), categories `NO_CATEGORY` where there is none."""
        found = self.pooled(similarities)
        for category_id, curve in self.by_category.items():
            chosen = category_ids == category_id
            found[chosen] = curve(similarities[chosen])
        return found

    def verdict(self, similarity: float, category_id: int | None) -> Verdict:
        """What to tell a shopper of a hit; arguments as `score`."""
        return self.verdict_of_score(self.score(similarity, category_id))

    def verdict_of_score(self, score: float) -> Verdict:
        """The verdict of a probability.

        >>> Calibration(Sigmoid(2.0, -4.0), {}, 0.5, 0.2, {}).verdict_of_score(0.3)
        'similar'
        """
        if score >= self.exact_score:
            return "exact"
        return "similar" if score >= self.similar_score else "none"

    def to_mapping(self) -> dict[str, Any]:
        """As JSON carries it: in a checkpoint's header (`metrics["calibration"]`) or `Space.calibration`."""
        return {
            "format": FORMAT_VERSION,
            "pooled": [self.pooled.slope, self.pooled.intercept],
            "by_category": {str(k): [curve.slope, curve.intercept] for k, curve in sorted(self.by_category.items())},
            "exact_score": self.exact_score,
            "similar_score": self.similar_score,
            "figures": dict(self.figures),
        }

    @classmethod
    def from_mapping(cls, content: object) -> Calibration:
        """The inverse of `to_mapping`.

        Raises:
            CalibrationError: Another format, a missing entry, or a number that cannot be one.
        """
        if not isinstance(content, Mapping) or content.get("format") != FORMAT_VERSION:
            raise CalibrationError(f"A calibration of format {FORMAT_VERSION} is expected.")
        try:
            return cls(
                _read_sigmoid(content["pooled"]),
                {_read_category(key): _read_sigmoid(curve) for key, curve in content["by_category"].items()},
                _read_probability(content["exact_score"]),
                _read_probability(content["similar_score"]),
                {str(key): float(value) for key, value in content["figures"].items()},
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise CalibrationError(f"The calibration is damaged: {error!r}") from error


def _read_sigmoid(pair: Any) -> Sigmoid:
    slope, intercept = (float(number) for number in pair)
    if not (0.0 < slope < math.inf and math.isfinite(intercept)):
        raise ValueError(f"a slope above 0 and a finite intercept are needed, not {slope}, {intercept}")
    return Sigmoid(slope, intercept)


def _read_category(key: str) -> int:
    category_id = int(key)
    if not NO_CATEGORY <= category_id < N_CATEGORIES:
        raise ValueError(f"there is no category {key}")
    return category_id


def _read_probability(number: Any) -> float:
    if not 0.0 <= float(number) <= 1.0:
        raise ValueError(f"{number} is no probability")
    return float(number)
