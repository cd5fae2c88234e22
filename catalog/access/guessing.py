"""Keeps guessing of API keys slow, without locking out those who hold one behind the same address."""

from __future__ import annotations

import hashlib
import threading
import time

from django.conf import settings

from catalog.access.keys import find_key
from catalog.access.limiting import is_spent, spend
from catalog.models import ApiKey

GOOD_FOR_S = 3600.0
"""How long a key that was right is looked at although its address guesses."""
MAX_GOOD = 10_000

_good: dict[bytes, float] = {}
_changing = threading.Lock()


class TooManyGuesses(Exception):
    """The address sent too many wrong keys; the next ones are not looked at for a while."""

    def __init__(self, wait_s: float) -> None:
        super().__init__(f"too many wrong keys; wait {wait_s:.0f} s")
        self.wait_s = wait_s


def find_key_for(key: str, address: str) -> ApiKey | None:
    """As `find_key`, for a client at that address.

    Raises:
        TooManyGuesses: It is not even looked at.
    """
    rate, counter = settings.SELVEDGE_RATE_WRONG_KEYS, ("wrong-key", address)
    digest = hashlib.sha256(f"{address} {key}".encode("utf-8", "replace")).digest()
    spent = None if _is_good(digest) else is_spent(rate, *counter)
    if spent is not None:
        raise TooManyGuesses(spent.reset_s)
    record = find_key(key)
    if record is None:
        spend(rate, *counter)
    else:
        _remember(digest)
    return record


def _is_good(digest: bytes) -> bool:
    return _good.get(digest, 0.0) > time.monotonic()


def _remember(digest: bytes) -> None:
    with _changing:
        if len(_good) >= MAX_GOOD:
            _good.clear()
        _good[digest] = time.monotonic() + GOOD_FOR_S
