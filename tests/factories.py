"""Plain functions that make records and files for tests."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from PIL import Image

from catalog.image_content import content_name
from catalog.models import Availability, Product, ProductImage, Retailer

_numbers = count(1)


def jpeg_bytes(rgb: tuple[int, int, int] = (200, 30, 40), size: tuple[int, int] = (16, 16)) -> bytes:
    """A small JPEG of one color."""
    buffer = io.BytesIO()
    Image.new("RGB", size, rgb).save(buffer, "JPEG")
    return buffer.getvalue()


def make_retailer(slug: str = "acme") -> Retailer:
    """The retailer with this slug, made when missing."""
    return Retailer.objects.get_or_create(slug=slug, defaults={"name": slug.title()})[0]


def make_product(retailer: Retailer | None = None, **values: Any) -> Product:
    """A product in stock for 52 dollars; `values` override its fields."""
    number = next(_numbers)
    defaults = {
        "external_id": f"SKU-{number}",
        "title": f"Shirt {number}",
        "price": Decimal("52"),
        "currency": "USD",
        "availability": Availability.IN_STOCK,
        "link": f"https://shop.example/{number}",
    }
    owner = make_retailer() if retailer is None else retailer
    return Product.objects.create(retailer=owner, **(defaults | values))


def make_image(product: Product, data: bytes | None = None, *, position: int = 0, **values: Any) -> ProductImage:
    """A stored image of a product; `values` override its fields. Point MEDIA_ROOT at a temporary folder before."""
    content = jpeg_bytes() if data is None else data
    name, sha256 = content_name(content)
    if not default_storage.exists(name):
        default_storage.save(name, ContentFile(content))
    defaults = {
        "source": f"images/{product.external_id}.jpg",
        "file": name,
        "sha256": sha256,
        "source_size": len(content),
        "status": ProductImage.Status.OK,
    }
    return ProductImage.objects.create(product=product, position=position, **(defaults | values))


def feed_row(product_id: str = "A1", **cells: str) -> dict[str, str]:
    """The cells of a good Google Merchant row; `cells` override or add columns."""
    row = {
        "id": product_id,
        "title": "Linen Shirt",
        "link": f"https://shop.example/{product_id}",
        "image_link": "images/shirt.jpg",
        "availability": "in_stock",
        "price": "15.00 USD",
    }
    return row | cells


def write_feed(path: Path, rows: Sequence[Mapping[str, str]], *, separator: str = ",", encoding: str = "utf-8") -> Path:
    """Write rows under a header of all columns that occur."""
    columns = list(dict.fromkeys(column for row in rows for column in row))
    with path.open("w", encoding=encoding, newline="") as file:
        writer = csv.DictWriter(file, columns, restval="", delimiter=separator)
        writer.writeheader()
        writer.writerows(rows)
    return path
