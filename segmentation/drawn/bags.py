"""Bags: hung from a hand or shoulder, or standing alone in a packshot."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from segmentation.drawn.cuts import Accessory
from segmentation.drawn.fabric import Fabric, darker
from segmentation.drawn.fitting import Fitting
from segmentation.drawn.geometry import Point, Points, Strip, ellipse, moved, points, rounded, smooth
from segmentation.drawn.patterns import Rgb
from segmentation.drawn.skeleton import SIGNS

# Written like drawings, many corners a line: the formatter would put each corner on its own.
# fmt: off

GOLD: Rgb = (206, 176, 102)

@dataclass(frozen=True, slots=True)
class Hung:
    """A bag's chart: x from its middle, y below its upper edge, placed at `top` of the body."""

    fit: Fitting
    top: Point
    angle_deg: float = 0.0

    def part(
        self,
        chart: Points | list[Points],
        cloth: Fabric | Rgb,
        *,
        lift: float = 0.3,
        tone: float = 1.0,
        on: bool = False,
        rim: float = 0.35,
    ) -> None:
        """A piece of the bag."""
        charts = [chart] if isinstance(chart, np.ndarray) else chart
        tag = self.fit.tag
        placed = [one + np.array(self.top) for one in charts]
        self.fit.canvas.shape(placed, cloth, tag, lift=lift, tone=tone, on=tag if on else None, rim=rim, shine=0.3)

    def band(self, path: Points, half: float, cloth: Fabric | Rgb, *, lift: float = 0.35) -> None:
        """A strap or handle."""
        path = path + np.array(self.top)
        strip = Strip.along(path, np.full(len(path), half))
        self.fit.canvas.strip(strip, cloth, self.fit.tag, drape=self.fit.drape(round=0.2, folds=0.0), lift=lift)

    def seam(self, path: Points, *, width: float = 0.3, color: Rgb | None = None, dash: float | None = None) -> None:
        """A seam on the bag."""
        ink = self.fit.seam if color is None else color
        self.fit.canvas.stroke(path + np.array(self.top), width, ink, on=self.fit.tag, dash=dash)


def draw_bag(hung: Hung, cut: Accessory) -> None:
    """The bag of the kind the cut names."""
    BAG_PAINTERS[cut.kind](hung, cut)


def draw_bag_packshot(fit: Fitting, cut: Accessory) -> None:
    """The bag by itself, its straps up."""
    draw_bag(Hung(fit, (0.0, 0.0)), cut)


def draw_bag_worn(fit: Fitting, cut: Accessory, side: int) -> None:
    """The bag on one side: from the hand, or from a shoulder where its strap is long."""
    sign = SIGNS[side]
    if cut.kind == "backpack":
        draw_backpack_straps(fit)
        return
    if cut.kind == "crossbody":
        start = fit.body.at(-sign * 8.0, -0.4)
        end = fit.body.at(sign * 19.0, 50.0)
        path = smooth(points(start, fit.body.at(-sign * 2.0, 20.0), end))
        strip = Strip.along(path, np.full(len(path), 0.95))
        fit.canvas.strip(strip, fit.trim, fit.tag, drape=fit.drape(folds=0.0), lift=0.4)
        draw_bag(Hung(fit, (end[0] + sign * 1.0, end[1] - 1.0)), Accessory(cut.kind, 0.85, cut.detail))
        return
    hand = fit.body.wrists[side]
    drop = 7.0 + HANDLE_RISE.get(cut.kind, 12.0)
    draw_bag(Hung(fit, (hand[0] + sign * 0.5, hand[1] + drop)), cut)


HANDLE_RISE = {"tote": 20.0, "handbag": 12.0, "bucket": 14.0, "clutch": -3.0}
"""Units from a bag's upper edge to the top of its handle."""


def draw_backpack_behind(fit: Fitting, cut: Accessory) -> None:
    """What of a backpack shows on both sides of the body, from the front."""
    outline = smooth(
        points((-19, 6), (-21.5, 26), (-20, 46), (0, 50), (20, 46), (21.5, 26), (19, 6), (0, 1)), closed=True,
    )
    fit.canvas.shape(fit.body.torso(outline), fit.fabric, fit.tag, tone=0.85)


def draw_backpack_straps(fit: Fitting) -> None:
    """Both straps, over the shoulders and under the arms."""
    width = fit.body.build.shoulder
    for sign in SIGNS:
        path = smooth(points((width * 0.58, -1.0), (width * 0.66, 10), (width * 0.74, 22), (width * 0.98, 31))) * (
            sign, 1.0,
        )
        strip = Strip.along(fit.body.torso(path), np.full(len(path), 2.1))
        fit.canvas.strip(strip, fit.fabric, fit.tag, drape=fit.drape(folds=0.02), lift=0.45)
        buckle = fit.body.torso(np.array([[sign * width * 0.72, 20.0]]))[0]
        fit.canvas.shape(
            points((-2.4, -0.8), (2.4, -0.8), (2.4, 0.8), (-2.4, 0.8)) + buckle, (60, 60, 64), None, on=fit.tag,
        )


