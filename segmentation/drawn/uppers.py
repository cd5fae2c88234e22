"""Tops, jackets and coats from the shoulders down: torso, sleeves, hems."""

from __future__ import annotations

import numpy as np

from segmentation.drawn.cuts import Upper
from segmentation.drawn.fabric import Fabric, darker
from segmentation.drawn.fitting import Fitting
from segmentation.drawn.geometry import Points, Strip, ellipse, mirrored, moved, points, resampled, smooth
from segmentation.drawn.patterns import Rgb
from segmentation.drawn.skeleton import SIGNS

ARMPIT_Y = 17.0
SLEEVE_SPAN = 56.0
"""From shoulder joint to wrist."""


def half_width(fit: Fitting, cut: Upper, y: Points) -> Points:
    """Half width of the garment at heights below the neck base, shape kept."""
    build = fit.body.build
    body = build.half(y)
    chest = float(build.half(ARMPIT_Y))
    boxy = np.maximum(chest, np.where(y > 48.0, body + 0.4, 0.0))
    shaped = cut.waist * np.maximum(body, build.torso_half[5]) + (1 - cut.waist) * boxy
    grown = shaped + cut.ease * np.clip((y - 8.0) / 14.0, 0.35, 1.0)
    below = np.clip((y - 38.0) / max(cut.length - 38.0, 10.0), 0.0, 1.2)
    pulled = 1.6 * np.clip((y - cut.length + 7.0) / 4.0, 0.0, 1.0) if cut.hem == "rib" else 0.0
    return np.asarray(grown + cut.flare * below**1.3 - pulled, dtype=np.float64)


def shoulder_half(fit: Fitting, cut: Upper) -> float:
    """Where the shoulder seam lies: its x."""
    return fit.body.build.shoulder + (min(cut.ease * 0.45, 3.0) if cut.sleeve > 0 else -2.0)


def torso_chart(fit: Fitting, cut: Upper) -> Strip:
    """The chart of the torso: level ribs from above the collar to below the hem."""
    y = np.linspace(-8.0, cut.length + 5.0, 36)
    half = np.where(y < ARMPIT_Y, np.maximum(shoulder_half(fit, cut), half_width(fit, cut, y)), half_width(fit, cut, y))
    return Strip(fit.body.torso(np.stack([-half, y], 1)), fit.body.torso(np.stack([half, y], 1)))


def neckline(cut: Upper) -> Points:
    """The front neckline from its left to its right end on the shoulder line, in the torso chart."""
    w, d = cut.neck_half, cut.neck_depth
    corners = {
        "crew": points((-w, -1.5), (-w * 0.82, d * 0.5), (-w * 0.42, d * 0.93), (0, d)),
        "scoop": points((-w, -1), (-w * 0.9, d * 0.5), (-w * 0.52, d * 0.93), (0, d)),
        "boat": points((-w, 0.3), (-w * 0.5, d * 0.85), (0, d)),
        "square": points((-w, 0), (-w * 0.93, d * 0.9), (-w * 0.86, d), (0, d)),
        "strap": points((-w, d - 7), (-w * 0.55, d - 1.0), (0, d)),
    }
    if cut.neck in corners:
        half = smooth(corners[cut.neck])
    else:
        half = points((-w, -1.5), (-w * 0.62, d * 0.45), (0, d))
    return np.vstack([half[:-1], mirrored(half)])


def body_outline(fit: Fitting, cut: Upper) -> Points:
    """The closed front's silhouette in the torso chart."""
    left = _left_edge(fit, cut)
    return np.vstack([left, mirrored(left), neckline(cut)[::-1]])


def _left_edge(fit: Fitting, cut: Upper) -> Points:
    """From the neckline's left end over shoulder, armhole and side seam to the hem's middle."""
    tip = shoulder_half(fit, cut)
    side_y = np.linspace(ARMPIT_Y + 1.0, cut.length - (4.5 if cut.hem == "curved" else 0.0), 24)
    side = np.stack([-half_width(fit, cut, side_y), side_y], 1)
    pit_x = -float(half_width(fit, cut, np.array([ARMPIT_Y]))[0])
    start = neckline(cut)[0]
    if cut.neck == "strap":
        top = smooth(np.vstack([start, [start[0] * 1.15 - 0.8, cut.neck_depth - 3.5], [pit_x, ARMPIT_Y]]))
    elif cut.sleeve > 0:
        top = np.vstack([start, smooth(points((-tip * 0.75, 2.0), (-tip, 4.2), (-tip - 0.1, 9.0), (pit_x, ARMPIT_Y)))])
    else:
        top = np.vstack([start, smooth(points((-tip, 3.2), (-tip + 1.2, 8.5), (pit_x + 0.6, 14.5), (pit_x, ARMPIT_Y)))])
    return np.vstack([top, side, hem_curve(cut, -side[-1, 0])])


