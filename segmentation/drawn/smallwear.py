"""Scarves, ties, watches and belts."""

from __future__ import annotations

import numpy as np

from segmentation.drawn.cuts import Accessory
from segmentation.drawn.fabric import darker
from segmentation.drawn.fitting import Fitting
from segmentation.drawn.geometry import Points, Strip, ellipse, points, rounded, smooth
from segmentation.drawn.patterns import Rgb
from segmentation.drawn.skeleton import FOREARM, SIGNS, UPPER_ARM

# Written like drawings, many corners a line: the formatter would put each corner on its own.
# fmt: off

GOLD: Rgb = (206, 176, 102)
STEEL: Rgb = (188, 191, 196)


def draw_scarf_behind(fit: Fitting) -> None:
    """The scarf's round behind the neck."""
    back = smooth(points((-10, 1), (-9, -6.5), (0, -8.5), (9, -6.5), (10, 1), (0, 6)), closed=True)
    fit.canvas.shape(fit.body.torso(back), fit.fabric, fit.tag, tone=0.62)


def draw_scarf(fit: Fitting, cut: Accessory) -> None:
    """Hanging ends, then the round in front of the neck, then a knot."""
    ends = ((-1.0, 40.0 * cut.size), (1.0, 33.0 * cut.size))
    for sign, low in ends:
        path = smooth(points((sign * 2.0, 5), (sign * 4.4, 16), (sign * 5.2, low * 0.7), (sign * 5.0, low)))
        half = np.interp(np.linspace(0, 1, len(path)), (0, 0.25, 1.0), (2.8, 4.2, 5.0))
        strip = Strip.along(fit.body.torso(path), half)
        fit.canvas.strip(
            strip, fit.fabric, fit.tag, drape=fit.drape(round=0.25, folds=0.16, fold_count=1.6, shift=2), lift=0.45,
        )
        if cut.detail % 2:
            _draw_fringe(fit, strip)
    for number, (wide, high, low) in enumerate(((10.6, -3.5, 8.5), (9.4, -6.4, 4.2))):
        path = smooth(
            points((-wide, high), (-wide * 0.72, low * 0.62), (0, low), (wide * 0.72, low * 0.62), (wide, high)),
        )
        strip = Strip.along(fit.body.torso(path), np.interp(np.linspace(0, 1, len(path)), (0, 0.5, 1), (2.4, 3.9, 2.4)))
        fit.canvas.strip(
            strip, fit.fabric, fit.tag, drape=fit.drape(round=0.35, folds=0.18, fold_count=2.0, shift=number),
            lift=0.45,
        )


def _draw_fringe(fit: Fitting, strip: Strip) -> None:
    a, b = strip.left[-1], strip.right[-1]
    ahead = strip.left[-1] - strip.left[-3]
    ahead = ahead / np.hypot(*ahead)
    for k, t in enumerate(np.linspace(0.04, 0.96, 11)):
        start = a + (b - a) * t
        tassel = np.stack([start, start + ahead * (2.8 + 0.5 * (k % 3))])
        fit.canvas.stroke(tassel, 0.55, darker(fit.fabric.ground, 0.85), fit.tag)


def draw_tie(fit: Fitting, cut: Accessory) -> None:
    """Knot and blade, from the collar down; a packshot adds the loop around an absent neck."""
    top = 5.0
    if cut.kind == "bow_tie":
        _draw_bow_tie(fit, top)
        return
    if not fit.worn:
        loop = smooth(points((-1.6, top), (-6.5, -1.5), (-6.8, -7.5), (0, -10.5), (6.8, -7.5), (6.5, -1.5), (1.6, top)))
        strip = Strip.along(fit.body.torso(loop), np.full(len(loop), 1.35))
        fit.canvas.strip(strip, fit.fabric, fit.tag, drape=fit.drape(round=0.3, folds=0.03), lift=0.3)
    wide = 3.3 * cut.size
    blade = smooth(points((-1.5, top + 3.5), (-wide * 0.72, 26), (-wide, 43.0)))
    outline = np.vstack([blade, points((0, 48.5)), blade[::-1] * (-1, 1)])
    y = np.linspace(top + 2, 50, 20)
    half = np.interp(y, (top, 43), (1.5, wide))
    chart = Strip(fit.body.torso(np.stack([-half, y], 1)), fit.body.torso(np.stack([half, y], 1)))
    fit.canvas.strip(
        chart, fit.fabric, fit.tag, outline=fit.body.torso(outline), drape=fit.drape(round=0.22, folds=0.05),
        lift=0.5,
    )
    knot = smooth(
        points((-2.5, top - 0.4), (2.5, top - 0.4), (1.6, top + 4.6), (-1.6, top + 4.6)), closed=True, steps=4,
    )
    fit.canvas.shape(fit.body.torso(knot), fit.fabric, fit.tag, lift=0.5, tone=1.04)
    fit.torso_seam(points((-1.5, top + 4.6), (0, top + 5.1), (1.5, top + 4.6)), width=0.4)


