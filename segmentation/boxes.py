"""Arithmetic on boxes: x_min, y_min, x_max, y_max."""

from __future__ import annotations

from segmentation.types import BoxXyxyPx


def iou(first: BoxXyxyPx, second: BoxXyxyPx) -> float:
    """Intersection over union, 0..1; both boxes in the same unit.

    >>> iou((0, 0, 2, 2), (1, 0, 3, 2))
    0.3333333333333333
    """
    width = min(first[2], second[2]) - max(first[0], second[0])
    height = min(first[3], second[3]) - max(first[1], second[1])
    if width <= 0 or height <= 0:
        return 0.0
    shared = width * height
    areas = sum((box[2] - box[0]) * (box[3] - box[1]) for box in (first, second))
    return shared / (areas - shared)


def clipped_box(box: BoxXyxyPx, size: tuple[int, int]) -> BoxXyxyPx:
    """The part of a box that lies inside a photo of `size` (width, height) in pixels."""
    width, height = size
    x_min, x_max = (min(max(value, 0.0), float(width)) for value in (box[0], box[2]))
    y_min, y_max = (min(max(value, 0.0), float(height)) for value in (box[1], box[3]))
    return x_min, y_min, x_max, y_max
