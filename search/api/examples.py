"""Example answers for the API's documentation."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiExample

_JACKET: dict[str, Any] = {"id": 4, "name": "jacket", "slug": "jacket", "supercategory": "upperbody"}
_SPACE = "mobilenet_v2-emb128@0a1b2c3d"

VERSIONS = {"index_version": f"{_SPACE}#7", "space": _SPACE}
_PRICES = {
    "price": "72.00",
    "sale_price": None,
    "currency": "USD",
    "availability": "in_stock",
    "in_stock": True,
}
PRODUCT: dict[str, Any] = {
    "id": 71,
    "product_id": "MJ07-Blue-S",
    "retailer": "luma",
    "title": "Orion Two-Tone Fitted Jacket",
    "brand": "Luma",
    "color": "Blue",
    **_PRICES,
    "item_group_id": "MJ07",
    "product_type": "Jackets",
    "gender": "male",
    "link": "https://shop.example/mj07-blue-s",
    "image_url": "https://search.example/media/catalog/ab/abcd.jpg",
    "url": "https://search.example/api/products/71/",
}


def _variant(key: int, size: str, **changed: Any) -> dict[str, Any]:
    name = f"MJ07-Blue-{size}"
    addresses = {"link": f"https://shop.example/{name.lower()}", "url": f"https://search.example/api/products/{key}/"}
    return {"id": key, "product_id": name, "color": "Blue", "size": size, **_PRICES, **addresses} | changed


SIMILAR: dict[str, Any] = {
    "rank": 1,
    "similarity": 0.87,
    "score": 0.91,
    "verdict": "exact",
    "product": PRODUCT,
    "n_variants": 2,
    "variants": [_variant(71, "S"), _variant(72, "M", availability="out_of_stock", in_stock=False)],
    "offer": {
        "in_stock_any": True,
        "sizes": ["S", "M"],
        "sizes_in_stock": ["S"],
        "colors": ["Blue", "Red"],
        "colors_in_stock": ["Blue"],
        "price_min": "72.00",
        "price_max": "72.00",
        "currency": "USD",
    },
    "matched_image_url": "https://search.example/media/catalog/ab/abcd.jpg",
}
_RESULT = SIMILAR | {"matched_category": _JACKET}

SEARCH_REPLY = OpenApiExample(
    "One jacket, and the retailer's look (combine=true)",
    value={
        "search_id": "5f0c5b5e-6f0a-4d0b-9a55-0d7f3f0f9b1e",
        **VERSIONS,
        "model_version": "first-light@9f8e7d6c",
        "image": {"width": 550, "height": 832},
        "timings_ms": {"decode": 9.1, "segment": 161.0, "embed": 24.2, "search": 0.8, "rank": 3.1, "total": 199.5},
        "match": "garment",
        "calibrated": True,
        "image_id": "8c1d2f34-90ab-4cde-8f01-23456789abcd",
        "next_offset": None,
        "objects": [
            {
                "object_id": 0,
                "category": _JACKET,
                "kind": "garment",
                "score": 0.93,
                "box": {"x_min": 110.0, "y_min": 166.4, "x_max": 440.0, "y_max": 499.2},
                "box_relative": {"x_min": 0.2, "y_min": 0.2, "x_max": 0.8, "y_max": 0.6},
                "mask": {"size": [832, 550], "counts": "c0Z1m0..."},
                "polygons": [[0.2, 0.2, 0.8, 0.2, 0.8, 0.6, 0.2, 0.6]],
                "color": {"name": "navy", "hex": "#1b2a49"},
                "verdict": "exact",
                "results": [_RESULT],
                "has_more": False,
                "facets": None,
                "image_url": None,
            }
        ],
        "looks": [
            {
                "rank": 1,
                "retailer": "luma",
                "retailer_name": "Luma",
                "score": 0.91,
                "coverage": 1.0,
                "totals": [{"currency": "USD", "amount": "72.00"}],
                "n_unpriced": 0,
                "items": [{"object_ids": [0], "result": _RESULT}],
            }
        ],
    },
    response_only=True,
    status_codes=["200"],
)


def problem_example(status: int, title: str, code: str, detail: str, **extra: Any) -> OpenApiExample:
    """A problem as it is answered."""
    members = {
        "type": "about:blank",
        "title": title,
        "status": status,
        "detail": detail,
        "code": code,
        "request_id": "6c0f6b1f",
    }
    return OpenApiExample(code, value=members | extra, response_only=True, status_codes=[str(status)])


NOT_AN_IMAGE = problem_example(
    400,
    "Bad Request",
    "not_an_image",
    "The file is not an image.",
    errors=[{"field": "image", "message": "The file is not an image."}],
)
INDEX_MISSING = problem_example(
    503,
    "Service Unavailable",
    "index_missing",
    "Nothing is indexed for the present model: run `manage.py index_catalog --retailer NAME --feed FILE`.",
)
