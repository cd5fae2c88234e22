"""What finishes an upper garment at the neck: collars, lapels, hoods and bands."""

from __future__ import annotations

import numpy as np

from segmentation.drawn.cuts import Upper
from segmentation.drawn.fabric import Fabric, darker
from segmentation.drawn.fitting import Fitting
from segmentation.drawn.geometry import Points, Strip, moved, points, smooth
from segmentation.drawn.patterns import Rgb
from segmentation.drawn.skeleton import SIGNS
from segmentation.drawn.uppers import neckline

# Written like drawings, many corners a line: the formatter would put each corner on its own.
# fmt: off

OPENING_Y = {"lapel": 36.0, "shawl": 42.0}
"""Where the fronts of a tailored garment meet, below the neck base."""


def draw_behind_neck(fit: Fitting, cut: Upper) -> None:
    """What stands behind the neck and head: hood, collar band, standing collar's back."""
    w = cut.neck_half
    if cut.collar == "hood":
        _draw_hood(fit, cut)
    elif cut.collar in ("shirt", "lapel", "shawl", "bow"):
        band = points((-w - 0.6, 0), (-w * 0.9, -3.6), (-w * 0.4, -4.8), (0, -5.0))
        outline = np.vstack([smooth(band), smooth(band)[::-1] * (-1, 1), [[w, 3.0], [-w, 3.0]]])
        fit.canvas.shape(fit.body.torso(outline), _collar_cloth(fit), fit.tag, tone=0.75)
    elif cut.collar in ("stand", "turtle"):
        high = 5.2 if cut.collar == "stand" else 8.0
        outline = smooth(points((-w, 0), (-w * 0.92, -high), (0, -high - 1.4), (w * 0.92, -high), (w, 0)))
        fit.canvas.shape(fit.body.torso(outline), darker(fit.fabric.ground, 0.55), fit.tag)


def _draw_hood(fit: Fitting, cut: Upper) -> None:
    high, wide = (10.0, 13.0) if fit.worn else (22.0, 12.5)
    outer = smooth(
        points((-9.5, 3.5), (-wide, -high * 0.35), (-wide * 0.72, -high * 0.85), (0, -high - 1.0),
               (wide * 0.72, -high * 0.85), (wide, -high * 0.35), (9.5, 3.5))
    )  # fmt: skip
    fit.canvas.strip(
        _level_chart(fit, wide, -high - 2, 6.0), fit.fabric, fit.tag, outline=fit.body.torso(outer),
        drape=fit.drape(round=0.35),
    )
    inner = smooth(
        points((-6.0, 2.0), (-wide * 0.72, -high * 0.35), (-wide * 0.5, -high * 0.74), (0, -high * 0.86),
               (wide * 0.5, -high * 0.74), (wide * 0.72, -high * 0.35), (6.0, 2.0), (0, 7.0)), closed=True
    )  # fmt: skip
    fit.canvas.shape(fit.body.torso(inner), darker(fit.fabric.ground, 0.5), fit.tag, lift=0.0, rim=0.5)


def _level_chart(fit: Fitting, half: float, top: float, bottom: float) -> Strip:
    y = np.linspace(top, bottom, 10)
    x = np.full(10, half)
    return Strip(fit.body.torso(np.stack([-x, y], 1)), fit.body.torso(np.stack([x, y], 1)))


def _collar_cloth(fit: Fitting) -> Fabric | Rgb:
    return fit.fabric.colors[1] if fit.fabric.pattern == "color_block" else fit.fabric


def draw_neck_finish(fit: Fitting, cut: Upper) -> None:
    """The band, collar or lapels in front of the neck."""
    if cut.collar == "shirt":
        _draw_shirt_collar(fit, cut)
    elif cut.collar in ("lapel", "shawl"):
        _draw_lapels(fit, cut)
    elif cut.collar == "stand":
        _draw_tube(fit, cut, 5.0, ribbed=cut.hem == "rib")
    elif cut.collar == "turtle":
        _draw_tube(fit, cut, 7.6, ribbed=True)
    elif cut.collar == "hood":
        _draw_hood_front(fit, cut)
    else:
        _draw_band(fit, cut)
        if cut.collar == "bow":
            _draw_bow(fit, cut)


