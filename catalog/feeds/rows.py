"""What a feed yields: a product's row, or why a row is none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class FeedRow:
    """One product as the feed tells it, cleaned and within the limits of the records.

    The fields are named as those of `catalog.models.Product`; texts the feed leaves out are empty.
    """

    line: int
    """Number of the row's first line in the file; a header is line 1."""
    external_id: str
    title: str
    availability: str
    currency: str
    """Empty where the price is unknown."""
    price: Decimal | None
    sale_price: Decimal | None
    image_links: tuple[str, ...]
    """As written; the first is the main image. None twice."""
    link: str
    description: str = ""
    brand: str = ""
    item_group_id: str = ""
    color: str = ""
    size: str = ""
    gender: str = ""
    age_group: str = ""
    google_product_category: str = ""
    product_type: str = ""
    material: str = ""
    pattern: str = ""
    extra: Mapping[str, str] | None = None
    """The other columns that are not empty, as written; None where there are none."""


@dataclass(frozen=True, slots=True)
class OffSaleRow:
    """A product that the feed names and does not sell: a draft, say, or an archived one."""

    line: int
    external_id: str
    title: str


@dataclass(frozen=True, slots=True)
class FeedRowError:
    """Why a row, or one of its images, could not be taken over.

    `column` is the feed's column name, or empty where the row as a whole is wrong.
    """

    line: int
    column: str
    reason: str
    product_id: str = ""
    """The retailer's id of the product, where it is known."""

    def __str__(self) -> str:
        where = f"line {self.line}, {self.column}" if self.column else f"line {self.line}"
        return f"{where}: {self.reason}"


@dataclass(frozen=True, slots=True)
class FeedBroken(FeedRowError):
    """The feed ends here before its end: what would have followed is unknown."""


FeedItem = FeedRow | OffSaleRow | FeedRowError
