"""Plain values that leave the search room: what a photo showed and which products answer it."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from catalog.models import Product
from segmentation.types import BoxXyxyPx, GarmentDescriptor

Kind = Literal["garment", "region", "whole_image"]
"""A garment the segmenter found; or the box a client drew, or the photo, where it found none (of that category)."""

DEFAULT_LIMIT = 10
MAX_LIMIT = 100


@dataclass(frozen=True, slots=True)
class SearchOptions:
    """What a client may ask for beside the photo itself."""

    limit: int = DEFAULT_LIMIT
    """Most products a garment, 1..`MAX_LIMIT`."""
    category_id: int | None = None
    """Only garments of this category are searched; None searches all."""
    min_score: float = 0.0
    """Least similarity of a product, 0..1."""
    box_xyxy: BoxXyxyPx | None = None
    """Region of the photo: pixels, or 0..1 of its sides where all four are at most 1."""
    retailer_slug: str | None = None
    """Only this retailer's products; None searches all."""


@dataclass(frozen=True, slots=True)
class RankedProduct:
    """One product of a result list, and the catalog image of it that looks most alike."""

    rank: int
    """From 1."""
    score: float
    """0..1."""
    product: Product
    """With its retailer and images fetched."""
    matched_image: str
    """File name of the image below MEDIA_ROOT."""
    matched_category_id: int | None
    """Category of the garment in it; None where the image was matched as a whole."""


@dataclass(frozen=True, slots=True)
class SearchedObject:
    """One thing of the photo with its products, best first."""

    object_id: int
    kind: Kind
    descriptor: GarmentDescriptor
    results: tuple[RankedProduct, ...]


@dataclass(frozen=True, slots=True)
class SearchResult:
    """The answer to one photo."""

    search_id: uuid.UUID
    space: str
    index_generation: int
    model_version: str
    width_px: int
    height_px: int
    timings_ms: Mapping[str, float]
    """Milliseconds by stage: decode, segment, embed, search, rank, total."""
    objects: tuple[SearchedObject, ...]

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
    results: tuple[RankedProduct, ...]

    @property
    def index_version(self) -> str:
        """As `SearchResult.index_version`."""
        return f"{self.space}#{self.index_generation}"