def _draw_band(fit: Fitting, cut: Upper) -> None:
    """A narrow band along the neckline; ribbed and wider on knits."""
    if cut.neck == "shirt":
        return
    line = neckline(cut)
    knitted = fit.fabric.material == "knit" or cut.neck == "crew"
    width = 2.0 if knitted else 0.9
    below = line * (1 - width / (cut.neck_half * 2.4), 1.0) + (0, width)
    left = line if cut.front != "open" else line[: len(line) // 3]
    if cut.front == "open":
        return
    strip = Strip(fit.body.torso(below), fit.body.torso(left))
    band = fit.drape(ribs=0.0, round=0.15, folds=0.0)
    fit.canvas.strip(strip, fit.trim if knitted else fit.fabric, fit.tag, drape=band, lift=0.25)


def _draw_shirt_collar(fit: Fitting, cut: Upper) -> None:
    w, d = cut.neck_half, cut.neck_depth
    for sign in SIGNS:
        leaf = points((w + 0.7, -2.4), (w * 0.75, 0.5), (0.4, d), (4.6, d + 6.3), (w + 2.6, 2.6))
        crisp = np.vstack([smooth(leaf[:3]), leaf[3:4], smooth(leaf[3:])]) * (sign, 1.0)
        fit.canvas.shape(fit.body.torso(crisp), _collar_cloth(fit), fit.tag, lift=0.5, tone=1.03)
        edge = points((1.2, d + 0.4), (4.5, d + 5.2), (w + 1.9, 2.4)) * (sign, 1.0)
        fit.torso_seam(edge, opacity=0.5, curved=False, width=0.2)


def _draw_lapels(fit: Fitting, cut: Upper) -> None:
    w, close = cut.neck_half, OPENING_Y[cut.collar]
    inner = 0.3 if cut.front != "open" else 2.6 + 0.055 * cut.length
    for sign in (1.0, -1.0):
        if cut.collar == "shawl":
            leaf = smooth(points((w, -3.4), (w * 0.8, 6), (inner + 1.2, close * 0.6), (inner, close)))
            outer = smooth(points((inner, close), (inner + 5.0, close * 0.62), (w + 4.4, 9), (w + 2.6, 1), (w, -3.4)))
            outline = np.vstack([leaf, outer])
        else:
            fold = smooth(points((w * 0.9, 3.0), (w * 0.62, close * 0.45), (inner, close)))
            outline = np.vstack(
                [
                    fold, smooth(points((inner, close), (inner + 5.6, close * 0.66), (w + 6.2, 12.2))),
                    points((w + 1.4, 10.6)),
                ]
            )
        fit.canvas.shape(fit.body.torso(outline * (sign, 1.0)), fit.fabric, fit.tag, lift=0.5, tone=1.04)
        if cut.collar == "lapel":
            leaf = smooth(points((w + 0.2, -4.0), (w * 0.85, 3.2), (w + 1.6, 10.4)))
            back = np.vstack(
                [leaf, points((w + 5.4, 8.4)), smooth(points((w + 5.4, 8.4), (w + 3.0, 1.5), (w + 0.2, -4.0)))],
            )
            fit.canvas.shape(fit.body.torso(back * (sign, 1.0)), fit.fabric, fit.tag, lift=0.45, tone=0.97)


def _draw_tube(fit: Fitting, cut: Upper, high: float, *, ribbed: bool) -> None:
    """A standing collar around the neck, its front lower than its back."""
    w = cut.neck_half
    top = smooth(
        points((-w * 0.93, -high), (-w * 0.5, 1.3 - high), (0, 1.8 - high), (w * 0.5, 1.3 - high), (w * 0.93, -high)),
    )
    low = smooth(points((-w - 0.6, 0.5), (-w * 0.5, 5.0), (0, 6.4), (w * 0.5, 5.0), (w + 0.6, 0.5)))
    outline = np.vstack([top, low[::-1]])
    drape = fit.drape(round=0.35, ribs=1.0 if ribbed else 0.0, folds=0.04)
    cloth = fit.trim if ribbed and cut.collar == "stand" else fit.fabric
    fit.canvas.strip(
        _level_chart(fit, w, -high - 1, 5.0), cloth, fit.tag, outline=fit.body.torso(outline), drape=drape, lift=0.4,
    )
    if cut.collar == "turtle":
        fold = points((-w, -1.6), (-w * 0.5, 0.7), (0, 1.3), (w * 0.5, 0.7), (w, -1.6))
        fit.torso_seam(fold, width=0.6, opacity=0.45)


def _draw_hood_front(fit: Fitting, cut: Upper) -> None:
    """The hood's edges crossing below the throat, and its cords."""
    w, d = cut.neck_half, cut.neck_depth
    for sign in SIGNS:
        edge = smooth(points((w + 1.8, -4.5), (w + 0.4, 1.0), (w * 0.55, d * 0.8), (-0.8, d + 2.0)))
        outer = smooth(points((-0.8, d + 2.2), (w * 0.8, d + 1.2), (w + 3.8, 2.5), (w + 3.8, -4.0)))
        fit.canvas.shape(fit.body.torso(np.vstack([edge, outer]) * (sign, 1.0)), fit.fabric, fit.tag, lift=0.35)
        cord = smooth(points((2.2, d + 1.0), (2.7, d + 8), (2.4, d + 15))) * (sign, 1.0)
        light = (238, 236, 230) if sum(fit.fabric.ground) < 600 else (90, 90, 92)
        fit.canvas.stroke(fit.body.torso(cord), 0.75, light, fit.tag)
        fit.canvas.stroke(fit.body.torso(cord[-5:]), 1.0, darker(light, 0.6), fit.tag)


def _draw_bow(fit: Fitting, cut: Upper) -> None:
    """A pussy bow: two loops, two tails and a knot."""
    d = cut.neck_depth

    def place(curve: Points) -> Points:
        return fit.body.torso(moved(curve, 0, d))

    for sign in SIGNS:
        tail = smooth(points((0, 1), (2.0, 8), (4.6, 17), (1.6, 18), (-0.2, 9), (-1, 2)), closed=True) * (sign, 1.0)
        fit.canvas.shape(place(tail), fit.fabric, fit.tag, lift=0.4)
        loop = smooth(points((0, 0), (4, -3.2), (8.5, -2.6), (9.2, 1.6), (5, 3.2)), closed=True) * (sign, 1.0)
        fit.canvas.shape(place(loop), fit.fabric, fit.tag, lift=0.45, tone=1.04)
    knot = smooth(points((-1.7, -1.8), (1.7, -1.8), (1.9, 1.9), (-1.9, 1.9)), closed=True)
    fit.canvas.shape(place(knot), fit.fabric, fit.tag, lift=0.5, tone=0.95)
