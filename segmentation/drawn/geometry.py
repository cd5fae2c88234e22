"""Curves, limbs and charts: where things are drawn, in body units, before any pixel exists.

One body unit is about a centimetre of a 170-unit figure; x grows to the viewer's right, y downwards.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]
"""float64, shape (N, 2): x, y in body units unless a name says px."""

Point = tuple[float, float]


def points(*xy: Point) -> Points:
    """Corners written by hand, as an array of shape (N, 2)."""
    return np.array(xy, dtype=np.float64)


def smooth(corners: Points, *, closed: bool = False, steps: int = 8) -> Points:
    """A Catmull-Rom curve through every corner.

    Args:
        corners: Shape (N, 2), N >= 2.
        closed: Whether the last corner leads back to the first.
        steps: Points per span.

    Returns:
        Shape (spans * steps [+ 1 when open], 2).
    """
    if closed:
        padded = np.vstack([corners[-1:], corners, corners[:2]])
    else:
        padded = np.vstack([2 * corners[0] - corners[1], corners, 2 * corners[-1] - corners[-2]])
    t = np.linspace(0.0, 1.0, steps, endpoint=False)[:, None]
    p0, p1, p2, p3 = (padded[i : len(padded) - 3 + i, None, :] for i in range(4))
    spans = 0.5 * (2 * p1 + (p2 - p0) * t + (2 * p0 - 5 * p1 + 4 * p2 - p3) * t**2 + (3 * p1 - p0 - 3 * p2 + p3) * t**3)
    curve: Points = spans.reshape(-1, 2)
    return curve if closed else np.vstack([curve, corners[-1:]])


def mirrored(curve: Points) -> Points:
    """The same curve on the other side of x = 0, walked backwards so that both join into one outline."""
    return np.asarray(curve[::-1] * np.array([-1.0, 1.0]), dtype=np.float64)


def ellipse(center: Point, rx: float, ry: float, *, angle_deg: float = 0.0, count: int = 40) -> Points:
    """The outline of an ellipse, shape (count, 2)."""
    t = np.linspace(0.0, 2 * np.pi, count, endpoint=False)
    return moved(turned(np.stack([rx * np.cos(t), ry * np.sin(t)], axis=1), angle_deg), *center)


def moved(curve: Points, dx: float, dy: float) -> Points:
    """The curve shifted."""
    shifted: Points = curve + np.array([dx, dy])
    return shifted


def turned(curve: Points, angle_deg: float, about: Point = (0.0, 0.0)) -> Points:
    """The curve turned clockwise (as seen on screen) by `angle_deg` about a point."""
    a = np.deg2rad(angle_deg)
    spin = np.array([[np.cos(a), np.sin(a)], [-np.sin(a), np.cos(a)]])
    return moved((curve - np.array(about)) @ spin, *about)


def towards(start: Point, angle_deg: float, length: float) -> Point:
    """The end of a bone that hangs from `start`; 0 degrees points down, positive to the viewer's right."""
    a = np.deg2rad(angle_deg)
    return (start[0] + length * float(np.sin(a)), start[1] + length * float(np.cos(a)))


def between(a: Point, b: Point, t: float) -> Point:
    """The point a share `t` of the way from a to b."""
    return (a[0] + (b[0] - a[0]) * t, a[1] + (b[1] - a[1]) * t)


def rounded(corners: Points, radius: float, steps: int = 5) -> Points:
    """A closed polygon with its corners rounded, shape (N * steps, 2)."""
    before, after = np.roll(corners, 1, axis=0) - corners, np.roll(corners, -1, axis=0) - corners
    cut_before, cut_after = (
        corners + edge * np.minimum(radius / np.maximum(np.hypot(edge[:, 0], edge[:, 1]), 1e-9), 0.5)[:, None]
        for edge in (before, after)
    )
    t = np.linspace(0.0, 1.0, steps)[None, :, None]
    arcs = (1 - t) ** 2 * cut_before[:, None] + 2 * t * (1 - t) * corners[:, None] + t**2 * cut_after[:, None]
    curve: Points = arcs.reshape(-1, 2)
    return curve


def resampled(curve: Points, count: int) -> Points:
    """`count` points evenly spaced along a curve."""
    length = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(curve, axis=0).T))])
    at = np.linspace(0.0, length[-1], count)
    return np.stack([np.interp(at, length, curve[:, 0]), np.interp(at, length, curve[:, 1])], axis=1)


@dataclass(frozen=True, slots=True)
class Strip:
    """A band of cloth: ribs from its left to its right edge, walked from its start to its end.

    Every worn thing that bends (torso, sleeve, leg, skirt, strap) is a strip, so that patterns follow it.
    """

    left: Points
    right: Points

    @staticmethod
    def along(spine: Points, half_widths: NDArray[np.float64]) -> Strip:
        """A tube around a spine, ribs at right angles to it."""
        ahead = np.gradient(spine, axis=0)
        ahead /= np.maximum(np.hypot(ahead[:, 0], ahead[:, 1]), 1e-9)[:, None]
        side = np.stack([-ahead[:, 1], ahead[:, 0]], axis=1) * half_widths[:, None]
        return Strip(spine + side, spine - side)

    def smoothed(self, steps: int = 5) -> Strip:
        """The strip with Catmull-Rom edges."""
        return Strip(smooth(self.left, steps=steps), smooth(self.right, steps=steps))

    def part(self, start: float, end: float, *, wider: float = 0.0, ribs: int = 12) -> Strip:
        """The piece between two shares (0..1) of the length, its ribs `wider` units longer at both ends."""
        at = np.linspace(start, end, ribs) * (len(self.left) - 1)
        own = np.arange(len(self.left))
        left, right = (
            np.stack([np.interp(at, own, edge[:, 0]), np.interp(at, own, edge[:, 1])], axis=1)
            for edge in (self.left, self.right)
        )
        across = right - left
        across /= np.maximum(np.hypot(across[:, 0], across[:, 1]), 1e-9)[:, None]
        return Strip(left - across * wider, right + across * wider)

    @property
    def outline(self) -> Points:
        """Its closed outline, shape (2N, 2)."""
        return np.vstack([self.left, self.right[::-1]])


@dataclass(frozen=True, slots=True)
class View:
    """How body units become pixels: turned by `angle_deg` about the origin, scaled, shifted."""

    scale: float
    """Pixels per body unit."""
    shift_px: Point
    angle_deg: float = 0.0
    mirror: bool = False

    def to_px(self, curve: Points) -> Points:
        """Body units to pixels, shape kept."""
        seen = curve * np.array([-1.0, 1.0]) if self.mirror else curve
        return np.asarray(turned(seen, self.angle_deg) * self.scale + np.array(self.shift_px), dtype=np.float64)