def _draw_bow_tie(fit: Fitting, top: float) -> None:
    if not fit.worn:
        loop = smooth(points((-3, top), (-7.5, -2), (0, -7.5), (7.5, -2), (3, top)))
        strip = Strip.along(fit.body.torso(loop), np.full(len(loop), 0.9))
        fit.canvas.strip(strip, darker(fit.fabric.ground, 0.85), fit.tag, lift=0.3)
    for sign in SIGNS:
        wing = smooth(
            points(
                (0.6, top + 1.2), (4, top - 1.8), (7.6, top - 2.4), (8.0, top + 2), (7.6, top + 6.2), (4, top + 5.4),
                (0.6, top + 2.6),
            ),
            closed=True,
        )
        fit.canvas.shape(fit.body.torso(wing * (sign, 1.0)), fit.fabric, fit.tag, lift=0.45)
        fit.torso_seam(points((1.2, top + 1.8), (5.5, top + 0.8)) * (sign, 1.0), width=0.4)
    knot = smooth(
        points((-1.5, top + 0.2), (1.5, top + 0.2), (1.6, top + 3.8), (-1.6, top + 3.8)), closed=True, steps=4,
    )
    fit.canvas.shape(fit.body.torso(knot), fit.fabric, fit.tag, lift=0.4, tone=0.95)


def draw_watch(fit: Fitting, cut: Accessory) -> None:
    """The whole watch, strap up and down, as a packshot shows it; drawn about the origin at ten times life."""
    metal = GOLD if cut.detail % 2 else STEEL
    square = cut.kind == "square_watch"
    for sign in SIGNS:
        strap = smooth(
            points((-7.2, 9), (-6.4, 22), (-5.6, 42), (-4.4, 47), (4.4, 47), (5.6, 42), (6.4, 22), (7.2, 9)), steps=5,
        ) * (1.0, sign)
        fit.canvas.shape(strap, fit.fabric, fit.tag, lift=0.3, rim=0.5)
        if fit.fabric.material == "metal":
            for y in np.arange(14, 46, 3.4):
                fit.canvas.stroke(
                    points((-7, sign * y), (7, sign * y)), 0.6, darker(fit.fabric.ground, 0.55), on=fit.tag,
                )
        else:
            for y in np.arange(24, 43, 5.0) if sign > 0 else ():
                fit.canvas.shape(ellipse((0, y), 0.8, 0.9), darker(fit.fabric.ground, 0.35), None, lift=0.0, on=fit.tag)
            for x in (-5.4, 5.4):
                fit.canvas.stroke(
                    points((x * 1.1, sign * 13), (x * 0.85, sign * 42)), 0.35, fit.seam, on=fit.tag, dash=1.4,
                )
    fit.canvas.shape(points((13.0, -1.8), (15.8, -1.8), (15.8, 1.8), (13.0, 1.8)), metal, fit.tag)
    fit.canvas.shape(_case(13.5, square), metal, fit.tag, lift=0.5, rim=0.6)
    fit.canvas.shape(_case(11.2, square), fit.trim, fit.tag, lift=0.0, rim=0.3)
    ink: Rgb = (240, 240, 236) if sum(fit.trim) < 330 else (42, 42, 46)
    for hour in range(12):
        a = hour * np.pi / 6
        tick = points(
            (9.9 * float(np.sin(a)), -9.9 * float(np.cos(a))), (8.3 * float(np.sin(a)), -8.3 * float(np.cos(a))),
        )
        fit.canvas.stroke(tick, 0.9 if hour % 3 == 0 else 0.45, ink, on=fit.tag)
    fit.canvas.stroke(points((0, 0), (-4.2, -3.4)), 1.1, ink, on=fit.tag)
    fit.canvas.stroke(points((0, 0), (4.4, -6.6)), 0.8, ink, on=fit.tag)
    fit.canvas.shape(ellipse((0, 0), 0.9, 0.9), metal, None, on=fit.tag)


