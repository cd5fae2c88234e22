"""Trousers, shorts and skirts: everything that hangs from the waist."""

from __future__ import annotations

import numpy as np

from segmentation.drawn.closures import METAL, button
from segmentation.drawn.cuts import Lower, Skirt
from segmentation.drawn.fabric import darker
from segmentation.drawn.fitting import Fitting
from segmentation.drawn.geometry import Points, Strip, ellipse, moved, points, smooth
from segmentation.drawn.patterns import Rgb
from segmentation.drawn.skeleton import LEFT, RIGHT, SHANK, SIGNS, THIGH

# Written like drawings, many corners a line: the formatter would put each corner on its own.
# fmt: off

BAND = 3.6
"""Height of a waistband."""
LEG = THIGH + SHANK
STITCH: Rgb = (206, 148, 78)
"""The orange thread of jeans."""


def _waist_half(fit: Fitting, rise: float, ease: float) -> float:
    return float(fit.body.build.half(rise)) + min(ease, 1.2) * 0.5 + 0.3


def leg_strip(fit: Fitting, cut: Lower, side: int) -> Strip:
    """One half of the trousers: from the waistband over the hip down one leg."""
    build, sign = fit.body.build, SIGNS[side]
    end = max(cut.length * (LEG + 3.0), 16.0)
    y = np.array([cut.rise, 48.0, 54.0, 59.0])
    hips = np.maximum(build.half(y), _waist_half(fit, cut.rise, cut.ease)) + cut.ease * np.array([0.2, 0.5, 0.8, 1.0])
    outer = fit.body.torso(np.stack([sign * hips, y], 1))
    inner = fit.body.torso(np.stack([np.full(4, -0.4 * sign), y + np.array([0.0, 0.0, 2.5, 5.0])], 1))
    s = np.linspace(12.0, end, 5 + int(end / 7))
    half = np.interp(s, (0.0, 15.0, THIGH, THIGH + 14, LEG), (build.leg[0], build.leg[0] * 0.97, *build.leg[1:]))
    down = np.clip((s - 12.0) / (LEG - 12.0), 0.0, 1.0)
    knee = np.clip((s - THIGH) / SHANK, 0.0, 1.2)
    half = half + cut.ease * (1 - cut.taper * down) + cut.flare * knee**1.3
    if cut.style == "jogger":
        half[-1] = build.leg[3] + 1.2
    tube = Strip.along(fit.body.leg_spine(side, 12.0, end, len(s)), half)
    tube_outer, tube_inner = (tube.left, tube.right) if sign < 0 else (tube.right, tube.left)
    outer, inner = np.vstack([outer, tube_outer]), np.vstack([inner, tube_inner])
    strip = Strip(outer, inner) if sign < 0 else Strip(inner, outer)
    return strip.smoothed(4)


def draw_lower(fit: Fitting, cut: Lower, *, band: bool = True) -> None:
    """Both legs, the one behind first, then waistband, fly and pockets."""
    front = fit.body.pose.front_leg
    if not fit.worn:
        _draw_waist_inside(fit, cut.rise, cut.ease)
    for side in (1 - front, front):
        _draw_leg(fit, cut, side)
    if band:
        draw_waistband(fit, cut.rise, cut.ease, elastic=cut.style in ("jogger", "leggings"))
    _draw_fly_and_pockets(fit, cut)


def _draw_leg(fit: Fitting, cut: Lower, side: int) -> None:
    strip = leg_strip(fit, cut, side)
    end = cut.length * LEG
    knee = THIGH + 12.0
    wrinkles = ((17.0, 0.14), (knee, 0.18), (end + 8.0, 0.20)) if end > 60 else ((17.0, 0.14), (end + 8, 0.08))
    drape = fit.drape(round=0.26, fold_count=1.3, wrinkles=wrinkles, shift=side + 3)
    fit.canvas.strip(strip, fit.fabric, fit.tag, drape=drape, lift=0.32)
    ends = strip.part(1 - 2.6 / max(end + 18, 20.0), 1.0, wider=0.35 if cut.cuffed else 0.0)
    if cut.style == "jogger" and end > 40:
        cuff = strip.part(1 - 5.5 / (end + 18), 1.0)
        fit.canvas.strip(cuff, fit.trim, fit.tag, drape=fit.drape(ribs=0.9, folds=0.0), lift=0.3)
    elif cut.cuffed:
        fit.canvas.strip(ends, fit.fabric, fit.tag, drape=fit.drape(folds=0.02), lift=0.45, tone=1.08)
    else:
        thread = STITCH if cut.style == "jeans" else fit.seam
        fit.canvas.stroke(np.stack([ends.left[0], ends.right[0]]), 0.25, thread, opacity=0.7, on=fit.tag)
    if not fit.worn:
        a, b = strip.left[-1], strip.right[-1]
        mid = (a + b) / 2
        angle = float(np.rad2deg(np.arctan2(b[1] - a[1], b[0] - a[0])))
        mouth = ellipse((float(mid[0]), float(mid[1])), float(np.hypot(*(b - a))) / 2, 1.0, angle_deg=angle)
        fit.canvas.shape(mouth, darker(fit.fabric.ground, 0.42), fit.tag, lift=0.0)
    _draw_leg_details(fit, cut, strip, side)


