"""Where on a strip of cloth each pixel lies."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from segmentation.drawn.geometry import Points

Floats = NDArray[np.float32]
BoxPx = tuple[int, int, int, int]
"""x_min, y_min, x_max, y_max in pixels."""


@dataclass(frozen=True, slots=True)
class Chart:
    """Coordinates of some pixels on a strip, each of shape (n,)."""

    u: Floats
    """-1 at the left edge, 1 at the right edge."""
    v: Floats
    """Units along the strip from its start."""
    x: Floats
    """Units across, 0 on the centre line."""


def chart_of(
    left: Points, right: Points, rows: NDArray[np.intp], cols: NDArray[np.intp], scale: float, box: BoxPx
) -> Chart:
    """The chart of pixels on a strip; pixels outside its ribs take the nearest quad's continuation.

    Args:
        left: Left ends of the ribs in pixels, shape (N, 2).
        right: Right ends, likewise.
        rows: Rows of the pixels, shape (n,).
        cols: Their columns.
        scale: Pixels per unit.
        box: A box around all pixels.
    """
    x0, y0, x1, y1 = box
    wide = 0.25 * (right - left)
    quads_left, quads_right = left - wide, right + wide
    labels = Image.new("L", (x1 - x0, y1 - y0))
    draw = ImageDraw.Draw(labels)
    for k in range(len(left) - 1):
        quad = np.stack([quads_left[k], quads_right[k], quads_right[k + 1], quads_left[k + 1]]) - (x0, y0)
        draw.polygon([(float(x), float(y)) for x, y in quad], fill=k + 1)
    label = np.asarray(labels.filter(ImageFilter.MaxFilter(5)))
    drawn = np.asarray(labels)
    i = np.where(drawn > 0, drawn, label)[rows - y0, cols - x0].astype(np.intp) - 1
    i = np.maximum(i, 0)
    centre = (left + right) / 2
    across = right - left
    normal = np.stack([-across[:, 1], across[:, 0]], axis=1)
    normal /= np.maximum(np.hypot(normal[:, 0], normal[:, 1]), 1e-9)[:, None]
    normal *= np.where((normal * np.gradient(centre, axis=0)).sum(axis=1) < 0, -1.0, 1.0)[:, None]
    reach = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(centre, axis=0).T))]) / scale
    half = np.hypot(across[:, 0], across[:, 1]) / (2 * scale)
    l32, r32, n32, v32, h32 = (a.astype(np.float32) for a in (left, right, normal, reach, half))
    px, py = (cols + 0.5).astype(np.float32), (rows + 0.5).astype(np.float32)
    j = i + 1
    before = (px - l32[i, 0]) * n32[i, 0] + (py - l32[i, 1]) * n32[i, 1]
    after = (l32[j, 0] - px) * n32[j, 0] + (l32[j, 1] - py) * n32[j, 1]
    f = np.clip(before / np.maximum(before + after, 1e-3), 0.0, 1.0)
    ox, oy = l32[i, 0] + f * (l32[j, 0] - l32[i, 0]), l32[i, 1] + f * (l32[j, 1] - l32[i, 1])
    dx, dy = r32[i, 0] + f * (r32[j, 0] - r32[i, 0]) - ox, r32[i, 1] + f * (r32[j, 1] - r32[i, 1]) - oy
    u = 2.0 * ((px - ox) * dx + (py - oy) * dy) / np.maximum(dx * dx + dy * dy, 1e-3) - 1.0
    return Chart(u, v32[i] + f * (v32[j] - v32[i]), u * (h32[i] + f * (h32[j] - h32[i])))
