"""Shoes, one drawing routine for each kind."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from segmentation.drawn.cuts import Accessory
from segmentation.drawn.fabric import darker, is_dark
from segmentation.drawn.feet import Foot, heel_units
from segmentation.drawn.geometry import Points, Strip, ellipse, points, smooth
from segmentation.drawn.patterns import Rgb
from segmentation.drawn.skeleton import LEFT, RIGHT, SHANK, THIGH

# Written like drawings, many corners a line: the formatter would put each corner on its own.
# fmt: off

SOLE_BLACK: Rgb = (46, 42, 40)


def draw_shoe(foot: Foot, cut: Accessory) -> None:
    """One shoe of the kind the cut names."""
    SHOE_PAINTERS[cut.kind](foot, cut)


def _sneaker(foot: Foot, cut: Accessory) -> None:
    fit, high = foot.fit, cut.kind == "high_top"
    top = -16.5 if high else -10.0
    upper = smooth(
        points(
            (0.6, -2.5), (0.2, -8), (1.2, top), (4.5, top + 0.8), (9.6, top + (0.2 if high else 0.6)), (12.2, -9.6),
            (16.5, -7.4), (21.5, -6.5), (24.8, -5.0), (26.2, -1.8),
        )
    )
    foot.part(np.vstack([upper, points((0.6, -1.5))]), fit.fabric, lift=0.3)
    mouth = ellipse((6.0, top + 0.9), 4.2, 1.0)
    foot.part(mouth, darker(fit.fabric.ground, 0.45), lift=0.0)
    foot.part(
        smooth(points((20.2, -7.2), (23.5, -6.4), (26, -4), (26.6, -1.8), (20.0, -1.6), (19.0, -4.4)), closed=True),
        fit.trim, lift=0.1, on=True,
    )
    foot.part(
        smooth(points((0.0, -8.5), (3.5, -7.2), (4.0, -1.6), (0.2, -1.6)), closed=True), fit.fabric.colors[1],
        lift=0.1, on=True,
    )
    if cut.detail % 3 == 1:
        for x in (9.0, 11.6, 14.2):
            foot.line(points((x, -2.2), (x + 2.4, -7.6)), 1.2, fit.fabric.colors[1])
    elif cut.detail % 3 == 2:
        foot.line(points((5.5, -3.2), (9.5, -3.0), (16.5, -6.6)), 1.5, fit.fabric.colors[1])
    sole = smooth(
        points(
            (-0.4, -2.4), (8, -2.0), (17, -2.2), (25.4, -2.6), (26.7, -1.1), (25.0, 0.2), (12, 0.2), (0.4, 0.2),
            (-0.8, -0.8),
        ),
        closed=True,
    )
    foot.part(sole, (240, 238, 232) if cut.detail % 4 else darker(fit.trim, 0.8), lift=0.2)
    foot.line(points((-0.2, -1.0), (13, -0.9), (26.8, -1.2)), 0.3, (170, 168, 164))
    lace: Rgb = (246, 245, 240) if is_dark(fit.fabric.ground) else (64, 64, 68)
    lace = (246, 245, 240) if cut.detail % 2 else lace
    rows = [(9.6, -9.8), (11.4, -9.3), (13.4, -8.4), (15.4, -7.6)] + ([(8.6, -12), (8.2, -14.4)] if high else [])
    for x, y in rows:
        foot.line(points((x - 1.7, y + 1.4), (x + 0.2, y + 0.1), (x + 1.4, y - 0.4)), 0.75, lace)


def _boot(foot: Foot, cut: Accessory) -> None:
    fit = foot.fit
    tall = cut.kind == "tall_boot"
    if tall and fit.worn:
        side = LEFT if foot.stance.sign < 0 else RIGHT
        spine = fit.body.leg_spine(side, THIGH + 5.0, THIGH + SHANK, 12)
        shaft = Strip.along(spine, np.interp(np.arange(12), (0, 4, 11), (6.6, 6.8, 4.9)))
        fit.canvas.strip(shaft, fit.fabric, fit.tag, drape=fit.drape(round=0.3, wrinkles=((30.0, 0.2),)), lift=0.35)
    heeled = cut.kind in ("heeled_boot", "tall_boot")
    top, rise = (-40.0 if tall and not fit.worn else -12.5 if tall else -19.0), (3.6 if heeled else 0.0)
    leg = 5.6 if tall else 4.9
    outline = smooth(
        points(
            (0.8, -1.5 - rise), (0.2, -7 - rise), (1.0, -13), (6.0 - leg, top), (6.0 + leg, top + 0.8), (10.6, -13),
            (13.0, -8.6 - rise * 0.5), (18.5, -7.2), (23.6, -6.0), (25.6, -3.6), (25.9, -1.0),
        )
    )
    foot.part(np.vstack([outline, points((13, -1.0 - rise * 0.4))]), fit.fabric, lift=0.3)
    foot.part(ellipse((6.0, top + 0.6), leg, 1.0), darker(fit.fabric.ground, 0.45), lift=0.0)
    _boot_closure(foot, cut, top, rise)
    _boot_sole(foot, rise)


def _boot_closure(foot: Foot, cut: Accessory, top: float, rise: float) -> None:
    fit = foot.fit
    if cut.kind == "chelsea_boot":
        gusset = smooth(points((4.4, top + 1.2), (9.0, top + 1.4), (7.6, -8.6), (5.8, -8.6)), closed=True)
        foot.part(gusset, darker(fit.fabric.ground, 0.55), lift=0.0, on=True)
        foot.line(points((0.6, top - 0.4), (1.0, top - 2.4), (2.4, top - 0.2)), 0.8, fit.seam)
    elif cut.kind == "lace_boot":
        for k in range(6):
            y = top + 2.5 + 2.2 * k
            foot.line(
                points((7.4 + 0.7 * max(k - 2, 0), y + 1.2), (10.8 + 0.8 * max(k - 2, 0), y)), 0.65,
                darker(fit.trim, 0.9),
            )
    else:
        foot.line(points((6.2, top + 2), (5.6, -12), (6.2, -6 - rise)), 0.4, fit.seam)


def _boot_sole(foot: Foot, rise: float) -> None:
    if rise > 0:
        foot.part(points((0.2, -1.2 - rise), (5.6, -0.8 - rise), (4.2, 0.2), (0.9, 0.2)), SOLE_BLACK)
        sole = smooth(
            points(
                (4.5, -0.9 - rise), (13, -1.4 - rise * 0.3), (20, -1.0), (25.8, -1.3), (25.8, 0.2), (17, 0.2),
                (11, -0.4 - rise * 0.3),
            ),
            closed=True,
        )
    else:
        foot.part(points((0.0, -1.6), (7.0, -1.6), (7.0, 0.3), (0.2, 0.3)), SOLE_BLACK)
        sole = smooth(
            points((-0.2, -1.8), (12, -1.7), (25.8, -1.7), (26.5, -0.5), (25.2, 0.3), (12, 0.1), (0, 0.1)),
            closed=True,
        )
    foot.part(sole, SOLE_BLACK, lift=0.1)


def _pump(foot: Foot, cut: Accessory) -> None:
    fit = foot.fit
    heel = heel_units(cut)
    body = smooth(
        points(
            (1.4, -1.0 - heel), (0.4, -5.2 - heel), (1.6, -6.4 - heel), (6.0, -5.2 - heel), (12, -5.0 - heel * 0.5),
            (16.2, -6.2 - heel * 0.1), (20.5, -5.6), (24.4, -3.4), (26.6, -0.9),
        )
    )
    foot.part(
        np.vstack(
            [
                body,
                smooth(
                    points(
                        (26.6, -0.4), (20, -0.3), (14, -1.0 - heel * 0.25), (7, -0.6 - heel * 0.85),
                        (1.6, -0.2 - heel),
                    )
                ),
            ]
        ),
        fit.fabric,
        lift=0.3,
    )
    if not fit.worn:
        opening = smooth(
            points(
                (2.2, -6.0 - heel), (6, -5.0 - heel), (12.0, -4.7 - heel * 0.5), (16.0, -5.9 - heel * 0.1),
                (11.5, -6.4 - heel * 0.5), (6, -6.6 - heel),
            ),
            closed=True,
        )
        foot.part(opening, darker(fit.fabric.ground, 0.5), lift=0.0)
    foot.part(
        points((0.7, -2.2 - heel), (5.2, -1.0 - heel), (2.4, -heel * 0.45), (2.2, 0.2), (0.9, 0.2), (0.6, -heel * 0.5)),
        fit.fabric, tone=0.85,
    )
    foot.line(
        points((2, -0.3 - heel), (9, -0.4 - heel * 0.7), (15, -0.7 - heel * 0.15), (21, -0.1), (26.4, -0.2)), 0.6,
        SOLE_BLACK,
    )
    if cut.detail >= 2:
        foot.part(Strip.along(foot_strap(heel), np.full(9, 0.55)).outline, fit.fabric, lift=0.2)


def foot_strap(heel: float) -> Points:
    """The ankle strap of a court shoe, in the profile chart; shape (9, 2)."""
    return smooth(points((1.2, -7.5 - heel), (9.8, -7.2 - heel)), steps=8)


def _flat(foot: Foot, cut: Accessory) -> None:
    """Loafers and ballet flats: low, open at the top."""
    fit, loafer = foot.fit, cut.kind == "loafer"
    high = -8.6 if loafer else -6.4
    front = 13.6 if loafer else 17.0
    body = smooth(
        points(
            (0.8, -1.2), (0.2, -5), (1.4, high), (6, high + 2.0), (front, -6.6), (19.6, -6.6), (24.4, -4.8),
            (26.2, -1.0),
        )
    )
    foot.part(np.vstack([body, points((0.8, -0.8))]), fit.fabric, lift=0.3)
    if not fit.worn:
        opening = smooth(
            points((1.8, high + 0.3), (6, high + 2.0), (front, -6.3), (10, -7.6), (5, high - 0.4)), closed=True,
        )
        foot.part(opening, darker(fit.fabric.ground, 0.5), lift=0.0)
    if loafer:
        foot.line(points((13.8, -6.6), (17, -7.2), (21.5, -5.8), (22.5, -4.2), (16, -3.8)), 0.45, fit.seam)
        foot.part(
            smooth(points((12.8, -7.2), (16.6, -7.4), (16.4, -2.6), (13.2, -2.4)), closed=True), fit.fabric, tone=0.9,
            on=True,
        )
        foot.part(ellipse((14.8, -5.3), 1.3, 0.8), (196, 168, 96), on=True)
    else:
        bow = smooth(
            points((17.4, -6.2), (15.4, -7.8), (15.2, -5.2), (17.4, -6.0), (19.6, -7.4), (19.8, -5.0)), closed=True,
        )
        foot.part(bow, fit.trim)
    sole = smooth(
        points((0.0, -1.2), (8, -0.8), (17, -0.8), (26.4, -1.3), (26.8, -0.3), (24, 0.2), (12, 0.0), (0.2, 0.3)),
        closed=True,
    )
    foot.part(sole, SOLE_BLACK if loafer else darker(fit.trim, 0.6), lift=0.1)


def _sandal(foot: Foot, cut: Accessory) -> None:
    """A sole and straps."""
    fit = foot.fit
    sole = smooth(
        points((0, -1.8), (9, -1.9), (18, -1.7), (26.6, -2.0), (27.2, -0.8), (25, 0.2), (12, 0.1), (0, 0.2)),
        closed=True,
    )
    foot.part(sole, (150, 112, 76), lift=0.3)
    straps = [
        points((18.0, -1.2), (18.6, -4.4), (21.0, -5.6), (23.4, -4.4), (24.4, -1.2)),
        points((12.2, -1.2), (12.6, -6.0), (14.4, -7.8), (17.2, -6.4), (17.0, -1.2)),
    ]
    for strap in straps if cut.detail % 2 else straps[:1]:
        foot.part(smooth(strap, closed=True), fit.fabric, lift=0.4)
    foot.part(
        smooth(points((0.4, -1.2), (0.2, -6.0), (0.8, -10.2), (3.0, -10.0), (3.6, -6.0), (6.0, -1.2)), closed=True),
        fit.fabric, lift=0.3,
    )
    foot.part(
        Strip.along(smooth(points((1.0, -9.2), (5.5, -8.2), (11.0, -9.6))), np.full(17, 0.95)).outline, fit.fabric,
        lift=0.3,
    )
    foot.part(ellipse((8.0, -8.3), 0.9, 0.9), (206, 178, 108), lift=0.2)


SHOE_PAINTERS: dict[str, Callable[[Foot, Accessory], None]] = {
    "sneaker": _sneaker, "high_top": _sneaker, "chelsea_boot": _boot, "lace_boot": _boot, "heeled_boot": _boot,
    "tall_boot": _boot, "pump": _pump, "loafer": _flat, "ballet": _flat, "sandal": _sandal,
}
