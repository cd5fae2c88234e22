"""Example questions and answers of webhooks, for the API's documentation."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiExample

_WEBHOOK: dict[str, Any] = {
    "id": "0b7c5a52-3a27-4a3e-9d0c-6d3f3a1c9b10",
    "url": "https://shop.example/hooks/selvedge",
    "events": ["import.finished", "product.failed"],
    "retailer": "luma",
    "active": True,
    "disabled_reason": "",
    "consecutive_failures": 0,
    "failing_since": None,
    "created_at": "2026-11-22T10:00:00Z",
}
_DELIVERY: dict[str, Any] = {
    "id": "5d1f0a86-8f5c-4b3c-8c8e-0d6d0f7f2a11",
    "event": "ping",
    "state": "pending",
    "attempts": 0,
    "next_attempt_at": "2026-11-22T10:05:00Z",
    "status_code": None,
    "error": "",
    "created_at": "2026-11-22T10:05:00Z",
    "delivered_at": None,
    "data": {"webhook_id": _WEBHOOK["id"]},
}

NEW_WEBHOOK = OpenApiExample(
    "Told of imports and of what failed in them",
    value={name: _WEBHOOK[name] for name in ("url", "events")},
    request_only=True,
)
SWITCHED_OFF = OpenApiExample("Nothing more for now", value={"active": False}, request_only=True)
WEBHOOK_REPLY = OpenApiExample("A webhook", value=_WEBHOOK, response_only=True, status_codes=["200"])
WEBHOOK_PAGE = OpenApiExample(
    "One webhook",
    value={"results": [_WEBHOOK], "next": None, "previous": None},
    response_only=True,
    status_codes=["200"],
)
WEBHOOK_MADE = OpenApiExample(
    "A webhook with its secret",
    value=_WEBHOOK | {"secret": "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD3t2Mx0rXbPo="},
    response_only=True,
    status_codes=["200", "201"],
)
DELIVERY_REPLY = OpenApiExample("A test", value=_DELIVERY, response_only=True, status_codes=["200", "202"])
DELIVERY_PAGE = OpenApiExample(
    "One delivery",
    value={"results": [_DELIVERY], "next": None, "previous": None},
    response_only=True,
    status_codes=["200"],
)
