"""What closes and furnishes an upper garment: plackets, buttons, zips, pockets, belts, prints."""

from __future__ import annotations

import numpy as np

from segmentation.drawn.cuts import Upper
from segmentation.drawn.fabric import darker, is_dark
from segmentation.drawn.fitting import Fitting
from segmentation.drawn.geometry import Points, Strip, ellipse, moved, points, smooth, turned
from segmentation.drawn.necks import OPENING_Y
from segmentation.drawn.patterns import Rgb
from segmentation.drawn.skeleton import SIGNS
from segmentation.drawn.uppers import half_width

# Written like drawings, many corners a line: the formatter would put each corner on its own.
# fmt: off

METAL: Rgb = (176, 178, 182)


def draw_front(fit: Fitting, cut: Upper) -> None:
    """Closure, pockets, print and belt, in this order."""
    top = OPENING_Y.get(cut.collar, cut.neck_depth + 0.5)
    if cut.front in ("buttons", "polo"):
        bottom = cut.length - 1.0 if cut.front == "buttons" else top + 15.0
        _draw_placket(fit, cut, top, bottom)
    elif cut.front in ("zip", "half_zip"):
        _draw_zip(fit, -3.0 if cut.collar == "stand" else top, cut.length if cut.front == "zip" else top + 18.0)
    elif cut.front == "double":
        _draw_double_breast(fit, cut, top)
    elif cut.front == "wrap":
        w, d = cut.neck_half, cut.neck_depth
        fit.torso_seam(points((w * 0.9, 2), (w * 0.2, d * 0.9), (-8.5, 37)), width=0.5)
    POCKET_PAINTERS.get(cut.pockets, _no_pockets)(fit, cut)
    if cut.print_number:
        _draw_print(fit, cut)
    if cut.tie_belt:
        _draw_tie_belt(fit, cut)
    if cut.ruffle:
        _draw_ruffle(fit, cut)


def button(fit: Fitting, x: float, y: float, radius: float, color: Rgb) -> None:
    """A button with its rim and holes, at a place of the torso chart."""
    centre = fit.body.at(x, y)
    fit.canvas.shape(ellipse(centre, radius, radius, count=20), color, None, lift=0.4, rim=0.45, on=fit.tag)
    fit.canvas.shape(
        ellipse(centre, radius * 0.3, radius * 0.3, count=10), darker(color, 0.5), None, lift=0.0, on=fit.tag,
    )


def _button_color(fit: Fitting) -> Rgb:
    return (232, 226, 214) if is_dark(fit.fabric.ground) and fit.fabric.seed % 2 else darker(fit.trim, 0.55)


def _draw_placket(fit: Fitting, cut: Upper, top: float, bottom: float) -> None:
    tailored = cut.collar in OPENING_Y
    for x in (0.4,) if tailored else (-1.7, 1.7):
        fit.torso_seam(points((x, top), (x, bottom)), curved=False, opacity=0.7)
    step = 9.0 if not tailored else 8.5
    heights = np.arange(top + 3.0, bottom - 2.0, step) if cut.front == "buttons" else np.array([top + 3, top + 8.5])
    if tailored and cut.length < 75:
        heights = heights[:3]
    for y in heights:
        button(fit, 0.0 if not tailored else -1.6, float(y), 0.85 if not tailored else 1.15, _button_color(fit))


def _draw_zip(fit: Fitting, top: float, bottom: float) -> None:
    line = points((0, top), (0, (top + bottom) / 2), (0, bottom))
    fit.torso_seam(line, width=1.7, color=darker(fit.fabric.ground, 0.6), opacity=0.9)
    fit.torso_seam(line, width=0.7, color=METAL, dash=0.55, opacity=1.0)
    puller = Strip(
        fit.body.torso(points((-0.55, top + 1), (-0.45, top + 4.4))),
        fit.body.torso(points((0.55, top + 1), (0.45, top + 4.4))),
    )
    fit.canvas.shape(puller.outline, METAL, None, on=fit.tag, lift=0.3)


