"""How far a mean over photos may be trusted: the bootstrap."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

N_RESAMPLES = 4000


def bootstrap_interval(values: NDArray[np.float64], *, share: float = 0.95, seed: int = 0) -> tuple[float, float]:
    """Percentile interval of a mean.

    For two models on the same photos, pass the differences photo by photo: that is the paired bootstrap.
    Source: Efron and Tibshirani, "An Introduction to the Bootstrap", 1993.

    Args:
        values: float64, shape (n,), one a photo; n >= 1.
        share: How much of the resampled means lies inside.
        seed: Of the resampling: the same values give the same interval.

    >>> bootstrap_interval(np.array([0.5, 0.5]))
    (0.5, 0.5)
    """
    n = len(values)
    # How often each photo is drawn, instead of which photo each draw takes: one product for all resamples.
    drawn = np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), size=N_RESAMPLES)
    low, high = np.quantile(drawn @ values / n, [(1 - share) / 2, (1 + share) / 2])
    return float(low), float(high)