def hem_curve(cut: Upper, half: float) -> Points:
    """The hem from the left side seam to the middle, in the torso chart."""
    x = np.linspace(-half, 0.0, 14)
    share = np.abs(x) / half
    if cut.hem == "curved":
        y = cut.length + 3.0 * np.cos(share * np.pi) - 1.5
    else:
        wave = 0.5 if cut.flare > 4 else 0.0
        y = cut.length + 1.2 * (1 - share**2) + wave * np.sin(share * 9.0)
    return np.stack([x, y], 1)


def open_outlines(fit: Fitting, cut: Upper) -> tuple[Points, Points]:
    """The two front halves of a garment worn open, in the torso chart."""
    left = _left_edge(fit, cut)
    gap = 2.6 + 0.055 * cut.length
    edge_y = np.linspace(cut.length, 2.0, 16)
    edge_x = -np.interp(edge_y, (2.0, 22.0, cut.length), (cut.neck_half * 0.95, gap * 0.9, gap))
    bottom = left[left[:, 0] < edge_x[0]]
    half = np.vstack([bottom, np.stack([edge_x, edge_y], 1)])
    return half, half[::-1] * np.array([-1.0, 1.0])


def draw_back(fit: Fitting, cut: Upper) -> None:
    """The inside of the back that shows through the neck or an open front."""
    chart = torso_chart(fit, cut)
    if cut.front == "open":
        left = _left_edge(fit, cut)
        outline = np.vstack([left, mirrored(left)]) * np.array([0.97, 0.995])
    else:
        w, d = cut.neck_half, cut.neck_depth
        rise = -0.8 if cut.neck != "strap" else d - 5.0
        top = smooth(
            points((-w, rise - 0.7), (-w * 0.55, rise + 0.2), (0, rise + 1.0), (w * 0.55, rise + 0.2), (w, rise - 0.7))
        )
        outline = np.vstack(
            [top, smooth(points((w, rise + 0.8), (w * 0.8, d + 2), (0, d + 4), (-w * 0.8, d + 2), (-w, rise + 0.8)))]
        )
    lining = darker(fit.fabric.ground, 0.8) if cut.front == "open" else fit.fabric
    if cut.neck != "strap" or not fit.worn:
        fit.canvas.strip(chart, lining, fit.tag, outline=fit.body.torso(outline), tone=0.68, lift=0.2)


def draw_body(fit: Fitting, cut: Upper) -> None:
    """The front of the torso with its hem, straps and seams."""
    chart = torso_chart(fit, cut)
    wrinkles = ((42.0, 0.12), (50.0, 0.08)) if cut.length < 75 else ((46.0, 0.09),)
    drape = fit.drape(round=0.26, fold_count=3.0, wrinkles=wrinkles, quilt=cut.quilt)
    fabric = fit.fabric
    if cut.neck == "strap":
        _draw_straps(fit, cut)
    outlines = open_outlines(fit, cut) if cut.front == "open" else (body_outline(fit, cut),)
    for outline in outlines:
        fit.canvas.strip(chart, fabric, fit.tag, outline=fit.body.torso(outline), drape=drape)
        if fabric.pattern == "color_block":
            lower = np.column_stack([outline[:, 0], np.maximum(outline[:, 1], 26.0)])
            fit.canvas.strip(chart, fabric.colors[1], fit.tag, outline=fit.body.torso(lower), drape=drape, lift=0.0)
    _draw_hem(fit, cut, chart)
    if cut.sleeve == 0 and cut.neck != "strap":
        _draw_armholes(fit, cut)


def _draw_straps(fit: Fitting, cut: Upper) -> None:
    for sign in SIGNS:
        x = sign * cut.neck_half
        path = smooth(points((x, cut.neck_depth - 6.5), (x * 1.02, 4), (x * 0.98, -0.8)))
        strap = Strip.along(fit.body.torso(path), np.full(len(path), 0.75))
        fit.canvas.strip(strap, fit.fabric, fit.tag, drape=fit.drape(round=0.1), lift=0.2)


def _draw_armholes(fit: Fitting, cut: Upper) -> None:
    tip = shoulder_half(fit, cut)
    pit = float(half_width(fit, cut, np.array([ARMPIT_Y]))[0])
    for sign in SIGNS:
        edge = points((tip - 1.0, 3.4), (tip + 0.2 - 1.0, 8.7), (pit - 0.5, 14.7), (pit - 0.8, ARMPIT_Y))
        fit.torso_seam(edge * np.array([sign, 1.0]))


