"""Feet: the profile chart on which shoes and socks are drawn, foreshortened when toes turn outward."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from segmentation.drawn.canvas import Canvas
from segmentation.drawn.cuts import Accessory
from segmentation.drawn.fabric import Fabric
from segmentation.drawn.fitting import Fitting
from segmentation.drawn.geometry import Point, Points, points, smooth
from segmentation.drawn.patterns import Rgb
from segmentation.drawn.skeleton import SIGNS, Skeleton

OUTWARD_TURN, STEPPING_TURN = 0.56, 0.46
"""How much of its length a foot shows when a figure stands, and when it steps."""
OUTWARD_SLOPE = 0.20


@dataclass(frozen=True, slots=True)
class Stance:
    """Where the profile chart lies: heel at x = 0, toe at x = 26, ground at y = 0, ankle at (6, -8)."""

    ankle: Point
    sign: float
    """Side the toe points to."""
    turn: float = 1.0
    """1 for a pure profile, less when the foot points at the viewer."""
    slope: float = 0.0
    """How far the toe lies below the heel, per unit."""
    heel: float = 0.0
    """How far the shoe lifts the heel."""

    @staticmethod
    def of(body: Skeleton, side: int, heel: float) -> Stance:
        """One foot of a standing figure, toes out and towards the viewer."""
        turn = STEPPING_TURN if body.pose.lifted[side] > 0 else OUTWARD_TURN
        return Stance(body.ankles[side], SIGNS[side], turn, OUTWARD_SLOPE, heel)

    def place(self, chart: Points) -> Points:
        """From the profile chart to the body."""
        x = self.sign * (chart[:, 0] - 6.0) * self.turn
        y = chart[:, 1] + 8.0 + self.heel + np.maximum(chart[:, 0] - 4.0, 0.0) * self.slope
        return np.stack([x + self.ankle[0], y + self.ankle[1]], 1)


@dataclass(frozen=True, slots=True)
class Foot:
    """One shoe or sock being drawn."""

    fit: Fitting
    stance: Stance

    def part(
        self, chart: Points, cloth: Fabric | Rgb, *, lift: float = 0.25, tone: float = 1.0, on: bool = False
    ) -> None:
        """A piece of the shoe; `on` keeps it inside what is already drawn."""
        tag, placed = self.fit.tag, self.stance.place(chart)
        self.fit.canvas.shape(placed, cloth, tag, lift=lift, tone=tone, on=tag if on else None, shine=0.25)

    def line(self, chart: Points, width: float, color: Rgb, *, dash: float | None = None) -> None:
        """A seam on the shoe."""
        self.fit.canvas.stroke(self.stance.place(smooth(chart)), width, color, on=self.fit.tag, dash=dash)


def heel_units(cut: Accessory) -> float:
    """Height of the heel of a shoe."""
    if cut.kind == "pump":
        return 6.5 + 2.0 * (cut.detail % 2)
    return 3.6 if cut.kind in ("heeled_boot", "tall_boot") else 0.0


def draw_bare_foot(canvas: Canvas, body: Skeleton, skin: Rgb, side: int, heel: float) -> None:
    """The foot itself, under whatever is put on it."""
    back = points((0.8, -2 - heel), (0.9, -9.4 - heel), (11.2, -9.8 - heel), (14.5, -6.5 - heel * 0.5))
    front = points((20, -4), (25, -1.2), (18, -0.5), (8, -1 - heel * 0.6))
    instep = smooth(np.vstack([back, front]), closed=True)
    canvas.shape(Stance.of(body, side, heel).place(instep), skin, 0, lift=0.0, rim=0.1)


def draw_pair_packshot(fit: Fitting, cut: Accessory, draw_one: Callable[[Foot, Accessory], None]) -> None:
    """Both in profile, the farther one behind and a little higher; the second takes the next tag."""
    for number, ankle in enumerate(((7.0, -5.5), (0.0, 0.0))):
        draw_one(Foot(replace(fit, tag=fit.tag + number), Stance(ankle, 1.0)), cut)


def draw_on_foot(fit: Fitting, cut: Accessory, side: int, draw_one: Callable[[Foot, Accessory], None]) -> None:
    """One foot of a standing figure."""
    draw_one(Foot(fit, Stance.of(fit.body, side, heel_units(cut))), cut)
