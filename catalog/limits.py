"""How long a product's texts may be, in characters, and how large its images: one home for records and feed readers.

Source: Google Merchant Center product data specification; where it names no limit, one that no honest feed reaches.
"""

from __future__ import annotations

ID_CHARS = 50
TITLE_CHARS = 150
DESCRIPTION_CHARS = 5000
LINK_CHARS = 2000
BRAND_CHARS = 70
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
