"""Feeds of any size in every format: garments in sizes and colors, web images, descriptions as shops write them."""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from xml.sax.saxutils import escape

COLORS = ("Black", "White", "Navy", "Crème", "Olive", "Rust")
SIZES = ("XS", "S", "M", "L", "XL")
KINDS = ("Shirt", "Dress", "Jacket", "Trousers", "Skirt", "Cardigan", "Coat")
DESCRIPTION = (
    "Cut from a firm weave that keeps its shape from morning to night. {kind} with a clean front, two pockets and "
    "a hem that falls just so; made in {n} steps by hands that know how. Machine wash at thirty degrees, dry flat."
)
GOOGLE_COLUMNS = (
    "id",
    "title",
    "description",
    "link",
    "image_link",
    "additional_image_link",
    "availability",
    "price",
    "sale_price",
    "brand",
    "item_group_id",
    "color",
    "size",
    "gender",
    "product_type",
    "gtin",
)
SHOPIFY_COLUMNS = (
    "Handle",
    "Title",
    "Body (HTML)",
    "Vendor",
    "Type",
    "Published",
    "Option1 Name",
    "Option1 Value",
    "Option2 Name",
    "Option2 Value",
    "Variant SKU",
    "Variant Inventory Tracker",
    "Variant Inventory Qty",
    "Variant Inventory Policy",
    "Variant Price",
    "Variant Compare At Price",
    "Image Src",
    "Image Position",
    "Variant Image",
    "Status",
)
XML_START = (
    '<?xml version="1.0" encoding="utf-8"?>\n<rss xmlns:g="http://base.google.com/ns/1.0" version="2.0">\n<channel>\n'
)


def write_feed(path: Path, feed_format: str, n_rows: int, *, changed_percent: int = 0) -> Path:
    """Writes a feed; gzip where the name ends so.

    Args:
        path: Where to.
        feed_format: One of `catalog.feeds.detecting.FORMATS`.
        n_rows: Products.
        changed_percent: How many of a hundred have another price and availability than without it.
    """
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "wt", encoding="utf-8", newline="") as file:
        file.writelines(_LINES[feed_format](n_rows, changed_percent))
    return path


def product(number: int, changed_percent: int) -> dict[str, str]:
    """A product in Google's words."""
    group, variant = divmod(number, 10)
    kind, color, size = KINDS[group % 7], COLORS[variant % 2 + group % 5], SIZES[variant // 2]
    is_changed = number % 100 < changed_percent
    price = 19 + group % 80 + is_changed
    return {
        "id": f"SKU-{number:08d}",
        "title": f"{kind} {group} in {color}",
        "description": DESCRIPTION.format(kind=kind, n=group),
        "link": f"https://shop.example/p/{group}?variant={number}",
        "image_link": f"https://cdn.example/{group}/{color.lower()}-front.jpg".replace("è", "e"),
        "additional_image_link": f"https://cdn.example/{group}/{color.lower()}-back.jpg".replace("è", "e"),
        "availability": "out_of_stock" if number % 9 == 0 or is_changed else "in_stock",
        "price": f"{price}.90 EUR",
        "sale_price": f"{price - 5}.00 EUR" if group % 4 == 0 else "",
        "brand": f"Brand {group % 50}",
        "item_group_id": f"G{group}",
        "color": color,
        "size": size,
        "gender": "female" if group % 3 else "unisex",
        "product_type": f"Apparel > {kind}",
        "gtin": f"{4000000000000 + number}",
    }


def _google_csv(n_rows: int, changed: int) -> Iterator[str]:
    return _csv(GOOGLE_COLUMNS, (list(product(number, changed).values()) for number in range(n_rows)))


def _json_lines(n_rows: int, changed: int) -> Iterator[str]:
    for number in range(n_rows):
        yield json.dumps(product(number, changed), ensure_ascii=False) + "\n"


def _google_xml(n_rows: int, changed: int) -> Iterator[str]:
    yield XML_START
    for number in range(n_rows):
        cells = product(number, changed).items()
        yield "<item>" + "".join(f"<g:{name}>{escape(text)}</g:{name}>\n" for name, text in cells if text) + "</item>\n"
    yield "</channel></rss>\n"


def _shopify_csv(n_rows: int, changed: int) -> Iterator[str]:
    return _csv(SHOPIFY_COLUMNS, (_shopify_cells(number, product(number, changed)) for number in range(n_rows)))


def _shopify_cells(number: int, cells: dict[str, str]) -> list[str]:
    price, sale = cells["price"].split()[0], cells["sale_price"].split()[0] if cells["sale_price"] else ""
    first = number % 10 == 0
    of_product = [cells["title"], f"<p>{cells['description']}</p>", cells["brand"], cells["product_type"], "true"]
    quantity = "0" if cells["availability"] == "out_of_stock" else "7"
    return [
        cells["item_group_id"].lower(),
        *(of_product if first else [""] * len(of_product)),
        "Color",
        cells["color"],
        "Size",
        cells["size"],
        cells["id"],
        "shopify",
        quantity,
        "deny",
        *((sale, price) if sale else (price, "")),
        cells["image_link"],
        str(number % 10 + 1),
        cells["image_link"],
        "active" if first else "",
    ]


def _product_search_csv(n_rows: int, changed: int) -> Iterator[str]:
    return _csv((), (_product_search_cells(product(number, changed)) for number in range(n_rows)))


def _product_search_cells(cells: dict[str, str]) -> list[str]:
    labels = f"color={cells['color']},brand={cells['brand']},price={cells['price']},size={cells['size']}"
    return [cells["image_link"], "", "all", cells["id"], "apparel-v2", cells["title"], labels, ""]


def _csv(header: tuple[str, ...], rows: Iterator[list[str]]) -> Iterator[str]:
    lines: list[str] = []

    class Sink:
        def write(self, line: str) -> None:
            lines.append(line)

    writer = csv.writer(Sink())
    if header:
        writer.writerow(header)
    for cells in rows:
        writer.writerow(cells)
        yield from lines
        lines.clear()


_LINES: dict[str, Callable[[int, int], Iterator[str]]] = {
    "google_csv": _google_csv,
    "google_xml": _google_xml,
    "shopify_csv": _shopify_csv,
    "product_search_csv": _product_search_csv,
    "json_lines": _json_lines,
}
