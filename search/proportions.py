"""How many of how many, and how sure that is."""

from __future__ import annotations

import math
from dataclasses import dataclass

Z_95 = 1.959963984540054
"""Standard normal deviate of a two-sided 95 % interval."""


@dataclass(frozen=True, slots=True)
class Proportion:
    """`count` of `of`."""

    count: int
    of: int

    @property
    def rate(self) -> float | None:
        """0..1; None of nothing."""
        return self.count / self.of if self.of else None

    @property
    def low(self) -> float | None:
        """Lower end of the 95 % interval, 0..1."""
        return wilson_interval(self.count, self.of)[0] if self.of else None

    @property
    def high(self) -> float | None:
        """Its upper end."""
        return wilson_interval(self.count, self.of)[1] if self.of else None


def wilson_interval(count: int, of: int) -> tuple[float, float]:
    """The Wilson score interval of a proportion at 95 %: it stays within 0..1 and holds for few trials too.

    Source: Wilson, E. B. (1927), Probable inference, the law of succession, and statistical inference, JASA 22.

    Args:
        count: Successes, 0..of.
        of: Trials, at least 1.

    >>> [round(end, 4) for end in wilson_interval(10, 100)]
    [0.0552, 0.1744]
    >>> wilson_interval(0, 10)[0], round(wilson_interval(0, 10)[1], 3)
    (0.0, 0.278)
    """
    rate, square = count / of, Z_95 * Z_95
    middle = (rate + square / (2 * of)) / (1 + square / of)
    half = Z_95 / (1 + square / of) * math.sqrt(rate * (1 - rate) / of + square / (4 * of * of))
    # Rounding may leave a hair's breadth beyond either end.
    low, high = (0.0 if count == 0 else middle - half), (1.0 if count == of else middle + half)
    return max(0.0, low), min(1.0, high)
