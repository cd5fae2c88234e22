"""Budgets of requests in a moving window, counted for all processes together where they share a Redis.

While that Redis does not answer, each process counts for itself: nobody is turned away for it, and nobody gets more
than one budget per process.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeVar

from django.conf import settings
from limits import RateLimitItem, parse
from limits.errors import StorageError
from limits.storage import MemoryStorage, storage_from_string
from limits.strategies import MovingWindowRateLimiter

UNLIMITED = "off"
"""As a rate: no limit."""
RETRY_S = 5.0
"""How long an unreachable Redis is left alone."""
PATIENCE_S = 0.5
"""For one answer of Redis; a limit must not slow down what it limits."""

T = TypeVar("T")
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Spent:
    """What a request left of a budget."""

    is_within: bool
    quota: int
    """Units in a window: a search counts for several."""
    window_s: int
    remaining: int
    reset_s: float
    """Until the oldest request that still counts leaves the window."""


class _Counters:
    """The shared counters, and this process's own for while they are away."""

    def __init__(self, url: str) -> None:
        self.own = MovingWindowRateLimiter(MemoryStorage())
        self.shared: MovingWindowRateLimiter | None = None
        self.away_until_s = 0.0
        if not url.startswith("memory:"):
            options: dict[str, float | str | bool] = {
                "socket_timeout": PATIENCE_S,
                "socket_connect_timeout": PATIENCE_S,
                "key_prefix": "selvedge-limits",
            }
            self.shared = MovingWindowRateLimiter(storage_from_string(url, wrap_exceptions=True, **options))

    def ask(self, question: Callable[[MovingWindowRateLimiter], T]) -> T:
        """The answer of the shared counters, else of this process's."""
        if self.shared is not None and time.monotonic() >= self.away_until_s:
            try:
                return question(self.shared)
            except StorageError as error:
                self.away_until_s = time.monotonic() + RETRY_S
                # The error names hosts at most; the address itself may hold a password.
                _log.error("Rate limits are counted in this process alone: Redis does not answer (%s).", error)
        return question(self.own)


@lru_cache(maxsize=4)
def _counters(url: str) -> _Counters:
    return _Counters(url)


def spend(rate: str, *counter: str, cost: int = 1) -> Spent | None:
    """Takes `cost` units from a budget, or none where it has fewer left.

    Args:
        rate: Such as "600/minute"; "off" has no limit.
        counter: Whose budget, such as ("key", prefix).
        cost: Units; more than the whole budget count as the whole.

    Returns:
        None where there is no limit.
    """
    if rate == UNLIMITED:
        return None
    item = parse_rate(rate)
    weight = min(cost, item.amount)

    def ask(limiter: MovingWindowRateLimiter) -> Spent:
        is_within = limiter.hit(item, *counter, cost=weight)
        return _spent(limiter, item, counter, is_within)

    return _counters(settings.SELVEDGE_RATE_LIMIT_URL).ask(ask)


def is_spent(rate: str, *counter: str) -> Spent | None:
    """What is left of a budget, where that is nothing; None where there is something. Takes nothing."""
    if rate == UNLIMITED:
        return None
    item = parse_rate(rate)
    left = _counters(settings.SELVEDGE_RATE_LIMIT_URL).ask(lambda limiter: _spent(limiter, item, counter, False))
    return None if left.remaining else left


def parse_rate(rate: str) -> RateLimitItem:
    """A rate as the library reads it.

    Raises:
        ValueError: It is none; the message says what one looks like.
    """
    try:
        item = parse(rate)
    except ValueError as error:
        raise ValueError(f'a rate is such as "600/minute" or "20/10 seconds", not "{rate[:40]}"') from error
    if item.amount < 1 or item.get_expiry() < 1:
        raise ValueError(f'a rate lets something through, unlike "{rate[:40]}"')
    return item


def per_second(rate: str) -> float:
    """How much a rate lets through on the long run; infinite for "off"."""
    if rate == UNLIMITED:
        return math.inf
    item = parse_rate(rate)
    return item.amount / item.get_expiry()


def _spent(limiter: MovingWindowRateLimiter, item: RateLimitItem, counter: tuple[str, ...], is_within: bool) -> Spent:
    window = limiter.get_window_stats(item, *counter)
    reset_s = max(0.0, window.reset_time - time.time())
    return Spent(is_within, item.amount, item.get_expiry(), max(0, window.remaining), reset_s)