def _rounded(half_top: float, half_bottom: float, high: float, radius: float = 2.0) -> Points:
    """A body with straight sides and rounded corners, its upper edge at y = 0."""
    return rounded(points((-half_top, 0), (half_top, 0), (half_bottom, high), (-half_bottom, high)), radius)


def _handles(hung: Hung, spread: float, rise: float, half: float, cloth: Fabric | Rgb) -> None:
    path = smooth(
        points((-spread, 3.0), (-spread * 0.92, -rise * 0.5), (0, -rise), (spread * 0.92, -rise * 0.5), (spread, 3.0)),
    )
    hung.band(path, half, cloth)


def _tote(hung: Hung, cut: Accessory) -> None:
    fit, k = hung.fit, cut.size
    _handles(Hung(fit, (hung.top[0] + 0.8, hung.top[1] - 1.2)), 6.5, 19.0, 0.9, darker(fit.trim, 0.75))
    hung.part(_rounded(15.5 * k, 14 * k, 31 * k, 0.8), fit.fabric)
    hung.part(
        points((-15.2 * k, 0), (15.2 * k, 0), (15 * k, 1.6), (-15 * k, 1.6)), darker(fit.fabric.ground, 0.7),
        lift=0.0, on=True,
    )
    _handles(hung, 6.5, 20.0, 0.95, fit.trim)
    if cut.detail % 3 == 1:
        hung.part(ellipse((0, 16 * k), 6.5, 6.5), fit.fabric.colors[1], lift=0.0, on=True, rim=0.0)
        hung.part(ellipse((0, 16 * k), 3.8, 3.8), fit.fabric.ground, lift=0.0, on=True, rim=0.0)
    elif cut.detail % 3 == 2:
        hung.part(
            points((-14.5 * k, 20 * k), (14.5 * k, 20 * k), (14 * k, 31 * k), (-14 * k, 31 * k)), fit.trim, lift=0.1,
            on=True,
        )
    hung.seam(points((-14.8 * k, 3), (14.8 * k, 3)))


def _handbag(hung: Hung, cut: Accessory) -> None:
    fit, k = hung.fit, cut.size
    _handles(hung, 7.5 * k, 12.0, 0.95, fit.trim)
    hung.part(_rounded(11.5 * k, 14.5 * k, 20 * k, 1.6), fit.fabric)
    flap = cut.detail % 2 == 0
    if flap:
        lid = smooth(
            points(
                (-11.5 * k, 0.4), (0, 0), (11.5 * k, 0.4), (12.3 * k, 7 * k), (8 * k, 11 * k), (0, 12 * k),
                (-8 * k, 11 * k), (-12.3 * k, 7 * k),
            ),
            closed=True,
            steps=5,
        )
        hung.part(lid, fit.fabric, lift=0.5, tone=1.06, on=True)
        hung.part(moved(_rounded(2.0, 2.0, 3.2, 0.6), 0, 9.6 * k), GOLD, lift=0.4, on=True)
    else:
        hung.seam(points((-12 * k, 3), (12 * k, 3)), width=0.5, color=GOLD)
        hung.seam(smooth(points((-9 * k, 1), (-9.6 * k, 10), (-10 * k, 20 * k))))
        hung.seam(smooth(points((9 * k, 1), (9.6 * k, 10), (10 * k, 20 * k))))
    for x in (-7.5 * k, 7.5 * k):
        hung.part(ellipse((x, 1.2), 1.5, 1.5), GOLD, lift=0.3)
    hung.seam(points((-13.4 * k, 17.6 * k), (13.4 * k, 17.6 * k)))


