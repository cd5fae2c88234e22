"""Heads: hair behind, face, hair in front."""

from __future__ import annotations

import numpy as np

from segmentation.drawn.canvas import Canvas
from segmentation.drawn.fabric import darker
from segmentation.drawn.figure import Hair, Look
from segmentation.drawn.geometry import Points, Strip, ellipse, mirrored, points, smooth
from segmentation.drawn.patterns import Rgb
from segmentation.drawn.shading import Drape
from segmentation.drawn.skeleton import SIGNS, Skeleton

# Written like drawings, many corners a line: the formatter would put each corner on its own.
# fmt: off

PARTINGS: dict[Hair, float] = {
    "long": -2.0, "bob": 0.0, "short": 2.5, "crop": 0.0, "bun": 0.0, "curly": 1.0, "ponytail": -1.0,
}
"""Where the hair parts, in the head chart."""
SIDE_LENGTHS: dict[Hair, float] = {
    "long": 7.0, "bob": 9.5, "short": 0.0, "crop": -1.5, "bun": -0.5, "curly": 4.0, "ponytail": 0.0,
}
"""How far down the hair frames the face."""


def draw_hair_behind(canvas: Canvas, body: Skeleton, look: Look) -> None:
    """The hair that falls behind neck and shoulders."""
    shapes: dict[Hair, Points] = {
        "bob": points(
            (-8.4, -6), (-9.6, 2), (-9.4, 11.5), (-5, 13.5), (5, 13.5), (9.4, 11.5), (9.6, 2), (8.4, -6), (0, -12),
        ),
        "long": points(
            (-8.2, -7), (-9.8, 4), (-11.5, 18), (-11, 31), (-5, 34), (5, 34), (11, 31), (11.5, 18), (9.8, 4),
            (8.2, -7), (0, -12),
        ),
        "ponytail": points((3, -10), (9.5, -4), (12, 8), (10.5, 22), (8, 25), (8.5, 12), (5, 2), (0, -4)),
        "curly": points(
            (-9, -8), (-12.2, 0), (-12.6, 9), (-9.5, 14.5), (0, 12), (9.5, 14.5), (12.6, 9), (12.2, 0), (9, -8),
            (0, -14),
        ),
    }
    if look.hair == "curly" and not body.build.female:
        return
    if look.hair in shapes:
        outline = smooth(shapes[look.hair], closed=True)
        if look.hair == "curly":
            outline = _curled(outline)
        canvas.shape(body.head(outline), darker(look.hair_color, 0.72), 0, lift=0.3)
    if look.hair == "bun":
        canvas.shape(body.head(ellipse((0.5, -16.2), 4.6, 4.2)), look.hair_color, 0, lift=0.2)


def _curled(outline: Points) -> Points:
    """An outline with curls along it."""
    centre = outline.mean(axis=0)
    return np.asarray(
        centre + (outline - centre) * (1 + 0.045 * np.sin(np.arange(len(outline)) * 1.55))[:, None], dtype=np.float64,
    )


def draw_head(canvas: Canvas, body: Skeleton, look: Look) -> None:
    """Ears, face and its features."""
    jaw = 1.0 if body.build.female else 1.12
    for sign in SIGNS:
        canvas.shape(body.head(ellipse((sign * 7.2, 1.2), 1.4, 2.4)), darker(look.skin, 0.88), 0, lift=0.1)
    half = smooth(
        points(
            (0, 11.8), (-2.3 * jaw, 11.2), (-5.0 * jaw, 8.0), (-6.8, 3.2), (-7.2, -2.2), (-6.5, -7.6), (-3.6, -11.2),
            (0, -12),
        )
    )
    y = np.linspace(-12.5, 12.5, 14)
    chart = Strip(body.head(np.stack([np.full(14, -7.3), y], 1)), body.head(np.stack([np.full(14, 7.3), y], 1)))
    outline = body.head(np.vstack([half, mirrored(half)]))
    canvas.strip(chart, look.skin, 0, outline=outline, drape=Drape(round=0.26, folds=0.0), lift=0.45)
    _draw_features(canvas, body, look)
    if look.beard:
        beard = smooth(points((-7.0, 0.8), (-6.9, 4.6), (-5.6, 9.2), (-2.4, 12.2), (0, 12.7)))
        inner = smooth(points((0, 8.6), (-2.6, 8.0), (-3.2, 5.4), (-5.2, 4.4), (-6.4, 1.0)))
        ring = np.vstack([beard, mirrored(beard)[1:], inner[::-1] * (-1.0, 1.0), inner])
        canvas.shape(body.head(ring), look.hair_color, 0, lift=0.0, opacity=0.85)


