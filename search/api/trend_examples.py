"""Example answers of the reports, for the API's documentation."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiExample

from search.proportions import Proportion

_JACKET: dict[str, Any] = {"id": 4, "name": "jacket", "slug": "jacket", "supercategory": "upperbody"}


def rate(count: int, of: int) -> dict[str, Any]:
    """A rate as answers show it."""
    shown = Proportion(count, of)
    return {"count": count, "of": of, "rate": shown.rate, "low": shown.low, "high": shown.high}


TRENDS_REPLY = OpenApiExample(
    "Two days",
    value={
        "from": "2026-11-21",
        "to": "2026-11-22",
        "retailer": None,
        "model_versions": ["first-light@9f8e7d6c"],
        "catalog": [{"date": "2026-11-21", "category": _JACKET, "count": 3}],
        "searches": [{"date": "2026-11-22", "category": _JACKET, "count": 5}],
        "totals": [{"category": _JACKET, "catalog": 3, "searches": 5}],
        "rates": {
            "searches": 50,
            "click_through": rate(9, 40),
            "cart": rate(3, 40),
            "purchase": rate(1, 40),
            "no_match": rate(10, 50),
            "events": {"view": 320, "click": 12, "cart": 3, "purchase": 1},
            "by_day": [
                {
                    "date": "2026-11-22",
                    "searches": 50,
                    "judged": 50,
                    "answered": 40,
                    "clicked": 9,
                    "carted": 3,
                    "purchased": 1,
                }
            ],
            "no_match_by_category": [{"category": _JACKET, "no_match": rate(2, 5)}],
        },
    },
    response_only=True,
    status_codes=["200"],
)
