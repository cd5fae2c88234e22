"""Finds the garment a packshot sells, with the segmenter that serves: training crops are cut as served ones are."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from segmentation.device import best_device
from segmentation.masks import Mask
from segmentation.segmenter import Segmenter
from segmentation.taxonomy import category_by_id, compatible_category_ids
from segmentation.types import BoxXyxyPx

LEAST_AREA_SHARE = 0.02
"""Of the photo: a smaller garment is not what the packshot sells."""


@dataclass(frozen=True, slots=True, eq=False)
class FoundGarment:
    """A garment in a photo; `mask` is uint8 (H, W), 0 or 1, of the photo's size."""

    category_id: int
    mask: Mask
    box_xyxy_px: BoxXyxyPx


class GarmentFinder:
    """A segmenter that is asked for one garment a photo."""

    def __init__(self, segmenter: Segmenter, version: str) -> None:
        self._segmenter, self.version = segmenter, version

    @classmethod
    def from_file(cls, file: Path) -> GarmentFinder:
        """Load a segmenter checkpoint.

        Raises:
            CheckpointError: Missing, damaged, or no segmenter.
        """
        device = best_device()
        segmenter, info = Segmenter.from_file(file, device=device.name, bf16=device.bf16)
        return cls(segmenter, info.version)

    def find(self, image_rgb: NDArray[np.uint8], category_id: int | None) -> FoundGarment | None:
        """The largest garment of the category or its look-alikes; of any category where it is unknown.

        Args:
            image_rgb: uint8, shape (H, W, 3).
            category_id: What the shop says it is, or None.
        """
        height, width = image_rgb.shape[:2]
        wanted = compatible_category_ids(category_id) if category_id is not None else None
        best, best_area = None, LEAST_AREA_SHARE * height * width
        for found in self._segmenter.find([self._segmenter.fit(image_rgb)])[0]:
            garment = category_by_id(found.category_id).is_garment
            if not garment or (wanted is not None and found.category_id not in wanted):
                continue
            window, left, top = self._segmenter.mask_window(found, (width, height))
            if (area := float(window.sum())) > best_area:
                mask = np.zeros((height, width), np.uint8)
                mask[top : top + window.shape[0], left : left + window.shape[1]] = window
                best, best_area = FoundGarment(found.category_id, mask, found.box_px((width, height))), area
        return best