def _draw_hem(fit: Fitting, cut: Upper, chart: Strip) -> None:
    half = float(half_width(fit, cut, np.array([cut.length - 2.0]))[0])
    edge = hem_curve(cut, half)
    line = np.vstack([edge[:-1], mirrored(edge)])
    if cut.hem == "rib":
        band = np.vstack([line - (0, 5.0), moved(line[::-1], 0, 0.4)])
        pulled = fit.drape(ribs=1.1, round=0.25, folds=0.03)
        fit.canvas.strip(chart, fit.trim, fit.tag, outline=fit.body.torso(band), drape=pulled, lift=0.35)
    elif cut.length > 35 and not cut.quilt and cut.front != "open":
        fit.torso_seam(line - (0, 2.0), opacity=0.5, curved=False)


def sleeve_strip(fit: Fitting, cut: Upper, side: int) -> Strip:
    """One sleeve from its armhole to its end."""
    build, sign = fit.body.build, SIGNS[side]
    end = max(cut.sleeve * SLEEVE_SPAN, 11.0)
    tip = fit.body.torso(points((sign * shoulder_half(fit, cut), 4.2), (sign * (shoulder_half(fit, cut) - 3.0), 3.2)))
    pit_x = float(half_width(fit, cut, np.array([ARMPIT_Y]))[0])
    pit = fit.body.torso(points((sign * pit_x, ARMPIT_Y), (sign * (pit_x - 2.5), 13.5)))
    start = 7.5 if end < 15 else 12.0
    count = 4 + int(end / 5)
    s = np.linspace(start, end, count)
    arm = np.interp(s, (0.0, 29.0, 55.0), build.arm)
    share = (s - start) / max(end - start, 1.0)
    half = arm + cut.sleeve_ease + 0.7 * np.exp(-(s - start) / 9.0) + cut.sleeve_flare * share**2
    half = half + cut.puff * np.exp(-(((share - 0.35) / 0.35) ** 2))
    if cut.cuffs != "none" and cut.sleeve_flare + cut.puff > 0:
        half[-1] = arm[-1] + 0.8
    tube = Strip.along(fit.body.arm_spine(side, start, end, count), half)
    outer, inner = (tube.left, tube.right) if sign < 0 else (tube.right, tube.left)
    outer = _eased(np.vstack([tip[1:], tip[:1], outer]), 4 * count)
    inner = _eased(np.vstack([pit[1:], pit[:1], inner]), 4 * count)
    return Strip(outer, inner) if sign < 0 else Strip(inner, outer)


def _eased(edge: Points, count: int) -> Points:
    """An edge without kinks, its ends kept."""
    curve = resampled(edge, count)
    for _ in range(6):
        curve[1:-1] = 0.25 * curve[:-2] + 0.5 * curve[1:-1] + 0.25 * curve[2:]
    return curve


def draw_sleeve(fit: Fitting, cut: Upper, side: int) -> None:
    """One sleeve with its cuff; nothing for a sleeveless cut."""
    if cut.sleeve <= 0:
        return
    strip = sleeve_strip(fit, cut, side)
    end = cut.sleeve * SLEEVE_SPAN
    wrinkles = ((26.0, 0.22), (end - 7.0, 0.12)) if end > 34 else ((end - 4, 0.08),)
    block = fit.fabric.pattern == "color_block"
    fabric: Fabric | Rgb = fit.fabric.colors[2] if block else fit.fabric
    drape = fit.drape(round=0.30, fold_count=1.4, wrinkles=wrinkles, quilt=cut.quilt, shift=side + 1)
    fit.canvas.strip(strip, fabric, fit.tag, drape=drape, lift=0.4)
    if not fit.worn:
        _draw_sleeve_mouth(fit, strip)
    if cut.cuffs == "rib":
        band = strip.part(1 - 4.2 / max(end, 12.0), 1.0)
        fit.canvas.strip(band, fit.trim, fit.tag, drape=fit.drape(ribs=0.9, round=0.3, folds=0.0), lift=0.3)
    elif cut.cuffs == "button":
        band = strip.part(1 - 5.0 / max(end, 12.0), 1.0, wider=0.25)
        fit.canvas.strip(band, fabric, fit.tag, drape=fit.drape(round=0.3, folds=0.03), lift=0.3)
    else:
        stitched = strip.part(1 - 2.0 / max(end, 9.0), 1 - 1.8 / max(end, 9.0), ribs=2)
        fit.canvas.stroke(np.stack([stitched.left[0], stitched.right[0]]), 0.25, fit.seam, opacity=0.6, on=fit.tag)


def _draw_sleeve_mouth(fit: Fitting, strip: Strip) -> None:
    """The dark opening at the end of an empty sleeve."""
    a, b = strip.left[-1], strip.right[-1]
    centre = (a + b) / 2
    angle = float(np.rad2deg(np.arctan2(b[1] - a[1], b[0] - a[0])))
    mouth = ellipse((float(centre[0]), float(centre[1])), float(np.hypot(*(b - a))) / 2, 0.9, angle_deg=angle)
    fit.canvas.shape(mouth, darker(fit.fabric.ground, 0.45), fit.tag, lift=0.0)
