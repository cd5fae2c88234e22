"""How often a caller may ask: the face of `catalog.access.limiting`.

A view says what its methods weigh in `costs = {"POST": SEARCH_COST}`; without a word, 1.
"""

from __future__ import annotations

import logging
import math
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from catalog.access.addresses import client_address
from catalog.access.caller import Caller
from catalog.access.limiting import Spent, spend

SEARCH_COST = 10
"""A photo search takes a model's attention: so many units of a budget."""
REPORT_COST = 5
"""Counting over all records."""

_log = logging.getLogger(__name__)


class BudgetThrottle(BaseThrottle):
    """Takes a request's cost from its caller's budgets; what is left goes to the answer's headers by middleware."""

    def __init__(self) -> None:
        self._wait_s: float | None = None

    def allow_request(self, request: Request, view: Any) -> bool:
        """Whether every budget has enough left."""
        cost = int(getattr(view, "costs", {}).get(request.method, 1))
        for name, rate, counter in _budgets(request):
            spent = spend(rate, *counter, cost=cost)
            if spent is None:
                continue
            note_budget(request._request, name, spent)
            if not spent.is_within:
                self._wait_s = max(1.0, spent.reset_s)
                return False
        return True

    def wait(self) -> float | None:
        """Seconds until asking again is worth it."""
        return self._wait_s


def note_budget(request: HttpRequest, name: str, spent: Spent) -> None:
    """Keeps what an answer says of its budgets (draft-ietf-httpapi-ratelimit-headers), for the middleware."""
    noted: dict[str, list[str]] = request.__dict__.setdefault(
        "rate_limit_headers", {"RateLimit-Policy": [], "RateLimit": []}
    )
    noted["RateLimit-Policy"].append(f'"{name}";q={spent.quota};w={spent.window_s}')
    noted["RateLimit"].append(f'"{name}";r={spent.remaining};t={math.ceil(spent.reset_s)}')


def address_of(request: Request) -> str:
    """The client's address, for counting."""
    return client_address(request._request.META, settings.SELVEDGE_TRUSTED_PROXIES)


def _budgets(request: Request) -> list[tuple[str, str, tuple[str, ...]]]:
    """Names, rates and counters of the budgets that a request draws on."""
    rates: dict[str, str] = settings.SELVEDGE_RATES
    caller = request.auth
    address = address_of(request)
    if not isinstance(caller, Caller) or caller.kind == "anonymous":
        return [("anonymous", rates["anonymous"], ("anonymous", address))]
    if caller.kind == "staff":
        return [("staff", rates["staff"], ("staff", caller.name))]
    of_key = ("key", caller.rate or rates[caller.kind], ("key", caller.key_prefix))
    if caller.kind == "publishable":
        # All shoppers of a shop share its key: one of them must not use it up.
        return [("client", rates["shopper"], ("shopper", caller.key_prefix, address)), of_key]
    return [of_key]
