"""Arithmetic on boxes: x_min, y_min, x_max, y_max."""

from __future__ import annotations

from segmentation.types import BoxXyxyPx


def iou(first: BoxXyxyPx, second: BoxXyxyPx) -> float:
    """Intersection over union, 0..1; both boxes in the same unit.

    >>> iou((0, 0, 2, 2), (1, 0, 3, 2))
    0.3333333333333333
    """
    shared = _shared(first, second)
    return shared / (_area(first) + _area(second) - shared) if shared > 0 else 0.0


def containment(first: BoxXyxyPx, second: BoxXyxyPx) -> float:
    """The share (0..1) of the smaller box that lies in the other.

    >>> containment((0, 0, 4, 4), (0, 0, 2, 2))
    1.0
    """
    shared = _shared(first, second)
    return shared / min(_area(first), _area(second)) if shared > 0 else 0.0


def _shared(first: BoxXyxyPx, second: BoxXyxyPx) -> float:
    width = min(first[2], second[2]) - max(first[0], second[0])
    height = min(first[3], second[3]) - max(first[1], second[1])
    return max(0.0, width) * max(0.0, height)


def _area(box: BoxXyxyPx) -> float:
    return (box[2] - box[0]) * (box[3] - box[1])


def clipped_box(box: BoxXyxyPx, size: tuple[int, int]) -> BoxXyxyPx:
    """The part of a box that lies inside a photo of `size` (width, height) in pixels."""
    width, height = size
    x_min, x_max = (min(max(value, 0.0), float(width)) for value in (box[0], box[2]))
    y_min, y_max = (min(max(value, 0.0), float(height)) for value in (box[1], box[3]))
    return x_min, y_min, x_max, y_max
