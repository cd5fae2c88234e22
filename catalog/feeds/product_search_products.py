"""One product of Product Search's, told by the rows of its reference images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from catalog import limits
from catalog.feeds.cells import (
    RECORD_CHARS,
    CellRefused,
    check_length,
    check_web_link,
    parse_availability,
)
from catalog.feeds.prices import PriceRefused, quote, read_price
from catalog.feeds.rows import FeedRow, FeedRowError
from catalog.feeds.vocabulary import JOINED_BY, FeedDefaults, column_name
from catalog.models import Availability

COLUMNS = (
    "image-uri",
    "image-id",
    "product-set-id",
    "product-id",
    "product-category",
    "product-display-name",
    "labels",
    "bounding-poly",
)
LABEL_FIELDS = {
    "color": "color",
    "colour": "color",
    "brand": "brand",
    "gender": "gender",
    "size": "size",
    "material": "material",
    "pattern": "pattern",
    "age_group": "age_group",
    "category": "product_type",
    "type": "product_type",
    "product_type": "product_type",
    "google_product_category": "google_product_category",
    "item_group_id": "item_group_id",
    "link": "link",
    "url": "link",
}
"""Which labels are fields of a product; all others are kept in `extra`."""
PRICE_LABELS = ("price", "sale_price")


@dataclass(frozen=True, slots=True)
class ImageRow:
    """One reference image: its stripped cells by column."""

    line: int
    cells: Mapping[str, str]

    def cell(self, column: str) -> str:
        """A cell; empty where the row ends before it."""
        return self.cells.get(column, "")


def row_of_product(images: Sequence[ImageRow], defaults: FeedDefaults) -> FeedRow | FeedRowError:
    """The product that some rows tell of. As Product Search does, the first name and the first labels count.

    Args:
        images: Its rows, in the file's order.
        defaults: The currency of a price label without one, and the link's template.
    """
    product_id = images[0].cell("product-id")
    named = next((image for image in images if image.cell("labels")), images[0])
    try:
        labels = _labels(named.cell("labels"))
    except CellRefused as refused:
        return FeedRowError(named.line, refused.column, refused.reason, product_id)
    try:
        return _row(images, product_id, labels, defaults)
    except CellRefused as refused:
        return FeedRowError(images[0].line, refused.column, refused.reason, product_id)


def _row(images: Sequence[ImageRow], product_id: str, labels: dict[str, list[str]], defaults: FeedDefaults) -> FeedRow:
    name = next((image.cell("product-display-name") for image in images if image.cell("product-display-name")), "")
    links = tuple(dict.fromkeys(image.cell("image-uri") for image in images))
    if len(links) > limits.ADDITIONAL_IMAGES + 1:
        raise CellRefused("image-uri", f"has {len(links)} images; at most {limits.ADDITIONAL_IMAGES + 1} are allowed")
    price, sale_price, currency = _take_prices(labels, defaults.currency)
    availability = _take_availability(labels)
    fields = _take_fields(labels)
    if "link" not in fields:
        fields["link"] = defaults.link_of(product_id, fields.get("item_group_id", ""))
    fields["title"] = name if name else product_id
    extra = {label: ", ".join(values) for label, values in labels.items()} | _extra_of(images)
    for column, text in {"id": product_id, **fields, **{"image_link": max(links, key=len)}}.items():
        check_length(column, text, RECORD_CHARS)
    return FeedRow(
        line=images[0].line,
        external_id=product_id,
        availability=availability,
        currency=currency,
        price=price,
        sale_price=sale_price,
        image_links=links,
        extra=extra if extra else None,
        **fields,
    )


def _labels(text: str) -> dict[str, list[str]]:
    """Values by label; a label may come several times.

    >>> _labels("color=black,style=formal,color=white")
    {'color': ['black', 'white'], 'style': ['formal']}

    Raises:
        CellRefused: A label has no "=".
    """
    labels: dict[str, list[str]] = {}
    for pair in filter(None, map(str.strip, text.split(","))):
        label, equals, value = pair.partition("=")
        if not equals or not label.strip():
            raise CellRefused("labels", f"{quote(pair)} is not like color=black")
        if value.strip():
            labels.setdefault(label.strip(), []).append(value.strip())
    return labels


def _take_prices(labels: dict[str, list[str]], currency: str) -> tuple[Decimal | None, Decimal | None, str]:
    """The prices that labels tell. Labels are free: one that is no price (a band, say) stays a label."""
    if "currency" in labels:
        currency = labels["currency"][0].upper()
    try:
        price, code = read_price(labels["price"][0], currency)
        sale_price, sale_code = None, code
        if "sale_price" in labels:
            sale_price, sale_code = read_price(labels["sale_price"][0], currency)
    except (KeyError, PriceRefused):
        return None, None, ""
    if sale_code != code:
        return None, None, ""
    for label in (*PRICE_LABELS, "currency"):
        labels.pop(label, None)
    return price, sale_price, code


def _take_availability(labels: dict[str, list[str]]) -> str:
    """The availability that a label tells; the format knows none, and names what is sold."""
    try:
        found = parse_availability(labels["availability"][0]) if "availability" in labels else ""
    except CellRefused:
        found = ""
    if found:
        del labels["availability"]
        return found
    return Availability.IN_STOCK.value


def _take_fields(labels: dict[str, list[str]]) -> dict[str, str]:
    """The fields that labels tell, taken out of them; what does not fit stays a label."""
    fields: dict[str, str] = {}
    for label in list(labels):
        field = LABEL_FIELDS.get(column_name(label))
        if field is None or field in fields:
            continue
        text = JOINED_BY.get(field, ", ").join(dict.fromkeys(labels[label]))
        try:
            check_length(field, text, RECORD_CHARS)
            if field == "link":
                check_web_link(field, text)
        except CellRefused:
            continue
        fields[field] = text
        del labels[label]
    return fields


def _extra_of(images: Sequence[ImageRow]) -> dict[str, str]:
    extra = {}
    for column in ("product-set-id", "product-category", "image-id"):
        values = dict.fromkeys(image.cell(column) for image in images if image.cell(column))
        if values:
            extra[column] = ", ".join(values)
    polygons = [(number, image.cell("bounding-poly")) for number, image in enumerate(images, start=1)]
    for number, polygon in polygons:
        if polygon:
            extra["bounding-poly" if number == 1 else f"bounding-poly-{number}"] = polygon
    return extra
