"""Plain values that leave the vision room: what was seen in a photo, without torch.

A thing changes its name when it changes its meaning: pixels -> `Detection` -> `GarmentDescriptor`; the
record of a descriptor is `search.models.Garment`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypedDict

import numpy as np
from numpy.typing import NDArray

BoxXyxyPx = tuple[float, float, float, float]
"""x_min, y_min, x_max, y_max in pixels of the displayed (EXIF-turned) photo at its original resolution."""

Embedding = NDArray[np.float32]
"""float32, shape (dim,), unit length."""


class MaskRLE(TypedDict):
    """A binary mask in COCO's compressed run-length form (column-major)."""

    size: list[int]
    """[height_px, width_px]."""
    counts: str
    """The compressed runs, ASCII."""


ColorHistogram = Mapping[str, float]
"""Names of `segmentation.colors.COLOR_NAMES` and the share of a garment's pixels that bear each, the largest first."""


@dataclass(frozen=True, slots=True)
class Color:
    """A dominant color with the name a shopper would use."""

    name: str
    rgb: tuple[int, int, int]

    @property
    def hex(self) -> str:
        """As CSS writes it.

        >>> Color("navy", (0, 0, 128)).hex
        '#000080'
        """
        return "#{:02x}{:02x}{:02x}".format(*self.rgb)


@dataclass(frozen=True, slots=True)
class Detection:
    """One instance the segmenter found, before it is described."""

    category_id: int
    score: float
    box_xyxy_px: BoxXyxyPx
    mask: MaskRLE


@dataclass(frozen=True, slots=True)
class GarmentDescriptor:
    """One garment of a photo: what it is, where it is, its colors, and its embedding.

    `category_id` is an iMaterialist category (0..45), or None for a whole photo or a region a client chose.
    `mask` is None where no garment was segmented (whole photo, region). `color` is the dominant one;
    `color_histogram` is empty where it is not known (described by an earlier version).
    """

    category_id: int | None
    score: float
    box_xyxy_px: BoxXyxyPx
    mask: MaskRLE | None
    color: Color
    embedding: Embedding
    color_histogram: ColorHistogram = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PhotoDescription:
    """Everything one photo yielded.

    `garments` are sorted by falling score. `whole_image` describes the photo (or the asked region) as one
    thing; it is what is searched where nothing was segmented.
    """

    width_px: int
    height_px: int
    garments: tuple[GarmentDescriptor, ...]
    whole_image: GarmentDescriptor
    latency_ms: Mapping[str, float] = field(default_factory=dict)
    """Milliseconds by stage: decode, segment, embed."""


@dataclass(frozen=True, slots=True)
class PhotoError:
    """Why one photo could not be described. It concerns that photo alone, never its batch."""

    code: str
    """`too_large`, `too_many_pixels`, `not_an_image`, `unsupported_format`, `truncated`, `empty`, `too_small`,
    `region_outside`; from a worker also `missing_file`."""
    message: str


@dataclass(frozen=True, slots=True)
class EncodedPhoto:
    """A photo as it arrived: the file's bytes, and a region of interest where the client drew one."""

    data: bytes
    region_xyxy_px: BoxXyxyPx | None = None
