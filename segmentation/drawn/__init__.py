"""The project's own catalog, drawn: products, packshots and street scenes with exact masks and identities.

It needs no licence, no download and no torch; the demo, the tests and the training smoke runs stand on it.
"""

from segmentation.drawn.catalog import CatalogExists, DrawnCatalog, draw_catalog, read_drawn_catalog
from segmentation.drawn.instances import Instance
from segmentation.drawn.packshots import draw_packshot
from segmentation.drawn.products import Product, first_products, product_stream
from segmentation.drawn.scenes import draw_scene

__all__ = [
    "CatalogExists",
    "DrawnCatalog",
    "Instance",
    "Product",
    "draw_catalog",
    "draw_packshot",
    "draw_scene",
    "first_products",
    "product_stream",
    "read_drawn_catalog",
]
