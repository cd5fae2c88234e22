"""Draws the packshot of anything that is not a garment of shoulders or hips."""

from __future__ import annotations

from collections.abc import Callable

from segmentation.drawn.bags import draw_bag_packshot
from segmentation.drawn.cuts import Accessory
from segmentation.drawn.feet import draw_pair_packshot
from segmentation.drawn.fitting import Fitting
from segmentation.drawn.headwear import draw_glasses, draw_hat
from segmentation.drawn.shoes import draw_shoe
from segmentation.drawn.smallwear import draw_belt, draw_scarf, draw_scarf_behind, draw_tie, draw_watch
from segmentation.drawn.socks import draw_sock

PAIRED = frozenset({22, 23})
"""Categories whose packshot shows two instances, left and right."""


def _shoes(fit: Fitting, cut: Accessory) -> None:
    draw_pair_packshot(fit, cut, draw_shoe)


def _socks(fit: Fitting, cut: Accessory) -> None:
    draw_pair_packshot(fit, cut, draw_sock)


def _scarf(fit: Fitting, cut: Accessory) -> None:
    draw_scarf_behind(fit)
    draw_scarf(fit, cut)


PACKSHOT_PAINTERS: dict[int, Callable[[Fitting, Accessory], None]] = {
    13: draw_glasses,
    14: draw_hat,
    16: draw_tie,
    18: draw_watch,
    19: draw_belt,
    22: _socks,
    23: _shoes,
    24: draw_bag_packshot,
    25: _scarf,
}
"""By iMaterialist category."""
