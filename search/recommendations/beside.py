"""Garments seen beside a product: in its own photos, and in those of what looks like it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from catalog.models import Product
from search.models import Garment, ImageDescription
from search.recommendations.places import GARMENT_IDS, go_together
from search.selectors import IDS_A_QUERY, chunked, read_embedding
from segmentation.types import Embedding

MAX_QUERIES = 12
"""Garments of one category whose likes are looked for, the nearest product's first."""


_Row = tuple[int, int | None, str, bytes | memoryview, str, int]


@dataclass(frozen=True, slots=True, eq=False)
class Beside:
    """One garment that is worn with a product, or with what looks like it, and not for sale in that photo."""

    garment_id: int
    category_id: int
    color_name: str
    embedding: Embedding
    photo: str
    """SHA-256 of the photo: sizes share photos."""
    product_id: int
    """Whose photo it is."""
    weight: float
    """How alike that product is, 0..1; 1 for the product itself."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """All that was seen beside a product and its look-alikes."""

    seen: tuple[Beside, ...]
    """The product's own first, then by falling likeness; ties by garment id."""
    product_id: int

    @property
    def n_photos(self) -> int:
        """Photos that show anything beside."""
        return len({each.photo for each in self.seen})

    def of_category(self, category_id: int) -> list[Beside]:
        """What was seen of one category."""
        return [each for each in self.seen if each.category_id == category_id]

    def n_own(self, category_id: int) -> int:
        """The product's own photos that show the category."""
        return len({each.photo for each in self.of_category(category_id) if each.product_id == self.product_id})

    def n_alike(self, category_id: int) -> int:
        """Photos of look-alikes that show it; a photo they share with the product is the product's."""
        own = {each.photo for each in self.of_category(category_id) if each.product_id == self.product_id}
        return len({each.photo for each in self.of_category(category_id)} - own)

    def queries(self, category_id: int) -> list[Beside]:
        """What the likes of are looked for: one a photo, the nearest products' first."""
        by_photo: dict[str, Beside] = {}
        for each in self.of_category(category_id):
            by_photo.setdefault(each.photo, each)
        return list(by_photo.values())[:MAX_QUERIES]


def look_around(product: Product, alike: Mapping[int, float], space_name: str, taken: frozenset[str]) -> Surroundings:
    """Reads what the photos of a product and of its look-alikes show beside what is for sale.

    Args:
        product: The product.
        alike: Its look-alikes' keys and how alike they are, 0..1.
        space_name: The space whose descriptions count.
        taken: Where the product itself is worn: nothing goes there besides.
    """
    weights = {**alike, product.pk: 1.0}
    seen = [
        Beside(pk, category_id, color, read_embedding(embedding), photo, product_id, weights[product_id])
        for pk, category_id, color, embedding, photo, product_id in _rows(weights, space_name)
        if category_id is not None and go_together(category_id, taken)
    ]
    seen.sort(key=lambda each: (each.product_id != product.pk, -each.weight, each.garment_id))
    return Surroundings(tuple(seen), product.pk)


def evidence(seen: Sequence[Beside], limit: int) -> list[int]:
    """The products whose photos show it, nearest first."""
    return list(dict.fromkeys(each.product_id for each in seen))[:limit]


def colors_of(seen: Iterable[Beside]) -> dict[str, int]:
    """In how many photos each color was seen."""
    photos: defaultdict[str, set[str]] = defaultdict(set)
    for each in seen:
        if each.color_name:
            photos[each.color_name].add(each.photo)
    return {name: len(of_color) for name, of_color in photos.items()}


def _rows(product_ids: Iterable[int], space_name: str) -> list[_Row]:
    rows: list[_Row] = []
    for some in chunked(sorted(product_ids), IDS_A_QUERY):
        rows += Garment.objects.filter(
            product_id__in=some,
            is_product=False,
            category_id__in=GARMENT_IDS,
            description__space__name=space_name,
            description__state=ImageDescription.State.OK,
        ).values_list("pk", "category_id", "color_name", "embedding", "description__image_sha256", "product_id")
    return rows
