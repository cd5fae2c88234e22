"""Plain functions that make what the vision room would have seen, and its records, for tests of the search room."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from catalog.models import ProductImage
from search.descriptions import store_descriptions
from search.models import Space
from segmentation.types import BoxXyxyPx, Color, Embedding, GarmentDescriptor, PhotoDescription, PhotoError

DIM = 8
JACKET, PANTS, SHOE, TOP = 4, 6, 23, 1


def unit_vector(seed: int, dim: int = DIM) -> Embedding:
    """A random unit vector, float32 (dim,); the same for the same seed."""
    vector = np.random.default_rng(seed).normal(size=dim)
    return (vector / np.linalg.norm(vector)).astype(np.float32)


def near(vector: Embedding, similarity: float, seed: int = 0) -> Embedding:
    """A unit vector whose cosine with another one is `similarity`."""
    # Another family of seeds than `unit_vector`'s: the same vector has no part at right angles to itself.
    other = np.random.default_rng((1, seed)).normal(size=vector.shape)
    other -= (other @ vector) * vector
    other /= np.linalg.norm(other)
    return (similarity * vector + np.sqrt(1 - similarity**2) * other).astype(np.float32)


def seen(
    category_id: int | None,
    vector: Embedding | None = None,
    *,
    score: float = 0.9,
    box: BoxXyxyPx = (10.0, 10.0, 110.0, 210.0),
) -> GarmentDescriptor:
    """One garment as the segmenter would describe it; category None is the whole photo."""
    return GarmentDescriptor(
        category_id=category_id,
        score=score,
        box_xyxy_px=box,
        mask=None,
        color=Color("navy", (0, 0, 128)),
        embedding=unit_vector(1) if vector is None else vector,
    )


def photo(*garments: GarmentDescriptor, whole: Embedding | None = None) -> PhotoDescription:
    """A described photo of 200x400 pixels."""
    return PhotoDescription(200, 400, garments, seen(None, whole, score=1.0, box=(0.0, 0.0, 200.0, 400.0)))


def make_space(name: str = "test-emb8@00000000", dim: int = DIM) -> Space:
    """The record of a space, made when missing."""
    return Space.objects.get_or_create(name=name, defaults={"dim": dim})[0]


def store(space: Space, images: Sequence[ProductImage], results: Sequence[PhotoDescription | PhotoError]) -> list[int]:
    """Stores what was seen in images as they are now; returns the garments that went with former descriptions."""
    return store_descriptions(
        space, [image.pk for image in images], [image.sha256 for image in images], results, segmenter_version="seg@1"
    )