def _draw_double_breast(fit: Fitting, cut: Upper, top: float) -> None:
    fit.torso_seam(points((5.0, top), (5.4, cut.length)), curved=False, width=0.35)
    for y in np.arange(top + 2.0, min(cut.length - 12.0, top + 34.0), 10.0):
        for sign in SIGNS:
            button(fit, sign * 5.2 - 0.6, float(y), 1.3, _button_color(fit))


def _pocket(fit: Fitting, x: float, y: float, half: float, high: float, *, flap: bool, point: float = 1.2) -> None:
    corners = points(
        (x - half, y), (x + half, y), (x + half, y + high - point), (x, y + high), (x - half, y + high - point),
    )
    fit.canvas.shape(fit.body.torso(corners), fit.fabric, None, on=fit.tag, lift=0.25, rim=0.35, tone=0.99)
    fit.torso_seam(np.vstack([corners, corners[:1]]), curved=False, opacity=0.6, width=0.22)
    if flap:
        lid = points(
            (x - half - 0.3, y - 0.5), (x + half + 0.3, y - 0.5), (x + half + 0.3, y + high * 0.3),
            (x, y + high * 0.42), (x - half - 0.3, y + high * 0.3),
        )
        fit.canvas.shape(fit.body.torso(lid), fit.fabric, None, on=fit.tag, lift=0.4, tone=1.02)
        button(fit, x, y + high * 0.27, 0.7, _button_color(fit))


def _no_pockets(fit: Fitting, cut: Upper) -> None:
    del fit, cut


def _chest_pocket(fit: Fitting, cut: Upper) -> None:
    _pocket(fit, 8.2, 19.0, 4.0, 9.0, flap=False)


def _two_chest_pockets(fit: Fitting, cut: Upper) -> None:
    for sign in SIGNS:
        _pocket(fit, sign * 8.4, 18.5, 4.3, 10.0, flap=True)


def _patch_pockets(fit: Fitting, cut: Upper) -> None:
    y = min(cut.length - 17.0, 48.0)
    for sign in SIGNS:
        _pocket(fit, sign * (float(half_width(fit, cut, np.array([y]))[0]) * 0.58), y, 5.0, 12.5, flap=False, point=0.2)


def _flap_pockets(fit: Fitting, cut: Upper) -> None:
    y = min(cut.length - 12.0, 47.0)
    for sign in SIGNS:
        x = sign * float(half_width(fit, cut, np.array([y]))[0]) * 0.58
        lid = points(
            (x - 5.2, y + 0.6 * sign), (x + 5.2, y - 0.6 * sign), (x + 5.2, y + 3.2 - 0.6 * sign),
            (x - 5.2, y + 3.2 + 0.6 * sign),
        )
        fit.canvas.shape(fit.body.torso(lid), fit.fabric, None, on=fit.tag, lift=0.45, tone=1.03)


def _welt_pockets(fit: Fitting, cut: Upper) -> None:
    y = min(cut.length - 14.0, 46.0)
    for sign in SIGNS:
        x = sign * float(half_width(fit, cut, np.array([y]))[0]) * 0.62
        line = points((x - 0.9 * sign, y), (x + 1.8 * sign, y + 11.0))
        fit.torso_seam(line, width=1.1, curved=False, color=darker(fit.fabric.ground, 0.5))
        fit.torso_seam(moved(line, 0.7 * sign, 0), width=0.3, curved=False)


def _kangaroo_pocket(fit: Fitting, cut: Upper) -> None:
    y = cut.length - 20.0
    outline = points((-7, y), (7, y), (12, y + 9), (12, y + 15.0), (-12, y + 15.0), (-12, y + 9))
    fit.canvas.shape(fit.body.torso(outline), fit.fabric, None, on=fit.tag, lift=0.3, tone=0.99, rim=0.4)
    fit.torso_seam(np.vstack([outline, outline[:1]]), curved=False, opacity=0.5)
    for sign in SIGNS:
        fit.torso_seam(points((sign * 7, y), (sign * 12, y + 9)), width=0.7, curved=False)


POCKET_PAINTERS = {
    "chest": _chest_pocket, "two_chest": _two_chest_pockets, "patch": _patch_pockets, "flap": _flap_pockets,
    "welt": _welt_pockets, "kangaroo": _kangaroo_pocket,
}


