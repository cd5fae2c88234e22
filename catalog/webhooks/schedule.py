"""When a delivery that was not accepted is tried again."""

from __future__ import annotations

import random
from datetime import timedelta

_MINUTE_S, _HOUR_S = 60, 3600
RETRY_DELAYS_S = (
    5,
    _MINUTE_S,
    5 * _MINUTE_S,
    30 * _MINUTE_S,
    2 * _HOUR_S,
    5 * _HOUR_S,
    10 * _HOUR_S,
    14 * _HOUR_S,
)
"""Waits after the first attempt, the second and so on: together about a day and a quarter, then it is given up.

Source: the schedule of Standard Webhooks, whose receivers expect it (https://www.standardwebhooks.com).
"""

MAX_ATTEMPTS = len(RETRY_DELAYS_S) + 1
JITTER = 0.2
"""A wait differs by up to this share, so that what failed together is not tried together."""

MAX_RETRY_AFTER_S = _HOUR_S
"""Receivers may ask for patience, up to here."""


def next_wait(n_attempts: int, retry_after_s: float | None = None) -> timedelta | None:
    """How long to wait after an attempt that failed; None when it was the last.

    Args:
        n_attempts: How many there were, this one included.
        retry_after_s: What the receiver asked for, if it did: not sooner than that.

    >>> next_wait(MAX_ATTEMPTS) is None
    True
    >>> 4 <= next_wait(1).total_seconds() <= 6
    True
    """
    if n_attempts >= MAX_ATTEMPTS:
        return None
    wait_s = RETRY_DELAYS_S[max(n_attempts, 1) - 1] * random.uniform(1 - JITTER, 1 + JITTER)
    if retry_after_s is not None:
        wait_s = max(wait_s, min(retry_after_s, MAX_RETRY_AFTER_S))
    return timedelta(seconds=wait_s)
