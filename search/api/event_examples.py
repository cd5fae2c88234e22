"""Example questions and answers of events, for the API's documentation."""

from __future__ import annotations

from drf_spectacular.utils import OpenApiExample

from search.api.trend_examples import rate

_SEARCH_ID = "5f0c5b5e-6f0a-4d0b-9a55-0d7f3f0f9b1e"

BATCH = OpenApiExample(
    "A click, then a purchase",
    value={
        "events": [
            {
                "event_id": "c-20261122-0001",
                "type": "click",
                "product_id": "MJ07-Blue-S",
                "search_id": _SEARCH_ID,
                "object_id": 0,
                "rank": 1,
            },
            {
                "event_id": "p-20261122-0001",
                "type": "purchase",
                "product_id": "MJ07-Blue-S",
                "search_id": _SEARCH_ID,
                "quantity": 2,
                "value": "144.00",
                "currency": "USD",
            },
        ]
    },
    request_only=True,
)
RECEIPTS = OpenApiExample(
    "One stored, one that names no product of the catalog",
    value={
        "accepted": 1,
        "duplicates": 0,
        "rejected": 1,
        "results": [
            {"event_id": "c-20261122-0001", "status": "accepted", "code": "", "errors": []},
            {
                "event_id": "p-20261122-0001",
                "status": "rejected",
                "code": "unknown_product",
                "errors": [{"field": "", "message": "The retailer has no product of this id."}],
            },
        ],
    },
    response_only=True,
    status_codes=["200"],
)
SUMMARY = OpenApiExample(
    "Two days",
    value={
        "from": "2026-11-21",
        "to": "2026-11-22",
        "retailer": "luma",
        "by_day": [
            {"date": "2026-11-21", "type": "click", "count": 12},
            {"date": "2026-11-22", "type": "purchase", "count": 1},
        ],
        "totals": {"view": 0, "click": 12, "cart": 0, "purchase": 1},
        "click_through": rate(9, 40),
        "conversion": rate(1, 40),
        "revenue": [{"currency": "USD", "amount": "144.00", "purchases": 1, "quantity": 2}],
    },
    response_only=True,
    status_codes=["200"],
)
