"""Example answers of the reports, for the API's documentation."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiExample

_JACKET: dict[str, Any] = {"id": 4, "name": "jacket", "slug": "jacket", "supercategory": "upperbody"}

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
    },
    response_only=True,
    status_codes=["200"],
)
