"""Socks: a ribbed cuff, a tube, heel and toe in the contrasting color."""

from __future__ import annotations

import numpy as np

from segmentation.drawn.cuts import Accessory
from segmentation.drawn.feet import Foot
from segmentation.drawn.geometry import Strip, ellipse, points, smooth
from segmentation.drawn.skeleton import LEFT, RIGHT, SHANK, THIGH

# Written like drawings, many corners a line: the formatter would put each corner on its own.
# fmt: off


def draw_sock(foot: Foot, cut: Accessory) -> None:
    """One sock: leg, heel, foot."""
    fit = foot.fit
    top = -14.0 - 14.0 * cut.size
    if fit.worn:
        side = LEFT if foot.stance.sign < 0 else RIGHT
        end = THIGH + SHANK
        spine = fit.body.leg_spine(side, end + 6.0 + top, end + 1.0, 12)
        build = fit.body.build
        half = np.interp(np.linspace(end + 6 + top, end, 12), (THIGH, THIGH + 14, end), build.leg[1:]) + 0.5
        fit.canvas.strip(Strip.along(spine, half), fit.fabric, fit.tag, drape=fit.drape(round=0.3), lift=0.25)
    else:
        spine = smooth(points((6, top), (6, -16), (6.4, -9.5), (10.5, -5.0), (16.5, -4.2), (23.5, -4.0)), steps=6)
        half = np.interp(np.linspace(0, 1, len(spine)), (0, 0.35, 0.52, 0.68, 1.0), (5.6, 5.2, 5.6, 4.4, 3.6))
        tube = Strip.along(foot.stance.place(spine), half)
        end_cap = ellipse((24.0, -4.0), 3.4, 3.6)
        foot.part(end_cap, fit.trim, lift=0.3)
        foot.part(ellipse((3.9, -5.8), 4.0, 4.0), fit.trim, lift=0.3)
        fit.canvas.strip(tube, fit.fabric, fit.tag, drape=fit.drape(round=0.3, wrinkles=((26.0, 0.2),)), lift=0.3)
        cuff = tube.part(0.0, 0.13, wider=0.2)
        fit.canvas.strip(cuff, fit.trim, fit.tag, drape=fit.drape(ribs=0.9, folds=0.0), lift=0.25)
        foot.part(
            smooth(points((21.5, -7.4), (25.5, -6.8), (27.4, -4), (25.5, -0.8), (21.5, -0.6), (22.6, -4)), closed=True),
            fit.trim, lift=0.0,
        )
        foot.part(
            smooth(points((0.6, -8.6), (5.6, -5.4), (7.4, -0.9), (3.2, -1.8), (0.2, -5.0)), closed=True), fit.trim,
            lift=0.0,
        )
