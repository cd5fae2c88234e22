"""Example requests and answers of imports."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiExample

_ID = "0b8f6c1e-5f0d-4f6e-9a3b-2d7c1a9e4f10"
_ADDRESS = f"https://search.example/api/imports/{_ID}"
_JOB: dict[str, Any] = {
    "id": _ID,
    "retailer": "luma",
    "state": "queued",
    "phase": "",
    "mode": "full",
    "dry_run": False,
    "format": "",
    "feed_name": "spring.csv",
    "submitted_at": "2026-11-23T08:00:00Z",
    "started_at": None,
    "ended_at": None,
    "progress": {"lines_done": 0, "n_lines": None, "percent": 0.0},
    "rows": {"new": 0, "changed": 0, "unchanged": 0, "failed": 0, "incomplete": 0, "withheld": 0, "gone": 0},
    "images": {"fetched": 0, "failed": 0, "described": 0, "undescribed": 0},
    "n_row_errors": 0,
    "examples": {},
    "notes": [],
    "error_code": "",
    "error": "",
    "n_attempts": 0,
    "links": {"self": _ADDRESS, "errors": f"{_ADDRESS}/errors", "cancel": f"{_ADDRESS}/cancel"},
}

FROM_URL = OpenApiExample(
    "A feed on the web",
    value={"feed_url": "https://shop.example/feeds/google.xml", "mode": "full"},
    request_only=True,
    media_type="application/json",
)
QUEUED = OpenApiExample("Handed in", value=_JOB, response_only=True, status_codes=["202"])
ENDED = OpenApiExample(
    "Done, but for one row",
    value=_JOB
    | {
        "state": "succeeded",
        "format": "google_csv",
        "started_at": "2026-11-23T08:00:01Z",
        "ended_at": "2026-11-23T08:03:12Z",
        "progress": {"lines_done": 1401, "n_lines": 1401, "percent": 100.0},
        "rows": {"new": 12, "changed": 40, "unchanged": 1347, "failed": 1, "incomplete": 1, "withheld": 0, "gone": 3},
        "images": {"fetched": 19, "failed": 0, "described": 19, "undescribed": 0},
        "n_row_errors": 1,
        "examples": {
            "changed": [
                {
                    "product_id": "MJ07-Blue-S",
                    "title": "Orion Two-Tone Fitted Jacket",
                    "changes": [{"column": "price", "before": "72.00 USD", "after": "59.00 USD"}],
                }
            ]
        },
        "n_attempts": 1,
        "links": {"self": _ADDRESS, "errors": f"{_ADDRESS}/errors", "cancel": None},
    },
    response_only=True,
    status_codes=["200"],
)
