"""Exact masks out of an ID buffer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pycocotools import mask as coco_mask

from segmentation.drawn.products import Product
from segmentation.types import MaskRLE

MIN_VISIBLE_PX = 24
"""Pieces of which less shows are not annotated."""


@dataclass(frozen=True, slots=True)
class Instance:
    """The visible part of one product in one drawn image."""

    product: Product
    mask: MaskRLE
    area_px: int
    box_xywh: tuple[int, int, int, int]
    """COCO's x, y, width, height in pixels."""

    @property
    def category_id(self) -> int:
        """The iMaterialist category."""
        return self.product.category_id

    def to_array(self) -> NDArray[np.bool_]:
        """The mask, shape (H, W)."""
        encoded = {"size": self.mask["size"], "counts": self.mask["counts"].encode("ascii")}
        return np.asarray(coco_mask.decode(encoded), dtype=np.bool_)


def read_instances(ids: NDArray[np.uint8], owners: Mapping[int, Product]) -> list[Instance]:
    """One instance for each tag that shows.

    Args:
        ids: uint8, shape (H, W), the topmost tag of each pixel.
        owners: Whose product each tag is.
    """
    found = []
    for tag, product in owners.items():
        mask = ids == tag
        area = int(mask.sum())
        if area < MIN_VISIBLE_PX:
            continue
        rows, cols = np.nonzero(mask.any(axis=1))[0], np.nonzero(mask.any(axis=0))[0]
        box = (int(cols[0]), int(rows[0]), int(cols[-1] - cols[0] + 1), int(rows[-1] - rows[0] + 1))
        rle = coco_mask.encode(np.asfortranarray(mask.astype(np.uint8)))
        counts = rle["counts"].decode("ascii")
        found.append(Instance(product, MaskRLE(size=[int(n) for n in rle["size"]], counts=counts), area, box))
    return found