def _case(half: float, square: bool) -> Points:
    if square:
        return rounded(points((-half, -half), (half, -half), (half, half), (-half, half)), half * 0.35)
    return ellipse((0.0, 0.0), half, half)


def draw_watch_worn(fit: Fitting, cut: Accessory, side: int) -> None:
    """The watch on a wrist: strap across, case in front."""
    end = UPPER_ARM + FOREARM
    spine = fit.body.arm_spine(side, end - 3.2, end - 0.8, 4)
    half = np.full(4, fit.body.build.arm[2] + 0.5)
    fit.canvas.strip(Strip.along(spine, half), fit.fabric, fit.tag, drape=fit.drape(round=0.3), lift=0.4)
    middle = spine.mean(axis=0)
    metal = GOLD if cut.detail % 2 else STEEL
    fit.canvas.shape(_case(2.4, cut.kind == "square_watch") + middle, metal, fit.tag, lift=0.4)
    fit.canvas.shape(_case(1.9, cut.kind == "square_watch") + middle, fit.trim, fit.tag, lift=0.0)


def draw_belt(fit: Fitting, cut: Accessory) -> None:
    """A coiled belt with its buckle in front, as a packshot shows it."""
    half = 3.0 * cut.size
    back = smooth(points((-23, -2), (-17, -9.5), (0, -12.0), (17, -9.5), (23, -2)))
    fit.canvas.strip(
        Strip.along(back, np.full(len(back), half)), fit.fabric, fit.tag, drape=fit.drape(round=0.1), tone=0.62,
    )
    front = smooth(points((-23, -2.4), (-18, 5.6), (0, 9.8), (18, 5.6), (23, -2.4)))
    fit.canvas.strip(
        Strip.along(front, np.full(len(front), half)), fit.fabric, fit.tag, drape=fit.drape(round=0.15), lift=0.5,
    )
    edge = Strip.along(front, np.full(len(front), half * 0.72))
    for side in (edge.left, edge.right):
        fit.canvas.stroke(side, 0.3, fit.seam, on=fit.tag, dash=1.0)
    for x in np.arange(8.0, 17.0, 2.6):
        y = float(np.interp(x, front[:, 0], front[:, 1]))
        fit.canvas.shape(ellipse((float(x), y), 0.5, 0.6), darker(fit.fabric.ground, 0.4), None, on=fit.tag, lift=0.0)
    _draw_buckle(fit, points((0.0, 9.7)), half * 1.25, cut)


def draw_belt_worn(fit: Fitting, cut: Accessory, waistband: Strip) -> None:
    """The belt on a waistband, buckle in the middle."""
    fit.canvas.strip(waistband, fit.fabric, fit.tag, drape=fit.drape(round=0.15, folds=0.0), lift=0.35)
    middle = (waistband.left[len(waistband.left) // 2] + waistband.right[len(waistband.right) // 2]) / 2
    _draw_buckle(fit, middle[None, :], 2.5, cut)


def _draw_buckle(fit: Fitting, at: Points, high: float, cut: Accessory) -> None:
    metal = GOLD if cut.detail % 2 else STEEL
    if cut.kind == "round_belt":
        fit.canvas.shape(ellipse((0, 0), high * 1.1, high * 1.1) + at, metal, fit.tag, lift=0.5, rim=0.6)
        fit.canvas.shape(ellipse((0, 0), high * 0.66, high * 0.66) + at, fit.fabric, fit.tag, lift=0.0, tone=0.8)
    else:
        box = points((-1.15, -1), (1.15, -1), (1.15, 1), (-1.15, 1)) * high
        fit.canvas.shape(box + at, metal, fit.tag, lift=0.5, rim=0.6)
        fit.canvas.shape(box * (0.68, 0.58) + at, fit.fabric, fit.tag, lift=0.0, tone=0.8)
    fit.canvas.stroke(points((-0.9 * high, 0), (0.9 * high, 0)) + at, 0.8, metal, on=fit.tag)
