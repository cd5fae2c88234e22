"""Whether scores mean what they say: expected calibration error, Brier score, and the bins behind a diagram."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

N_BINS = 10


@dataclass(frozen=True, slots=True)
class Reliability:
    """Scores against what came true, in ten equal bins of score.

    `mean_score` and `share_same` are None where a bin is empty. Source: Guo et al., "On calibration of modern neural
    networks", ICML 2017 (expected calibration error); Brier, "Verification of forecasts", 1950.
    """

    n: tuple[int, ...]
    mean_score: tuple[float | None, ...]
    share_same: tuple[float | None, ...]
    ece: float
    """Mean distance of score and share, weighed by the bins' sizes, 0..1."""
    brier: float
    """Mean squared distance of score and outcome, 0..1."""

    def to_mapping(self) -> dict[str, Any]:
        """As JSON carries it."""
        return {
            "n": list(self.n),
            "mean_score": list(self.mean_score),
            "share_same": list(self.share_same),
            "ece": self.ece,
            "brier": self.brier,
        }


def reliability(scores: NDArray[np.floating[Any]], is_same: NDArray[np.bool_]) -> Reliability:
    """Compare probabilities with outcomes.

    Args:
        scores: 0..1, shape (n,).
        is_same: Whether it was so, shape (n,).

    >>> import numpy as np
    >>> found = reliability(np.array([0.25, 0.25, 0.25, 0.25, 0.95]), np.array([1, 0, 0, 0, 1], bool))
    >>> round(found.ece, 3), found.n[2], found.share_same[2]
    (0.01, 4, 0.25)
    """
    places = np.minimum((scores * N_BINS).astype(np.int64), N_BINS - 1)
    n = np.bincount(places, minlength=N_BINS)
    mean_score = np.bincount(places, weights=scores, minlength=N_BINS) / np.maximum(n, 1)
    share_same = np.bincount(places, weights=is_same, minlength=N_BINS) / np.maximum(n, 1)
    return Reliability(
        tuple(int(count) for count in n),
        tuple(float(value) if count else None for value, count in zip(mean_score, n, strict=True)),
        tuple(float(value) if count else None for value, count in zip(share_same, n, strict=True)),
        float((n * np.abs(mean_score - share_same)).sum() / max(1, n.sum())),
        float(np.mean((scores - is_same) ** 2)) if len(scores) else 0.0,
    )
