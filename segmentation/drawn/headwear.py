"""Hats and glasses, in the head chart (origin between the eyes, half a head about 7.5 wide)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from segmentation.drawn.cuts import Accessory
from segmentation.drawn.fabric import Fabric, darker
from segmentation.drawn.fitting import Fitting
from segmentation.drawn.geometry import Points, Strip, ellipse, mirrored, moved, points, rounded, smooth
from segmentation.drawn.patterns import Rgb
from segmentation.drawn.skeleton import SIGNS

# Written like drawings, many corners a line: the formatter would put each corner on its own.
# fmt: off


def _part(
    fit: Fitting, chart: Points, cloth: Fabric | Rgb, *, lift: float = 0.35, tone: float = 1.0, on: bool = False
) -> None:
    fit.canvas.shape(fit.body.head(chart), cloth, fit.tag, lift=lift, tone=tone, on=fit.tag if on else None, shine=0.3)


def _seam(fit: Fitting, chart: Points, *, width: float = 0.25, color: Rgb | None = None) -> None:
    fit.canvas.stroke(
        fit.body.head(smooth(chart)), width, fit.seam if color is None else color, on=fit.tag, opacity=0.8,
    )


def _dome(fit: Fitting, half: float, top: float, base: float, *, ribs: float = 0.0, squareness: float = 0.86) -> None:
    """The crown of a hat as a strip, so that its knit or weave runs over it."""
    left = smooth(
        points(
            (-half, base), (-half * 1.01, base * 0.5 + top * 0.5), (-half * squareness, top * 0.85 + base * 0.15),
            (-half * 0.42, top + 0.4), (0, top),
        )
    )
    outline = np.vstack([left, mirrored(left)])
    y = np.linspace(top - 1, base + 3, 12)
    chart = Strip(
        fit.body.head(np.stack([np.full(12, -half), y], 1)), fit.body.head(np.stack([np.full(12, half), y], 1)),
    )
    low = smooth(points((half, base), (0, base + 1.6), (-half, base)))
    outline = np.vstack([outline, low])
    drape = fit.drape(round=0.34, ribs=ribs, folds=0.03)
    fit.canvas.strip(chart, fit.fabric, fit.tag, outline=fit.body.head(outline), drape=drape, lift=0.3)


def draw_hat(fit: Fitting, cut: Accessory) -> None:
    """The hat of the kind the cut names."""
    HAT_PAINTERS[cut.kind](fit, cut)


def _beanie(fit: Fitting, cut: Accessory) -> None:
    _dome(fit, 8.6, -16.5 - cut.detail % 2, -4.0, ribs=1.5, squareness=0.82)
    if cut.detail % 3 == 1:
        ball = ellipse((0, 0), 3.6, 3.4, count=26) * (1 + 0.06 * np.sin(np.arange(26) * 2.3))[:, None]
        _part(fit, moved(ball, 0, -18.4), fit.trim)
    half = np.linspace(-8.9, 8.9, 14)
    arc = 1.6 * (1 - (half / 8.9) ** 2)
    cuff = Strip(np.stack([half, -3.2 + arc], 1), np.stack([half, -8.2 + arc * 0.8], 1))
    outline = fit.body.head(cuff.outline)
    chart = Strip(fit.body.head(points((-8.9, -9), (-8.9, 0))), fit.body.head(points((8.9, -9), (8.9, 0))))
    fit.canvas.strip(
        chart, fit.fabric, fit.tag, outline=outline, drape=fit.drape(round=0.3, ribs=1.2, folds=0.0), lift=0.4,
        tone=1.03,
    )
    if cut.detail % 2:
        _part(fit, points((-1.8, -5.8), (1.8, -5.8), (1.8, -2.8), (-1.8, -2.8)), fit.trim, on=True)


def _cap(fit: Fitting, cut: Accessory) -> None:
    _dome(fit, 8.5, -15.2, -4.6, squareness=0.88)
    for x in (-4.4, 4.4):
        _seam(fit, points((0, -15.2), (x, -11), (x * 1.15, -5)))
    _seam(fit, points((0, -15), (0, -10), (0, -5)))
    _part(fit, ellipse((0, -15.2), 0.9, 0.6), fit.trim)
    if cut.detail % 2:
        _part(fit, ellipse((0, -9.4), 2.6, 2.4), fit.trim, lift=0.1, on=True)
    else:
        _part(fit, points((-2.6, -10.6), (2.6, -10.6), (2.6, -9), (-2.6, -9)), fit.trim, lift=0.1, on=True)
    brim = smooth(
        points(
            (-8.7, -5.6), (-4.5, -6.9), (0, -7.3), (4.5, -6.9), (8.7, -5.6), (9.0, -3.9), (5, -2.2), (0, -1.6),
            (-5, -2.2), (-9.0, -3.9),
        ),
        closed=True,
    )
    _part(fit, brim, fit.fabric if cut.detail % 3 else fit.trim, lift=0.6, tone=0.97)
    for k in (0.55, 0.75):
        _seam(fit, points((-8.6 + k, -4.6 + k), (0, -3.6 + 1.6 * k), (8.6 - k, -4.6 + k)))


def _brimmed(fit: Fitting, cut: Accessory) -> None:
    """Fedora, straw hat, bucket hat: a crown over a brim."""
    bucket = cut.kind == "bucket_hat"
    wide = 11.2 if bucket else 15.5 if cut.kind == "sun_hat" else 13.6
    drop = 2.6 if bucket else 0.9
    behind = smooth(
        points((-wide, -4.6 + drop), (-8, -8.2), (0, -9), (8, -8.2), (wide, -4.6 + drop), (0, -3.4)), closed=True,
    )
    _part(fit, behind, fit.fabric, tone=0.7)
    top = -14.8 if bucket else -17.2
    _dome(fit, 8.2, top, -6.0, squareness=0.94 if not bucket else 0.9)
    if not bucket:
        if cut.kind == "fedora":
            _part(
                fit, smooth(points((-4.2, top + 0.6), (0, top + 3.4), (4.2, top + 0.6), (0, top - 0.2)), closed=True),
                darker(fit.fabric.ground, 0.7), lift=0.0, on=True,
            )
        ribbon = smooth(
            points((-8.3, -9.4), (0, -7.9), (8.3, -9.4), (8.3, -6.0), (0, -4.4), (-8.3, -6.0)), closed=True, steps=4,
        )
        _part(fit, ribbon, fit.trim, lift=0.2, on=True)
    brim = smooth(
        points(
            (-wide, -4.8 + drop), (-9, -5.9), (0, -5.0), (9, -5.9), (wide, -4.8 + drop), (9, -2.4 + drop * 0.6),
            (0, -1.4 + drop * 0.5), (-9, -2.4 + drop * 0.6),
        ),
        closed=True,
    )
    _part(fit, brim, fit.fabric, lift=0.6)
    for k in (0.8, 1.6) if bucket else (0.8,):
        _seam(
            fit,
            points(
                (-wide + 1.2 * k, -4.2 + drop), (-9, -2.7 + drop * 0.6 - k * 0.6), (0, -1.7 + drop * 0.5 - k * 0.7),
                (9, -2.7 + drop * 0.6 - k * 0.6), (wide - 1.2 * k, -4.2 + drop),
            ),
        )


HAT_PAINTERS: dict[str, Callable[[Fitting, Accessory], None]] = {
    "beanie": _beanie, "cap": _cap, "fedora": _brimmed, "sun_hat": _brimmed, "bucket_hat": _brimmed,
}

LENSES: dict[str, Points] = {
    "round": ellipse((3.55, 0.4), 2.75, 2.7),
    "aviator": smooth(
        points((0.9, -1.3), (3.6, -1.9), (6.4, -1.3), (6.3, 1.2), (4.4, 3.2), (2.3, 2.8), (1.0, 0.8)), closed=True,
    ),
    "cat_eye": smooth(
        points((0.8, -0.8), (3.6, -1.8), (7.4, -2.9), (6.6, 0.4), (4.8, 2.3), (2.2, 2.2), (0.8, 0.9)), closed=True,
    ),
    "square": rounded(points((0.8, -1.8), (6.7, -1.9), (6.4, 2.4), (1.2, 2.4)), 1.0),
}


LENS_TINTS: tuple[Rgb, ...] = ((44, 42, 46), (92, 62, 44), (52, 70, 62), (50, 60, 92), (120, 84, 60))
"""What sunglasses are tinted."""


def draw_glasses(fit: Fitting, cut: Accessory) -> None:
    """Glasses; `detail` odd: sunglasses with dark lenses."""
    frame, lens = fit.fabric.ground, LENSES[cut.kind]
    dark = cut.detail % 2 == 1
    thick = 0.42 if cut.kind in ("round", "aviator") else 0.8
    for sign in SIGNS:
        if not fit.worn:
            temple = Strip.along(smooth(points((6.6, -0.9), (8.6, -2.4), (8.2, -5.4))), np.linspace(0.5, 0.3, 17))
            _part(fit, temple.outline * (sign, 1.0), darker(frame, 0.85), lift=0.15)
        else:
            _part(fit, points((6.3, -1.0), (8.0, -0.9), (8.0, -0.3), (6.3, -0.2)) * (sign, 1.0), frame, lift=0.0)
        placed = fit.body.head(lens * (sign, 1.0))
        tint = LENS_TINTS[fit.fabric.seed % len(LENS_TINTS)]
        fit.canvas.shape(
            placed, tint if dark else (226, 234, 238), fit.tag if dark or not fit.worn else None, lift=0.2,
            opacity=0.93 if dark else 0.35, rim=0.1, shine=0.5,
        )
        loop = np.vstack([lens, lens[:2]]) * (sign, 1.0)
        fit.canvas.stroke(fit.body.head(loop), thick, frame, fit.tag)
        glint = moved(points((1.9, 0.6), (3.4, -1.0), (4.1, -1.0), (2.4, 1.0)), 0.6 * (sign < 0), 0)
        fit.canvas.shape(
            fit.body.head(glint * (sign, 1.0)), (255, 255, 255), None, lift=0.0, opacity=0.35 if dark else 0.5,
            rim=0.0,
        )
    bridge = smooth(points((-1.0, -0.3), (0, -0.9), (1.0, -0.3)))
    fit.canvas.stroke(fit.body.head(bridge), thick * 1.1, frame, fit.tag)
    if not dark and fit.worn:
        for sign in SIGNS:
            seen = fit.body.head(lens * (sign, 1.0))
            fit.canvas.shape(seen, (255, 255, 255), fit.tag, lift=0.0, opacity=0.02, rim=0.0)
