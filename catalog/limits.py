"""How long a product's texts may be, in characters, and how large its images: what the records hold.

Feeds of formats with narrower limits are held to those (`catalog.feeds.cells.GOOGLE_CHARS`).
Source: the widest of Google Merchant Center, Shopify (handles and titles of 255) and Product Search (ids of 128); where
none names a limit, one that no honest feed reaches.
"""

from __future__ import annotations

ID_CHARS = 255
TITLE_CHARS = 500
DESCRIPTION_CHARS = 5000
LINK_CHARS = 2000
BRAND_CHARS = 255
COLOR_CHARS = 100
SIZE_CHARS = 100
GENDER_CHARS = 20
AGE_GROUP_CHARS = 20
CATEGORY_CHARS = 750
MATERIAL_CHARS = 200
PATTERN_CHARS = 100

PRICE_DIGITS = 14
PRICE_DECIMALS = 4
"""Decimals kept; no currency has more (the Chilean unidad de fomento has 4)."""

ADDITIONAL_IMAGES = 10
IMAGE_BYTES = 20 * 1024 * 1024
IMAGE_PIXELS = 50_000_000
"""Width times height; vision refuses more, so it is not even stored."""
IMAGE_MIN_SIDE_PX = 16

FEED_BYTES = 4 << 30
"""Of an unpacked feed. Source: Google Merchant Center takes files of up to 4 GB."""
