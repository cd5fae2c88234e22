"""Masks of one photo that do not overlap, as the competition's submissions demand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from segmentation.masks import mask_from_rle, rle_from_mask
from segmentation.types import Detection


def disjoint(detections: Sequence[Detection]) -> list[Detection]:
    """Give every pixel to the strongest detection that claims it.

    Args:
        detections: Of one photo, in any order.

    Returns:
        Those that keep a pixel, by falling score; boxes stay as they are.
    """
    kept: list[Detection] = []
    taken: np.ndarray[tuple[int, ...], np.dtype[np.uint8]] | None = None
    for detection in sorted(detections, key=lambda one: -one.score):
        mask = mask_from_rle(detection.mask)
        if taken is None:
            taken = np.zeros_like(mask)
        free = mask & (1 - taken)
        if free.any():
            kept.append(replace(detection, mask=rle_from_mask(free)))
            taken |= mask
    return kept
