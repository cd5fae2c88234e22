"""Plain values that leave the search room: what a photo showed and which products answer it."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from catalog.models import Product, Retailer
from search.facet_values import Facets
from search.filters import Filters
from search.selectors import EVERYTHING
from segmentation.calibration import Verdict
from segmentation.steering import Match as MatchedPart
from segmentation.types import BoxXyxyPx, GarmentDescriptor

Kind = Literal["garment", "region", "whole_image"]
"""A garment the segmenter found; or the box a client drew, or the photo, as one thing."""

Source = Literal["upload", "image_url", "image_id", "product"]
"""What a search came with."""

DEFAULT_LIMIT = 10
MAX_LIMIT = 100
MAX_DEPTH = 1000
"""Where paging through one list ends: offset and limit together."""


@dataclass(frozen=True, slots=True)
class ListOptions:
    """What a client may ask of any list of products."""

    limit: int = DEFAULT_LIMIT
    """Most results in a list, 1..`MAX_LIMIT`."""
    filters: Filters = EVERYTHING
    """Which products may be results. Colors stand for the shades people count to them: blue is navy too."""
    min_score: float = 0.0
    """Least score of a result, 0..1."""
    verdict: Verdict = "none"
    """Least verdict of a result."""
    match: MatchedPart | None = None
    """What results have in common with the garment; None is all of it, or where colors are asked for, its shape."""
    group_variants: bool = True
    """Show the variants of one item group as one result."""
    diversity: float = 0.0
    """How much variety weighs against likeness, 0..1."""


@dataclass(frozen=True, slots=True)
class SearchOptions(ListOptions):
    """What a client may ask for beside the photo itself."""

    verdict: Verdict = "similar"
    """Least verdict of a result: what is not even similar is noise, unless it is asked for."""
    category_ids: frozenset[int] | None = None
    """Only garments of these categories are searched; None searches all."""
    box_xyxy: BoxXyxyPx | None = None
    """Region of the photo: pixels, or 0..1 of its sides where all four are at most 1."""
    retailer: Retailer | None = None
    """Only this retailer's products; None searches all."""
    combine: bool = False
    """Also combine the garments to looks that one retailer sells."""
    object_ids: frozenset[int] | None = None
    """Only these things of the photo are searched; None leaves it to the categories."""
    offset: int = 0
    """Results of every list that are skipped; with `limit` at most `MAX_DEPTH`."""
    facets: bool = False
    """Also count what there is to filter by."""


@dataclass(frozen=True, slots=True)
class Offer:
    """What a garment's sizes, in the color of the one shown, say together; the color names are those of all."""

    is_in_stock: bool
    """Whether any size can be bought now."""
    sizes: tuple[str, ...]
    """As the feed writes them, smallest first."""
    sizes_in_stock: tuple[str, ...]
    colors: tuple[str, ...]
    """In which the item group is on sale, in the retailer's words, by name."""
    colors_in_stock: tuple[str, ...]
    price_min: Decimal | None
    """What a shopper pays for the cheapest size, in `currency`; None where no price is known."""
    price_max: Decimal | None
    currency: str
    """That of the product shown; sizes in another one do not count to the prices."""


@dataclass(frozen=True, slots=True)
class Variants:
    """The products of one item group: sizes and colors of one garment."""

    products: tuple[Product, ...] = ()
    """By color and size, without their images; the matched one is among them. Empty where there is but one."""
    n_products: int = 1
    """How many there are; more than are listed where a group is very large."""
    offer: Offer | None = None
    """What they say together; None where nobody looked."""


@dataclass(frozen=True, slots=True)
class RankedProduct:
    """One product of a result list, and the catalog image of it that looks most alike."""

    rank: int
    """From 1."""
    similarity: float
    """Cosine, 0..1."""
    score: float
    """Chance that it is the same product, 0..1; the similarity where no calibration is known."""
    verdict: Verdict
    product: Product
    """With its retailer and images fetched."""
    variants: Variants
    matched_image: str
    """File name of the image below MEDIA_ROOT."""
    matched_category_id: int | None
    """Category of the garment in it; None where the image was matched as a whole."""