def _draw_print(fit: Fitting, cut: Upper) -> None:
    """One of several motifs on the chest, in the fabric's accents."""
    one, two = fit.fabric.colors[1], fit.fabric.colors[2]
    y = 25.0

    def lay(curve: Points, color: Rgb) -> None:
        fit.canvas.shape(fit.body.torso(moved(curve, 0, y)), color, None, on=fit.tag, lift=0.0, rim=0.0, opacity=0.93)

    kind = cut.print_number % 6
    if kind == 1:
        lay(ellipse((0, 0), 8, 8), one)
        for k, (x, high) in enumerate(((-4.5, 6), (3.5, 8), (0, 4.5))):
            lay(points((x - 5, 6.2), (x, 6.2 - high), (x + 5, 6.2)) * (0.8, 1.0), two if k < 2 else darker(two, 0.7))
    elif kind == 2:
        for k in range(4):
            half = (8.5, 6.0, 8.0, 4.0)[k]
            lay(
                points((-half, k * 3.2 - 5), (half, k * 3.2 - 5), (half, k * 3.2 - 3.2), (-half, k * 3.2 - 3.2)),
                one if k != 1 else two,
            )
    elif kind == 3:
        star = np.vstack(
            [turned(points((0, -8.5), (0, -8.5)), k * 36.0)[:1] * (1.0 if k % 2 == 0 else 0.42) for k in range(10)],
        )
        lay(star, one)
    elif kind == 4:
        for k, color in enumerate((one, two, darker(one, 0.7))):
            lay(ellipse((0, 3), 9.0 - 2.4 * k, 9.0 - 2.4 * k)[20:], color)
    elif kind == 5:
        heart = smooth(
            points((0, 7), (-7.2, -0.5), (-6.2, -5.6), (-2.4, -5.8), (0, -2.8), (2.4, -5.8), (6.2, -5.6), (7.2, -0.5)),
            closed=True,
        )
        lay(heart, one)
    else:
        lay(points((-9, -5), (9, -5), (9, 5), (-9, 5)), one)
        lay(points((-7.5, -1), (7.5, -1), (7.5, 1.4), (-7.5, 1.4)), two)


def _draw_tie_belt(fit: Fitting, cut: Upper) -> None:
    half = float(half_width(fit, cut, np.array([38.0]))[0])
    x = np.linspace(-half - 0.2, half + 0.2, 12)
    curve = 1.0 - (x / half) ** 2
    strip = Strip(fit.body.torso(np.stack([x, 40.2 + curve], 1)), fit.body.torso(np.stack([x, 36.4 + curve], 1)))
    fit.canvas.strip(strip, fit.fabric, fit.tag, drape=fit.drape(round=0.1), lift=0.5, tone=0.96)
    for sign, long in ((-1.0, 17.0), (1.0, 14.0)):
        tail = smooth(points((0, 39), (1.6, 46), (3.2, 39 + long)))
        path = fit.body.torso(moved(tail * (sign, 1.0), 2.0, 0))
        fit.canvas.strip(
            Strip.along(path, np.full(len(path), 1.7)), fit.fabric, fit.tag, drape=fit.drape(round=0.2), lift=0.5,
        )
    knot = smooth(points((-0.4, 36.2), (4.6, 36.4), (4.4, 41.8), (0.2, 41.6)), closed=True)
    fit.canvas.shape(fit.body.torso(knot), fit.fabric, fit.tag, lift=0.45)


def _draw_ruffle(fit: Fitting, cut: Upper) -> None:
    """A frill down the front, on both sides of the placket."""
    for sign in SIGNS:
        y = np.linspace(cut.neck_depth + 3, 40, 22)
        wave = 3.6 + 0.9 * np.sin(np.arange(22) * 2.1)
        edge = np.stack([sign * wave, y], 1)
        outline = np.vstack([edge, np.stack([np.full(22, sign * 0.6), y], 1)[::-1]])
        fit.canvas.shape(fit.body.torso(outline), fit.fabric, None, on=fit.tag, lift=0.45, tone=1.04)
        for k in range(1, 22, 3):
            fit.torso_seam(points((sign * 0.8, y[k]), (sign * 3.2, y[k] + 0.5)), opacity=0.5, curved=False)
