"""How what was seen in a shopper's photo is kept: the photo's views, packed as the queue packs descriptions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import msgpack

from search.scenes import Scene, photo_scene
from segmentation.checkpoint import SpaceInfo
from segmentation.types import BoxXyxyPx, PhotoDescription
from workers.codec import decode_descriptions, encode_descriptions
from workers.errors import CodecError

MOST_VIEWS = 8
"""Regions of one photo that are remembered, besides what was asked first."""


@dataclass(frozen=True, slots=True)
class View:
    """What a photo, or a region of it, shows."""

    region_xyxy_px: BoxXyxyPx | None
    description: PhotoDescription

    @property
    def scene(self) -> Scene:
        """What of it can be searched for."""
        return photo_scene(self.description, is_region=self.region_xyxy_px is not None)


@dataclass(frozen=True, slots=True)
class KeptViews:
    """The views of one photo, all in one space."""

    space: str
    size_px: tuple[int, int]
    """Width and height of the displayed photo."""
    first_region_xyxy_px: BoxXyxyPx | None
    """What was asked first, and is meant where no region is named."""
    views: tuple[View, ...]

    @classmethod
    def of(cls, view: View, space: SpaceInfo) -> KeptViews:
        """One view, that of the first search."""
        seen = view.description
        return cls(space.name, (seen.width_px, seen.height_px), view.region_xyxy_px, (view,))

    def find(self, region_xyxy_px: BoxXyxyPx | None) -> View | None:
        """The view of exactly this region."""
        return next((view for view in self.views if view.region_xyxy_px == region_xyxy_px), None)

    def with_view(self, view: View, space: SpaceInfo) -> KeptViews:
        """One view more, the oldest forgotten where there are many; those of another space are."""
        known = self.views if space.name == self.space else ()
        first = tuple(each for each in known if each.region_xyxy_px == self.first_region_xyxy_px)
        others = tuple(each for each in known if each.region_xyxy_px != self.first_region_xyxy_px)
        return replace(self, space=space.name, views=(*first, *others[1 - MOST_VIEWS :], view))


def pack(kept: KeptViews, model_version: str) -> bytes:
    """The views as bytes; `unpack` reads them."""
    described = encode_descriptions(
        [view.description for view in kept.views], space=kept.space, model_version=model_version
    )
    content = {
        "size_px": kept.size_px,
        "first": kept.first_region_xyxy_px,
        "regions": [view.region_xyxy_px for view in kept.views],
        "described": described,
    }
    packed: bytes = msgpack.packb(content)
    return packed


def unpack(packed: bytes) -> KeptViews:
    """The views. What seeing them took is left out: that was then.

    Raises:
        CodecError: Another version of this service packed them.
    """
    try:
        content: Mapping[str, Any] = msgpack.unpackb(packed)
        described = decode_descriptions(content["described"])
        views = tuple(
            View(_box(region), _untimed(seen))
            for region, seen in zip(content["regions"], described, strict=True)
            if isinstance(seen, PhotoDescription)
        )
        width_px, height_px = content["size_px"]
        return KeptViews(content["described"]["space"], (width_px, height_px), _box(content["first"]), views)
    except (KeyError, TypeError, ValueError, msgpack.UnpackException) as error:
        raise CodecError(f"This is not what is kept of a photo: {error!r}") from error


def _box(edges: Any) -> BoxXyxyPx | None:
    if edges is None:
        return None
    x_min, y_min, x_max, y_max = (float(edge) for edge in edges)
    return (x_min, y_min, x_max, y_max)


def _untimed(description: PhotoDescription) -> PhotoDescription:
    return replace(description, latency_ms=dict.fromkeys(description.latency_ms, 0.0))
