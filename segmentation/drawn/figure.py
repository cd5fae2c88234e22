"""The person inside the clothes: who it is, trunk, arms and hands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.random import Generator

from segmentation.drawn.canvas import Canvas
from segmentation.drawn.fabric import darker
from segmentation.drawn.geometry import Points, Strip, mirrored, moved, points, smooth, turned
from segmentation.drawn.patterns import Rgb
from segmentation.drawn.shading import Drape
from segmentation.drawn.skeleton import FOREARM, SHANK, SIGNS, THIGH, UPPER_ARM, Skeleton

# Written like drawings, many corners a line: the formatter would put each corner on its own.
# fmt: off

Hair = Literal["short", "crop", "bob", "long", "bun", "curly", "ponytail"]

SKINS: tuple[Rgb, ...] = (
    (244, 208, 182), (230, 184, 152), (212, 160, 124), (178, 124, 88), (136, 90, 62), (94, 62, 46),
)
HAIRS: tuple[Rgb, ...] = (
    (38, 30, 28), (66, 44, 32), (104, 70, 44), (158, 112, 66), (206, 168, 108), (134, 62, 36), (150, 148, 146),
)
IRISES: tuple[Rgb, ...] = ((72, 48, 32), (58, 92, 120), (72, 96, 64), (40, 30, 26))


@dataclass(frozen=True, slots=True)
class Look:
    """What tells one person from another."""

    skin: Rgb
    hair_color: Rgb
    hair: Hair
    iris: Rgb
    lips: Rgb
    beard: bool


def random_look(rng: Generator, *, female: bool) -> Look:
    """A person as likely as any other."""
    skin = SKINS[int(rng.integers(len(SKINS)))]
    styles: tuple[Hair, ...] = ("short", "short", "crop", "curly")
    if female:
        styles = ("bob", "long", "long", "bun", "curly", "ponytail")
    lips = darker((196, 84, 88), 0.55 + 0.5 * skin[0] / 255) if female else darker(skin, 0.76)
    return Look(
        skin, HAIRS[int(rng.integers(len(HAIRS)))], styles[int(rng.integers(len(styles)))],
        IRISES[int(rng.integers(len(IRISES)))], lips, not female and bool(rng.random() < 0.35),
    )  # fmt: skip


SKIN_DRAPE = Drape(round=0.24, folds=0.02, fold_count=1.0)


def draw_trunk(canvas: Canvas, body: Skeleton, look: Look) -> None:
    """Legs, torso and neck, bare."""
    for side in (1 - body.pose.front_leg, body.pose.front_leg):
        spine = body.leg_spine(side, 2.0, THIGH + SHANK + 1.0, 24)
        s = np.linspace(2.0, THIGH + SHANK + 1.0, 24)
        half = np.interp(
            s, (0.0, THIGH - 4, THIGH, THIGH + 14, THIGH + SHANK), (body.build.leg[0], 6.6, *body.build.leg[1:]),
        )
        canvas.strip(Strip.along(spine, half), look.skin, 0, drape=SKIN_DRAPE, lift=0.2, rim=0.1)
    y = np.linspace(1.0, 64.0, 24)
    half = body.build.half(y)
    chart = Strip(body.torso(np.stack([-half, y], 1)), body.torso(np.stack([half, y], 1)))
    canvas.strip(chart, look.skin, 0, drape=SKIN_DRAPE, lift=0.0, rim=0.0)
    for side in (0, 1):
        _draw_arm_part(canvas, body, look, side, -2.0, 17.0)
    thick = 4.4 if body.build.female else 5.8
    side_line = smooth(
        points(
            (-thick, -12), (-thick * 0.98, -4.5), (-thick - 1.2, 0.2), (-body.build.shoulder * 0.62, 3.2),
            (-body.build.shoulder * 0.6, 8),
        )
    )
    canvas.shape(body.torso(np.vstack([side_line, mirrored(side_line)])), darker(look.skin, 0.95), 0, lift=0.0, rim=0.0)
    for sign in SIGNS:
        bone = smooth(points((sign * 1.6, 4.6), (sign * 6, 3.4), (sign * 11, 3.2)))
        canvas.stroke(body.torso(bone), 0.5, darker(look.skin, 0.8), opacity=0.5)


def _draw_arm_part(canvas: Canvas, body: Skeleton, look: Look, side: int, start: float, end: float) -> None:
    spine = body.arm_spine(side, start, end, 20)
    s = np.linspace(start, end, 20)
    upper, elbow, wrist = body.build.arm
    knots = (-2.0, 0.5, 5.0, UPPER_ARM, UPPER_ARM + 7, UPPER_ARM + FOREARM)
    half = np.interp(s, knots, (2.6, 4.0, upper, elbow, elbow * 1.02, wrist))
    canvas.strip(Strip.along(spine, half), look.skin, 0, drape=SKIN_DRAPE, lift=0.12, rim=0.06)


def draw_arm(canvas: Canvas, body: Skeleton, look: Look, side: int) -> None:
    """One arm with its hand, over the clothes; its root was drawn with the trunk, under them."""
    _draw_arm_part(canvas, body, look, side, 13.0, UPPER_ARM + FOREARM)
    if not body.pose.pocketed[side]:
        draw_hand(canvas, body, look, side)


def draw_hand(canvas: Canvas, body: Skeleton, look: Look, side: int) -> None:
    """A relaxed hand, fingers together, thumb towards the body."""
    sign = SIGNS[side]
    wrist, elbow = np.array(body.wrists[side]), np.array(body.elbows[side])
    angle = float(np.rad2deg(np.arctan2(wrist[0] - elbow[0], wrist[1] - elbow[1])))
    if sign * angle < -20.0:
        angle *= 0.35
    size = 0.88 if body.build.female else 1.02

    def place(chart: Points) -> Points:
        return moved(turned(chart * (sign * size, size), -angle * 0.85), *wrist)

    palm = smooth(
        points(
            (-2.3, -1.5), (-2.9, 3), (-2.8, 7.5), (-2.0, 12.6), (-0.4, 14.6), (1.0, 14.2), (2.0, 11.5), (2.7, 6.5),
            (2.4, -1.5),
        )
    )
    thumb = smooth(points((-1.9, 0.6), (-3.6, 3.2), (-4.3, 7.0), (-3.5, 9.4), (-2.5, 8.4), (-2.0, 5.0)), closed=True)
    canvas.shape(place(palm), look.skin, 0, lift=0.12, rim=0.14)
    canvas.shape(place(thumb), look.skin, 0, lift=0.2, rim=0.14)
    for x, top in ((-1.0, 8.2), (0.4, 8.0), (1.5, 8.2)):
        canvas.stroke(place(points((x, top), (x * 0.8 - 0.1, 13.4))), 0.3, darker(look.skin, 0.62), opacity=0.7)