def _crossbody(hung: Hung, cut: Accessory) -> None:
    fit, k = hung.fit, cut.size
    if not fit.worn:
        path = smooth(points((-10 * k, 2), (-9, -14), (-3, -27), (4, -27.5), (9.5, -14), (10 * k, 2)))
        hung.band(path, 0.8, fit.trim)
    hung.part(_rounded(11 * k, 11 * k, 15.5 * k, 2.6), fit.fabric)
    lid = smooth(
        points(
            (-11 * k, 1.5), (-9 * k, 0), (9 * k, 0), (11 * k, 1.5), (11 * k, 7.5 * k), (6 * k, 9.5 * k),
            (-6 * k, 9.5 * k), (-11 * k, 7.5 * k),
        ),
        closed=True,
        steps=5,
    )
    hung.part(lid, fit.fabric, lift=0.5, tone=1.05, on=True)
    clasp = ellipse((0, 8.6 * k), 1.5, 1.5) if cut.detail % 2 else moved(_rounded(2.4, 2.4, 2.2, 0.5), 0, 7.6 * k)
    hung.part(clasp, GOLD, lift=0.4, on=True)
    if cut.detail % 3 == 2:
        for x in np.arange(-9, 10, 4.5) * k:
            hung.seam(points((x, 0.5), (x + 5 * k, 15 * k)))
            hung.seam(points((x + 5 * k, 0.5), (x, 15 * k)))


def _backpack(hung: Hung, cut: Accessory) -> None:
    fit, k = hung.fit, cut.size
    for sign in SIGNS:
        side = smooth(points((13 * k, 12), (18 * k, 18), (17.5 * k, 30), (13.5 * k, 36))) * (sign, 1.0)
        hung.band(side, 1.5, darker(fit.fabric.ground, 0.7))
    hung.band(smooth(points((-4, 1), (-3.4, -3.2), (3.4, -3.2), (4, 1))), 0.9, fit.trim)
    body = (
        smooth(
            points(
                (-8, 0.5), (8, 0.5), (14, 7), (15.2, 22), (15, 38), (11, 41), (-11, 41), (-15, 38), (-15.2, 22),
                (-14, 7),
            ),
            closed=True,
        )
        * k
    )
    hung.part(body, fit.fabric)
    hung.seam(
        smooth(points((-13.4, 14), (-11.5, 6), (0, 3.4), (11.5, 6), (13.4, 14))) * k, width=0.8, color=(52, 52, 56),
    )
    pocket = moved(_rounded(11.5, 12, 17, 2.6) * k, 0, 21 * k)
    hung.part(pocket, fit.fabric if cut.detail % 2 else fit.trim, lift=0.45, on=True, tone=1.03)
    hung.seam(points((-10.5, 24.5), (10.5, 24.5)) * k, width=0.8, color=(52, 52, 56))
    hung.part(moved(_rounded(3.2, 3.2, 3.6, 0.4) * k, 0, 12 * k), fit.trim, lift=0.2, on=True)
    hung.part(moved(_rounded(0.7, 0.7, 3.6, 0.3) * k, 9.6 * k, 24.5 * k), GOLD, lift=0.3, on=True)


def _clutch(hung: Hung, cut: Accessory) -> None:
    fit, k = hung.fit, cut.size
    hung.part(_rounded(13 * k, 13 * k, 15 * k, 1.0), fit.fabric)
    lid = points((-12.8 * k, 0.3), (12.8 * k, 0.3), (12.8 * k, 3.0), (0, 10.5 * k), (-12.8 * k, 3.0))
    hung.part(lid, fit.fabric, lift=0.5, tone=1.07, on=True)
    hung.part(ellipse((0, 9.4 * k), 1.1, 1.1), GOLD, lift=0.4, on=True)


def _bucket(hung: Hung, cut: Accessory) -> None:
    fit, k = hung.fit, cut.size
    _handles(hung, 9.6 * k, 14.0, 0.85, fit.trim)
    hung.part(
        smooth(
            points((-10.5, 0), (0, 1.2), (10.5, 0), (11.4, 10), (10.2, 23), (0, 24.6), (-10.2, 23), (-11.4, 10)),
            closed=True,
        )
        * k,
        fit.fabric,
    )
    hung.part(ellipse((0, 0.6), 10.2 * k, 1.5), darker(fit.fabric.ground, 0.45), lift=0.0)
    for x in np.linspace(-8.5, 8.5, 6) * k:
        hung.part(ellipse((float(x), 4.4 * k), 0.6, 0.6), GOLD, lift=0.1, on=True)
    hung.seam(smooth(points((-10.6, 4.0), (0, 5.3), (10.6, 4.0))) * k, width=0.7, color=darker(fit.trim, 0.8))
    hung.band(smooth(points((0, 5.0), (1.6, 9), (0.8, 13))) * k, 0.5, fit.trim)
    hung.part(
        points((-10.6 * k, 19 * k), (10.6 * k, 19 * k), (10 * k, 23.4 * k), (0, 24.6 * k), (-10 * k, 23.4 * k)),
        fit.trim, lift=0.1, on=True,
    )


BAG_PAINTERS: dict[str, Callable[[Hung, Accessory], None]] = {
    "tote": _tote, "handbag": _handbag, "crossbody": _crossbody, "backpack": _backpack, "clutch": _clutch,
    "bucket": _bucket,
}
