"""The box a client draws on a photo: read in pixels or fractions, kept inside the photo."""

from __future__ import annotations

import math

from search.errors import InvalidRegion
from segmentation.types import BoxXyxyPx

MIN_REGION_SIDE_PX = 8.0
"""Less shows no garment."""


def place_region(box_xyxy: tuple[float, float, float, float], width_px: int, height_px: int) -> BoxXyxyPx:
    """Puts a client's box into the photo.

    Args:
        box_xyxy: x_min, y_min, x_max, y_max; pixels of the displayed photo, or fractions of its sides where all four
            are at most 1.
        width_px: Of the displayed photo.
        height_px: Of the displayed photo.

    Returns:
        The box in pixels, cut at the photo's edges.

    Raises:
        InvalidRegion: The box is reversed, or less than `MIN_REGION_SIDE_PX` of it lie in the photo.

    >>> place_region((0.5, 0.0, 1.0, 1.0), 200, 100)
    (100.0, 0.0, 200.0, 100.0)
    >>> place_region((-5, 10, 60, 5000), 200, 100)
    (0.0, 10.0, 60.0, 100.0)
    """
    if not all(math.isfinite(edge) for edge in box_xyxy):
        raise InvalidRegion("The box needs four finite numbers.")
    x_min, y_min, x_max, y_max = box_xyxy
    if max(box_xyxy) <= 1.0:
        x_min, x_max, y_min, y_max = x_min * width_px, x_max * width_px, y_min * height_px, y_max * height_px
    if x_max <= x_min or y_max <= y_min:
        raise InvalidRegion("The box must be x_min,y_min,x_max,y_max with x_min < x_max and y_min < y_max.")
    left, right = max(0.0, float(x_min)), min(float(width_px), float(x_max))
    top, bottom = max(0.0, float(y_min)), min(float(height_px), float(y_max))
    if min(right - left, bottom - top) < MIN_REGION_SIDE_PX:
        raise InvalidRegion(
            f"Less than {MIN_REGION_SIDE_PX:g} pixels of the box lie within the photo of {width_px}x{height_px}."
        )
    return (left, top, right, bottom)


def share_inside(box_xyxy_px: BoxXyxyPx, region_xyxy_px: BoxXyxyPx) -> float:
    """The share (0..1) of a box that lies in a region.

    >>> share_inside((0, 0, 4, 4), (2, 0, 9, 9))
    0.5
    """
    width = min(box_xyxy_px[2], region_xyxy_px[2]) - max(box_xyxy_px[0], region_xyxy_px[0])
    height = min(box_xyxy_px[3], region_xyxy_px[3]) - max(box_xyxy_px[1], region_xyxy_px[1])
    area = (box_xyxy_px[2] - box_xyxy_px[0]) * (box_xyxy_px[3] - box_xyxy_px[1])
    return max(0.0, width) * max(0.0, height) / area if area > 0 else 0.0
