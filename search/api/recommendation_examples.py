"""Example answers of the recommendations for the API's documentation."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiExample

from search.api.examples import PRODUCT, SIMILAR, VERSIONS

_RED: dict[str, Any] = PRODUCT | {
    "id": 4,
    "product_id": "MJ01-Red-S",
    "title": "Beaumont Summit Kit",
    "color": "Red",
    "item_group_id": "MJ01",
    "url": "https://search.example/api/products/MJ01-Red-S?retailer=luma",
}

SIMILAR_REPLY = OpenApiExample(
    "Another jacket",
    value={
        "product": _RED,
        **VERSIONS,
        "match": "garment",
        "calibrated": True,
        "verdict": "similar",
        "results": [SIMILAR | {"similarity": 0.71, "score": 0.4, "verdict": "similar"}],
    },
    response_only=True,
    status_codes=["200"],
)

ALTERNATIVES_REPLY = OpenApiExample(
    "Another jacket in the same size",
    value={
        "product": _RED | {"availability": "out_of_stock", "in_stock": False},
        "in_stock": False,
        "size": "S",
        "size_in_stock": False,
        "offer": SIMILAR["offer"]
        | {
            "in_stock_any": False,
            "sizes": ["S"],
            "sizes_in_stock": [],
            "colors": ["Red"],
            "colors_in_stock": [],
            "price_min": "80.00",
            "price_max": "80.00",
        },
        **VERSIONS,
        "calibrated": True,
        "results": [
            {
                "rank": 1,
                "score": 0.665,
                "parts": {"likeness": 0.71, "size": 1.0, "price": 0.936, "brand": 1.0},
                "reasons": [
                    {"code": "looks_alike", "text": "Looks alike."},
                    {"code": "same_size", "text": "Comes in the same size, S."},
                    {"code": "near_price", "text": "Costs about the same."},
                    {"code": "cheaper", "text": "Costs 10% less."},
                    {"code": "same_brand", "text": "Also by Luma."},
                    {"code": "in_stock", "text": "Can be bought now."},
                ],
                "similarity": 0.71,
                "verdict": "similar",
                "size": "S",
                **{name: SIMILAR[name] for name in ("product", "n_variants", "variants", "offer", "matched_image_url")},
            }
        ],
    },
    response_only=True,
    status_codes=["200"],
)

_SEEN_ON: dict[str, Any] = {name: _RED[name] for name in ("id", "product_id", "title", "image_url", "url")}
_PANTS = PRODUCT | {"id": 91, "product_id": "MP04-Black-32", "title": "Supernova Sport Pant", "color": "Black"}

LOOK_REPLY = OpenApiExample(
    "Trousers to a jacket",
    value={
        "product": _RED,
        "category": {"id": 4, "name": "jacket", "slug": "jacket", "supercategory": "upperbody"},
        **VERSIONS,
        "counted_at": "2026-11-22T18:00:00Z",
        "slots": [
            {
                "rank": 1,
                "category": {"id": 6, "name": "pants", "slug": "pants", "supercategory": "lowerbody"},
                "strength": 1.36,
                "support": 0.86,
                "lift": 2.15,
                "seen_together": {
                    "own_photos": 1,
                    "similar_photos": 8,
                    "catalog_photos": 80,
                    "shopper_photos": 12,
                },
                "evidence": [_SEEN_ON],
                "colors": [{"name": "black", "n_photos": 41, "lift": 1.3}],
                "results": [
                    {
                        "rank": 1,
                        "score": 0.93,
                        "similarity": 0.93,
                        "seen_on": _SEEN_ON,
                        "product": _PANTS,
                        "n_variants": 1,
                        "variants": [],
                        "offer": SIMILAR["offer"] | {"sizes": ["32"], "sizes_in_stock": ["32"]},
                        "matched_image_url": SIMILAR["matched_image_url"],
                    }
                ],
            }
        ],
    },
    response_only=True,
    status_codes=["200"],
)