@dataclass(frozen=True, slots=True)
class SearchedObject:
    """One thing of the photo with its products, best first."""

    object_id: int
    """The same in every search with this photo, whatever else is asked."""
    kind: Kind
    descriptor: GarmentDescriptor
    verdict: Verdict
    """That of the nearest product, whether it is returned or not."""
    results: tuple[RankedProduct, ...]
    size_px: tuple[int, int] = (1, 1)
    """Width and height of the displayed photo it was seen in."""
    image_file: str = ""
    """That photo below MEDIA_ROOT where it is a catalog's; empty for a shopper's."""
    has_more: bool = False
    """Whether another page of results follows."""
    facets: Facets | None = None


@dataclass(frozen=True, slots=True)
class Total:
    """What the priced items of a look cost together in one currency."""

    currency: str
    amount: Decimal


@dataclass(frozen=True, slots=True)
class LookItem:
    """The product that stands for one garment of the photo, or for a pair (both shoes)."""

    object_ids: tuple[int, ...]
    result: RankedProduct


@dataclass(frozen=True, slots=True)
class Look:
    """The garments of a photo as one retailer sells them."""

    rank: int
    """From 1."""
    retailer: Retailer
    items: tuple[LookItem, ...]
    """By the photo's garments, most confident first; each with another product."""
    score: float
    """Geometric mean of the items' scores times `coverage`, 0..1."""
    coverage: float
    """Share of the photo's garments that an item stands for, 0..1; a pair of shoes is one garment."""
    totals: tuple[Total, ...]
    """What a shopper pays for all priced items, by currency."""
    n_unpriced: int
    """Items without a price, which no total holds."""


@dataclass(frozen=True, slots=True)
class SearchResult:
    """The answer to one photo, or to one product's photos."""

    search_id: uuid.UUID
    source: Source
    space: str
    index_generation: int
    model_version: str
    width_px: int
    """Of the displayed photo; 0 where a product was asked for, whose photos differ."""
    height_px: int
    """Likewise."""
    match: MatchedPart
    """What results have in common with the garments: as asked, `garment` where the space cannot be steered."""
    is_calibrated: bool
    """Whether scores are chances; else they are similarities, and every verdict is `similar`."""
    timings_ms: Mapping[str, float]
    """Milliseconds by stage: decode, segment, embed, search, rank, total."""
    objects: tuple[SearchedObject, ...]
    looks: tuple[Look, ...] | None = None
    """Best first; None where none were asked for."""
    image_id: uuid.UUID | None = None
    """Asks again with the same photo; None where nothing of it was kept."""
    offset: int = 0
    limit: int = DEFAULT_LIMIT

    @property
    def next_offset(self) -> int | None:
        """Where the next page begins; None where no list goes on, or paging ends."""
        following = self.offset + self.limit
        goes_on = any(found.has_more for found in self.objects) and following + self.limit <= MAX_DEPTH
        return following if goes_on else None

    @property
    def index_version(self) -> str:
        """What the answer was computed from; the same version answers the same photo alike."""
        return f"{self.space}#{self.index_generation}"


@dataclass(frozen=True, slots=True)
class SimilarProducts:
    """Products that look like one product, best first, without itself."""

    product: Product
    space: str
    index_generation: int
    match: MatchedPart
    """As `SearchResult.match`."""
    is_calibrated: bool
    """As `SearchResult.is_calibrated`."""
    verdict: Verdict
    """That of the nearest product, whether it is returned or not."""
    results: tuple[RankedProduct, ...]

    @property
    def index_version(self) -> str:
        """As `SearchResult.index_version`."""
        return f"{self.space}#{self.index_generation}"
