"""Plain values that leave the room of recommendations."""

from __future__ import annotations

from dataclasses import dataclass

from catalog.models import Product
from search.recommendations.reasons import Reason
from search.recommendations.scoring import ScoreParts
from search.recommendations.similar import SimilarOptions
from search.results import Offer, Variants
from segmentation.calibration import Verdict


@dataclass(frozen=True, slots=True)
class AlternativeOptions(SimilarOptions):
    """What a client may ask of alternatives."""

    size: str = ""
    """The size wanted; empty is the product's own."""


@dataclass(frozen=True, slots=True)
class Alternative:
    """One product to buy instead."""

    rank: int
    """From 1."""
    product: Product
    """With its retailer and images fetched."""
    variants: Variants
    similarity: float | None
    """Cosine of the garments' embeddings, 0..1; None where its photos were not described."""
    verdict: Verdict
    parts: ScoreParts
    reasons: tuple[Reason, ...]
    matched_image: str
    """File name, below MEDIA_ROOT, of its image that looks most alike; empty where none was compared."""


@dataclass(frozen=True, slots=True)
class Alternatives:
    """What to offer instead of a product, best first."""

    product: Product
    offer: Offer
    """What its sizes and colors say together: there may be no need of an alternative."""
    size: str
    """The size wanted, as it was written; empty where none is known."""
    is_size_in_stock: bool | None
    """Whether that size of the same item and color can be bought now; None where it is not known."""
    space: str
    index_generation: int
    is_calibrated: bool
    results: tuple[Alternative, ...]

    @property
    def index_version(self) -> str:
        """As `SearchResult.index_version`."""
        return f"{self.space}#{self.index_generation}"
