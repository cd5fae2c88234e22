"""Draws a whole garment of shoulders, waist or both, in the phases in which a dressed figure needs them."""

from __future__ import annotations

from segmentation.drawn.closures import draw_front
from segmentation.drawn.cuts import Cut
from segmentation.drawn.fitting import Fitting
from segmentation.drawn.lowers import draw_lower, draw_skirt
from segmentation.drawn.necks import draw_behind_neck, draw_neck_finish
from segmentation.drawn.skeleton import LEFT, RIGHT
from segmentation.drawn.uppers import draw_back, draw_body, draw_sleeve


def draw_garment_back(fit: Fitting, cut: Cut) -> None:
    """What lies behind the neck and body; before the body is drawn."""
    if cut.upper is not None:
        draw_behind_neck(fit, cut.upper)
        draw_back(fit, cut.upper)


def draw_garment_front(fit: Fitting, cut: Cut) -> None:
    """Everything but the sleeves, over the body."""
    if cut.lower is not None:
        draw_lower(fit, cut.lower, band=cut.upper is None)
    if cut.skirt is not None:
        draw_skirt(fit, cut.skirt)
    if cut.upper is not None:
        draw_body(fit, cut.upper)
        draw_front(fit, cut.upper)
        draw_neck_finish(fit, cut.upper)


def draw_garment_sleeves(fit: Fitting, cut: Cut) -> None:
    """Both sleeves, over body and arms."""
    if cut.upper is not None:
        for side in (LEFT, RIGHT):
            draw_sleeve(fit, cut.upper, side)


def draw_whole_garment(fit: Fitting, cut: Cut) -> None:
    """All phases at once, as a packshot shows it."""
    draw_garment_back(fit, cut)
    draw_garment_sleeves(fit, cut)
    draw_garment_front(fit, cut)