def _draw_leg_details(fit: Fitting, cut: Lower, strip: Strip, side: int) -> None:
    outer, inner = (strip.left, strip.right) if side == LEFT else (strip.right, strip.left)
    if cut.style == "tailored":
        crease = (outer * 0.52 + inner * 0.48)[len(outer) // 4 :]
        fit.canvas.stroke(crease, 0.35, fit.seam, opacity=0.7, on=fit.tag)
    elif cut.style == "cargo" and cut.length > 0.35:
        k = int(len(outer) * (0.42 if cut.length > 0.7 else 0.55))
        centre = outer[k] * 0.86 + inner[k] * 0.14
        box = points((-4.8, 0), (4.8, 0), (4.8, 11), (-4.8, 11)) + centre
        fit.canvas.shape(box, fit.fabric, None, on=fit.tag, lift=0.4, tone=1.03)
        fit.canvas.shape(
            points((-5.1, -0.6), (5.1, -0.6), (5.1, 3.2), (-5.1, 3.2)) + centre, fit.fabric, None, on=fit.tag,
            lift=0.4, tone=1.05,
        )
    elif cut.style == "jeans":
        fade = (outer * 0.5 + inner * 0.5)[5 : max(8, int(len(outer) * 0.62))]
        for width, opacity in ((7.0, 0.10), (4.0, 0.12)):
            fit.canvas.stroke(fade, width, darker(fit.fabric.ground, 1.5), opacity=opacity, on=fit.tag)
    elif cut.style == "jogger" and fit.fabric.pattern == "plain":
        edge = (outer * 0.93 + inner * 0.07)[4:]
        fit.canvas.stroke(edge, 1.1, fit.trim, opacity=0.9, on=fit.tag)


def _draw_waist_inside(fit: Fitting, rise: float, ease: float) -> None:
    half = _waist_half(fit, rise, ease)
    x = np.linspace(-half, half, 15)
    arc = 1.8 * (1 - (x / half) ** 2)
    outline = np.vstack([np.stack([x, rise - 0.2 - 0.25 * arc], 1), np.stack([x, rise + 1 + arc], 1)[::-1]])
    fit.canvas.shape(fit.body.torso(outline), darker(fit.fabric.ground, 0.5), fit.tag, lift=0.0)


def draw_waistband(fit: Fitting, rise: float, ease: float, *, elastic: bool = False) -> Strip:
    """The band around the waist, curved as seen from the front; returns it for belts to lie on."""
    half = _waist_half(fit, rise, ease)
    x = np.linspace(-half - 0.1, half + 0.1, 15)
    arc = 1.4 * (1 - (x / half) ** 2)
    lower = np.stack([x * 1.02, rise + BAND + arc], 1)
    strip = Strip(fit.body.torso(lower), fit.body.torso(np.stack([x, rise + arc], 1)))
    outline = np.vstack([strip.left, strip.right[::-1]])
    level = Strip(
        fit.body.torso(points((-half, rise - 1), (-half, rise + 6))),
        fit.body.torso(points((half, rise - 1), (half, rise + 6))),
    )
    drape = fit.drape(round=0.22, folds=0.0, ribs=1.0 if elastic else 0.0)
    fit.canvas.strip(level, fit.fabric, fit.tag, outline=outline, drape=drape, lift=0.35, tone=1.0)
    fit.torso_seam(lower, opacity=0.8, curved=False)
    return strip


def _draw_fly_and_pockets(fit: Fitting, cut: Lower) -> None:
    top = cut.rise + BAND + 1.4
    thread = STITCH if cut.style == "jeans" else fit.seam
    half = float(fit.body.build.half(48.0)) + cut.ease * 0.5
    fit.torso_seam(points((0, top), (0, 62)), opacity=0.75, curved=False, width=0.35)
    if cut.style in ("jogger", "leggings"):
        if cut.style == "jogger":
            for sign in SIGNS:
                cord = smooth(points((sign * 1.2, top - 2), (sign * 2.4, top + 5), (sign * 1.6, top + 10)))
                fit.canvas.stroke(fit.body.torso(cord), 0.7, (238, 236, 230), fit.tag)
        else:
            return
    else:
        fit.torso_seam(points((2.8, top), (2.6, top + 9), (0, top + 14)), color=thread)
        button(
            fit, 0.0, cut.rise + BAND * 0.5 + 1.4, 0.95,
            METAL if cut.style == "jeans" else darker(fit.fabric.ground, 0.6),
        )
        for x in (-half * 0.62, half * 0.62):
            loop = points(
                (x - 0.7, cut.rise + 0.2), (x + 0.7, cut.rise + 0.2), (x + 0.7, top + 0.3), (x - 0.7, top + 0.3),
            )
            fit.canvas.shape(fit.body.torso(loop), fit.fabric, None, on=fit.tag, lift=0.45, tone=1.05)
    for sign in SIGNS:
        if cut.style == "jeans":
            scoop = points((half * 0.45, top - 0.4), (half * 0.55, top + 4.5), (half * 0.98, top + 6.5))
        else:
            scoop = points((half * 0.62, top - 0.4), (half * 0.80, top + 6.5), (half * 1.02, top + 13))
        fit.torso_seam(scoop * (sign, 1.0), color=thread, width=0.4, opacity=0.9)
        fit.torso_seam(moved(scoop, 0.9, 0.2) * (sign, 1.0), color=thread, opacity=0.6)
        if cut.style == "pleated":
            fit.torso_seam(points((sign * 5, top), (sign * 5.6, top + 14)), width=0.6, opacity=0.6)


def skirt_half(fit: Fitting, cut: Skirt, y: Points) -> Points:
    """Half width of a skirt at heights below the neck base."""
    build = fit.body.build
    hips = np.maximum(build.half(y), _waist_half(fit, cut.rise, cut.ease))
    hem = cut.rise + cut.length
    down = np.clip((y - cut.rise) / max(cut.length, 1.0), 0.0, 1.1)
    late = np.clip((y - 58.0) / max(hem - 58.0, 6.0), 0.0, 1.1)
    bell = cut.flare * (0.55 * down**0.8 + 0.45 * down**1.6) if cut.flare > 5 else cut.flare * late
    gathers = 2.0 * np.sqrt(np.clip(down * 6, 0, 1)) if cut.style in ("gathered", "tiered") else 0.0
    return np.asarray(hips + cut.ease * np.clip(down * 5, 0, 1) + bell + gathers, dtype=np.float64)


def skirt_chart(fit: Fitting, cut: Skirt) -> Strip:
    """Ribs from waist to hem; a hem below the knees follows them."""
    y = np.linspace(cut.rise - 1.0, cut.rise + cut.length + 6.0, 28)
    half = skirt_half(fit, cut, y)
    left, right = fit.body.torso(np.stack([-half, y], 1)), fit.body.torso(np.stack([half, y], 1))
    if fit.worn:
        for side in (LEFT, RIGHT):
            leg = fit.body.leg_spine(side, 4.0, LEG, 24)
            reach = np.interp(y, leg[:, 1], leg[:, 0]) + SIGNS[side] * np.interp(y, (60, 100, 140), (8.6, 6.6, 5.0))
            low = y > 60
            edge = left if side == LEFT else right
            edge[low, 0] = (
                np.minimum(edge[low, 0], reach[low]) if side == LEFT else np.maximum(edge[low, 0], reach[low]),
            )
    return Strip(left, right)


def draw_skirt(fit: Fitting, cut: Skirt) -> None:
    """The skirt with its hem, pleats, tiers, slit or buttons."""
    chart = skirt_chart(fit, cut)
    hem = cut.rise + cut.length
    whole = cut.length + 7.0
    share = (cut.length + 1.0) / whole
    count = 3.0 + cut.flare / 4.0 + (3.0 if cut.style in ("gathered", "tiered") else 0.0)
    depth = 0.5 + min(cut.flare, 24.0) / 12.0 if cut.style != "pleated" else 0.5
    shown, ribs = chart.part(1.0 / whole, share, ribs=24), chart.part(1.0 / whole, 1.0, ribs=26)
    ground = _hem_points(shown, depth, count)
    outline = np.vstack([shown.left, ground, shown.right[::-1]])
    folds = 0.20 if count > 5.5 else 0.09
    pleats = int(10 + cut.flare / 3) if cut.style == "pleated" else 0
    drape = fit.drape(round=0.26, folds=folds if not pleats else 0.04, fold_count=count, pleats=pleats, shift=5)
    if not fit.worn:
        _draw_waist_inside(fit, cut.rise, cut.ease)
        middle = ground.mean(axis=0)
        inside = np.vstack([ground, ground[::-1] - (0, 4.5)])
        inside = (inside - middle) * (0.95, 1.0) + middle - (0, 0.6)
        fit.canvas.shape(inside, darker(fit.fabric.ground, 0.5), fit.tag, lift=0.0)
    fit.canvas.strip(ribs, fit.fabric, fit.tag, outline=outline, drape=drape, lift=0.35)
    if fit.fabric.pattern == "color_block":
        lower = shown.part(0.62, 1.0)
        block = np.vstack([lower.left, ground, lower.right[::-1]])
        fit.canvas.strip(ribs, fit.fabric.colors[1], fit.tag, outline=block, drape=drape, lift=0.1)
    _draw_skirt_details(fit, cut, chart, hem)
    if cut.band:
        draw_waistband(fit, cut.rise, cut.ease)


def _hem_points(strip: Strip, depth: float, count: float) -> Points:
    """The wavy lower edge from left to right."""
    a, b = strip.left[-1], strip.right[-1]
    t = np.linspace(0.0, 1.0, 60)[:, None]
    sag = 1.8 * (1 - (2 * t - 1) ** 2)
    wave = depth * 0.5 * np.sin(t * 2 * np.pi * max(count * 0.8, 1.0) + 0.6)
    return np.asarray(a + (b - a) * t + np.hstack([np.zeros_like(t), sag + wave]), dtype=np.float64)


def _draw_skirt_details(fit: Fitting, cut: Skirt, chart: Strip, hem: float) -> None:
    if cut.style == "tiered":
        for at in (0.36, 0.68):
            tier = chart.part(at, at + 0.02, ribs=2)
            seam = _hem_points(Strip(tier.left[:1], tier.right[:1]), 0.4, 4)
            fit.canvas.stroke(seam, 0.7, fit.seam, opacity=0.75, on=fit.tag)
            for t in np.linspace(3, 57, 19).astype(int):
                gather = np.vstack([seam[t], seam[t] + (0.2 * np.sin(t), 3.0 + (t % 3))])
                fit.canvas.stroke(gather, 0.35, fit.seam, opacity=0.45, on=fit.tag)
    elif cut.style == "buttons":
        fit.torso_seam(points((0, cut.rise), (0, hem)), curved=False)
        for y in np.arange(cut.rise + 7, hem - 3, 7.5):
            button(fit, 0.0, float(y), 1.0, (222, 200, 160))
    elif cut.style in ("wrap", "slit"):
        start = cut.rise + (4.0 if cut.style == "wrap" else cut.length * 0.55)
        x0 = -7.0 if cut.style == "wrap" else 7.0
        path = smooth(points((x0, start), (x0 * 0.4 + 3.0, (start + hem) / 2), (7.5, hem + 2)))
        fit.canvas.stroke(fit.body.torso(path), 0.9, darker(fit.fabric.ground, 0.5), opacity=0.8, on=fit.tag)
    elif cut.style == "denim":
        for sign in SIGNS:
            scoop = points((6.5, cut.rise + 5), (8.5, cut.rise + 9.5), (14.5, cut.rise + 11)) * (sign, 1.0)
            fit.torso_seam(scoop, color=STITCH, width=0.4)
        fit.torso_seam(points((0, cut.rise + 4), (0, hem)), color=STITCH, curved=False)
        button(fit, 0.0, cut.rise + 3.2, 1.0, METAL)
    if cut.style not in ("tiered", "gathered"):
        rim = chart.part(1 - 9.2 / (cut.length + 7), 1 - 9.0 / (cut.length + 7), ribs=2)
        thread = STITCH if cut.style == "denim" else fit.seam
        seam = _hem_points(Strip(rim.left[:1], rim.right[:1]), 0.0, 1.0)
        fit.canvas.stroke(seam, 0.3, thread, opacity=0.5, on=fit.tag)
