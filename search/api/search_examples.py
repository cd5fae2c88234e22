"""Examples of searches, and of what is on record of them, for the API's documentation."""

from __future__ import annotations

from drf_spectacular.utils import OpenApiExample

from search.api.examples import problem_example

_IMAGE_ID = "0b7c1c7e-6a5b-4d0e-8a39-52f0f7a1d9c3"

REQUESTS = [
    OpenApiExample(
        "By web address",
        value={"image_url": "https://photos.example/look.jpg", "limit": 5},
        request_only=True,
        media_type="application/json",
    ),
    OpenApiExample(
        "The second page of one garment, in stock and below 100 dollars, without sending the photo again",
        value={
            "image_id": _IMAGE_ID,
            "objects": [0],
            "offset": 10,
            "in_stock": True,
            "price_max": 100,
            "currency": "USD",
        },
        request_only=True,
        media_type="application/json",
    ),
    OpenApiExample(
        "By product, with what the list could be narrowed to",
        value={"product_id": "MJ07-Blue-S", "retailer": "luma", "facets": True},
        request_only=True,
        media_type="application/json",
    ),
]

CATEGORIES = OpenApiExample(
    "The first one",
    value={
        "results": [
            {
                "id": 0,
                "name": "shirt, blouse",
                "slug": "shirt-blouse",
                "supercategory": "upperbody",
                "catalog_garments": 12,
            }
        ]
    },
    response_only=True,
    status_codes=["200"],
)

SEARCH_RECORD = OpenApiExample(
    "A search whose first product was clicked on",
    value={
        "search_id": "5f0c5b5e-6f0a-4d0b-9a55-0d7f3f0f9b1e",
        "created_at": "2026-11-22T10:15:00Z",
        "retailer": "luma",
        "source": "upload",
        "space": "mobilenet_v2-emb128@0a1b2c3d",
        "model_version": "first-light@9f8e7d6c",
        "has_match": True,
        "n_garments": 1,
        "garments": [
            {
                "category": {"id": 4, "name": "jacket", "slug": "jacket", "supercategory": "upperbody"},
                "score": 0.93,
                "color": "navy",
                "verdict": "exact",
            }
        ],
        "events": {"view": 1, "click": 1, "cart": 0, "purchase": 0},
        "image_id": _IMAGE_ID,
        "image_kept": True,
        "photo_kept": False,
    },
    response_only=True,
    status_codes=["200"],
)

UNKNOWN_IMAGE = problem_example(
    404,
    "Not Found",
    "unknown_image",
    "Nothing is kept under this image_id, or no longer; search with the photo.",
)
IMAGE_OUTDATED = problem_example(
    410,
    "Gone",
    "image_outdated",
    "The photo was seen by a model that no longer serves; search with the photo again.",
)
PHOTO_NOT_KEPT = problem_example(
    409,
    "Conflict",
    "photo_not_kept",
    "No garment that was found before lies in this region, and the photo was not kept: send the photo with the box.",
)
