"""A market of invented garments with chosen vectors, and a model that sees in any photo what a test wants it to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from catalog.models import Product
from search.indexing import sync_index
from search.models import Space
from segmentation.calibration import Calibration, Sigmoid
from segmentation.types import Color, Embedding, EncodedPhoto, GarmentDescriptor, PhotoDescription, PhotoError
from tests.factories import make_image, make_product, make_retailer
from tests.search_factories import DIM, JACKET, make_space, near, photo, seen, store, unit_vector
from workers import runtime

QUERY = unit_vector(1000)
"""What the shopper's garment looks like, unless a test says otherwise."""
CURVE = Calibration(Sigmoid(3.0, -4.0), {}, exact_score=0.8, similar_score=0.1, figures={})
"""Cosines from about 0.84 are exact, from about 0.43 similar."""


def colored(garment: GarmentDescriptor, color: str, **shares: float) -> GarmentDescriptor:
    """The same garment in another color, with the shares of its colors."""
    return replace(garment, color=Color(color, (1, 2, 3)), color_histogram=shares or {color: 1.0})


def alike(similarity: float, number: int = 0) -> Embedding:
    """A vector at a cosine from `QUERY`, another one for every number."""
    return near(QUERY, similarity, number)


@dataclass
class Market:
    """Products for sale in one space that serves."""

    space: Space = field(default_factory=make_space)

    def __post_init__(self) -> None:
        """Makes the space the serving one, with the version its model would have."""
        self.space.state, self.space.segmenter_version = Space.State.SERVING, "seg@1"
        self.space.save()

    def sell(
        self,
        name: str,
        *vectors: Embedding,
        retailer: str = "acme",
        category_id: int | None = JACKET,
        seen_color: str = "navy",
        shares: dict[str, float] | None = None,
        **values: Any,
    ) -> Product:
        """One product with a photo for each vector; `publish` afterwards."""
        product = make_product(make_retailer(retailer), **({"external_id": name, "title": "Thing"} | values))
        for position, vector in enumerate(vectors):
            garment = colored(seen(category_id, vector), seen_color, **(shares or {}))
            described = photo(garment) if category_id is not None else photo(whole=vector)
            store(self.space, [make_image(product, position=position)], [described])
        return product

    def publish(self) -> None:
        """Puts everything into the index."""
        sync_index(self.space)

    def calibrate(self, curve: Calibration = CURVE) -> None:
        """Says what similarities are worth."""
        self.space.calibration = curve.to_mapping()
        self.space.save()


@dataclass
class Seer:
    """Sees `description` in every photo."""

    space: str
    description: PhotoDescription
    model_version: str = "seg@1"

    def describe(self, photos: Sequence[EncodedPhoto]) -> list[PhotoDescription | PhotoError]:
        """The same for every photo."""
        return [self.description for _ in photos]


@contextmanager
def shopper_sees(market: Market, *garments: GarmentDescriptor, whole: Embedding | None = None) -> Iterator[None]:
    """While it lasts, every photo shows these garments."""
    with runtime.lent(
        Seer(market.space.name, photo(*garments, whole=unit_vector(2000, DIM) if whole is None else whole))
    ):
        yield
