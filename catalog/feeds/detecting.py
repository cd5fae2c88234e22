"""Which format a feed has, told by its content and not by its name."""

from __future__ import annotations

FORMATS = ("google_csv", "google_xml", "shopify_csv", "product_search_csv", "json_lines")
"""Names of the formats, as options and records carry them."""
