"""Plain values of a completed look: what goes with a product, and how that is known."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from catalog.models import Product
from search.recommendations.association import Association
from search.results import RankedProduct

DEFAULT_SLOTS = 5
MAX_SLOTS = 10
DEFAULT_PICKS = 3
MAX_PICKS = 20


@dataclass(frozen=True, slots=True)
class LookOptions:
    """What a client may ask of a completed look."""

    slots: int = DEFAULT_SLOTS
    """Most kinds of garments, 1..`MAX_SLOTS`."""
    limit: int = DEFAULT_PICKS
    """Most products for each, 1..`MAX_PICKS`."""
    exclude: tuple[str, ...] = ()
    """Ids of products already shown; neither they nor their variants come again."""
    by_own_id: bool = True
    """Whether these are the retailer's own ids; else they are our keys."""


@dataclass(frozen=True, slots=True)
class SeenTogetherCounts:
    """In how many photos a slot's category was seen with the product, or with things like it."""

    own_photos: int
    """The product's own."""
    similar_photos: int
    """Of products that look like it."""
    catalog_photos: int
    """Of the retailer's whole catalog, with any product of its category in them."""
    shopper_photos: int
    """That shoppers searched with, likewise."""

    @property
    def total(self) -> int:
        """All; own and similar ones are among the catalog's, once that was counted."""
        return self.shopper_photos + max(self.catalog_photos, self.own_photos + self.similar_photos)


@dataclass(frozen=True, slots=True)
class SlotColor:
    """A color the slot's category was seen in beside such a thing."""

    name: str
    n_photos: int
    lift: float | None
    """How many times likelier beside the product's color than beside any; None where it was not counted."""


@dataclass(frozen=True, slots=True)
class Pick:
    """One product for a slot."""

    ranked: RankedProduct
    """Its similarity is that to a garment seen beside the product or its look-alikes."""
    score: float
    """That similarity times how alike the product is in whose photo the garment was seen, 0..1."""
    seen_on: Product | None
    """The product in whose photo that garment was seen; None where counts alone speak for the slot."""


@dataclass(frozen=True, slots=True)
class Slot:
    """One kind of garment that goes with a product."""

    rank: int
    """From 1."""
    category_id: int
    association: Association
    seen_together: SeenTogetherCounts
    evidence: tuple[Product, ...]
    """Products on whose photos it was seen, the product itself and the most alike first."""
    colors: tuple[SlotColor, ...]
    """Most often seen first."""
    picks: tuple[Pick, ...]
    """Best first, all in stock."""


@dataclass(frozen=True, slots=True)
class CompletedLook:
    """What goes with a product."""

    product: Product
    category_id: int | None
    """What the product is; None where neither its photos nor its words say."""
    space: str
    index_generation: int
    counted_at: datetime | None
    """When the whole catalog was counted; None: not yet."""
    slots: tuple[Slot, ...]
    """The strongest first; no two are worn in the same place."""

    @property
    def index_version(self) -> str:
        """As `SearchResult.index_version`."""
        return f"{self.space}#{self.index_generation}"