def _draw_features(canvas: Canvas, body: Skeleton, look: Look) -> None:
    skin, shade = look.skin, darker(look.skin, 0.68)

    def flat(curve: Points, color: Rgb, opacity: float = 1.0) -> None:
        canvas.shape(body.head(curve), color, None, lift=0.0, rim=0.0, opacity=opacity, shine=0.0)

    for sign in SIGNS:
        flat(ellipse((sign * 4.2, 4.4), 2.2, 1.5), (226, 120, 108), 0.16)
        eye = smooth(
            points((1.5, 0.3), (2.6, -0.75), (3.7, -0.7), (4.6, 0.15), (3.5, 0.8), (2.4, 0.85)), closed=True,
        ) * (sign, 1.0)
        flat(eye, (246, 243, 240))
        flat(ellipse((sign * 3.05, 0.05), 0.82, 0.85, count=20), look.iris)
        flat(ellipse((sign * 3.05, 0.05), 0.4, 0.42, count=14), (20, 16, 16))
        flat(ellipse((sign * 3.05 - 0.25, -0.25), 0.2, 0.2, count=10), (255, 255, 255))
        lash = smooth(points((1.4, 0.3), (2.6, -0.85), (3.8, -0.8), (4.9, 0.0))) * (sign, 1.0)
        canvas.stroke(body.head(lash), 0.5 if body.build.female else 0.32, (38, 28, 26), opacity=0.95)
        brow = smooth(points((1.2, -2.5), (2.8, -3.3), (4.4, -3.2), (5.5, -2.4))) * (sign, 1.0)
        canvas.stroke(body.head(brow), 0.6 if body.build.female else 0.9, darker(look.hair_color, 0.8), opacity=0.9)
    nose = smooth(points((0.7, -0.4), (0.9, 2.2), (1.5, 4.0), (0.7, 4.7), (-0.6, 4.7)))
    canvas.stroke(body.head(nose), 0.36, shade, opacity=0.65)
    flat(ellipse((-0.3, 2.6), 0.6, 2.2), darker(skin, 1.35), 0.35)
    upper = smooth(points((-2.3, 7.2), (-1.0, 6.6), (0, 6.85), (1.0, 6.6), (2.3, 7.2), (0, 7.4)), closed=True)
    lower = smooth(points((-2.2, 7.2), (0, 7.45), (2.2, 7.2), (1.1, 8.35), (-1.1, 8.35)), closed=True)
    flat(lower, darker(look.lips, 1.12))
    flat(upper, look.lips)
    canvas.stroke(body.head(smooth(points((-2.3, 7.15), (0, 7.45), (2.3, 7.15)))), 0.22, darker(look.lips, 0.55))


def _hairline(from_parting: float) -> float:
    """Where the hair ends above the face, this far from its parting."""
    return float(np.interp(abs(from_parting), (0.0, 4.0, 6.0, 8.5), (-10.2, -9.0, -7.0, -4.5)))


def draw_hair_front(canvas: Canvas, body: Skeleton, look: Look, *, hatted: bool) -> None:
    """The hair that frames the face; flat under a hat."""
    top = -12.6 if hatted else -14.2
    parting = PARTINGS[look.hair]
    low = SIDE_LENGTHS[look.hair]
    thick = 1.0 if look.hair == "crop" else 1.9
    outer = smooth(
        points(
            (-7.0, low), (-7.4 - thick * 0.7, -3), (-7.2 - thick * 0.4, -8.4), (-4.4, top + 1.0), (0, top),
            (4.4, top + 1.0), (7.2 + thick * 0.4, -8.4), (7.4 + thick * 0.7, -3), (7.0, low),
        )
    )
    inner = smooth(
        points((6.6, low), (6.5, -2.2), (5.3, -6.6), (parting, -8.8), (-5.3, -6.6), (-6.5, -2.2), (-6.6, low)),
    )
    if look.hair == "bob":
        inner = smooth(points((6.4, low), (6.4, -2), (5.8, -5.0), (0, -5.6), (-5.8, -5.0), (-6.4, -2), (-6.4, low)))
    outline = np.vstack([outer, inner])
    if look.hair == "curly" and not hatted:
        outline = np.vstack([_curled(outer * (1.1, 1.06)), inner])
    canvas.shape(body.head(outline), look.hair_color, 0, lift=0.3, rim=0.4)
    shine = darker(look.hair_color, 1.25)
    for k in range(5):
        x = -6.5 + 2.6 * k
        ends = (x * 1.12, _hairline(x - parting))
        strand = smooth(points((parting + (x - parting) * 0.25, top + 0.9), (x * 0.95, top + 2.4), ends))
        canvas.stroke(body.head(strand), 0.35, shine if k % 2 else darker(look.hair_color, 0.6), opacity=0.5)
    if look.hair == "long":
        for sign in SIGNS:
            lock = smooth(
                points((7.0, -3), (9.0, 4), (10.6, 15), (9.8, 27), (7.2, 28.5), (7.6, 14), (6.4, 5)), closed=True,
            ) * (sign, 1.0)
            canvas.shape(body.head(lock), look.hair_color, 0, lift=0.4)
            canvas.stroke(
                body.head(smooth(points((7.4, 1), (8.8, 12), (8.4, 25))) * (sign, 1.0)), 0.4, shine, opacity=0.5,
            )
