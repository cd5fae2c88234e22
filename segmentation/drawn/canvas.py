"""The canvas: paints pieces in painter's order and keeps, beside the colors, whose pixel each pixel is.

Outlines are covered at `SUPERSAMPLE` times the resolution and reduced, so edges are anti-aliased; a pixel
belongs to the piece that covers more than half of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from segmentation.drawn.charts import BoxPx, chart_of
from segmentation.drawn.fabric import Fabric, sample_fabric
from segmentation.drawn.geometry import Points, Strip, View, resampled
from segmentation.drawn.patterns import Rgb
from segmentation.drawn.shading import Drape, drape_light

Floats = NDArray[np.float32]

SUPERSAMPLE = 3
RIM_UNITS = 1.0
"""How far from a piece's edge its rim darkens, in body units."""


@dataclass(frozen=True, slots=True)
class Cover:
    """Which pixels a piece covers, and how far inside they lie."""

    box: BoxPx
    alpha: Floats
    """Shape (h, w) of the box, 0..1."""
    soft: Floats
    """The same, blurred: below 1 near the rim, above 0 just outside."""


class Canvas:
    """A transparent sheet that knows the instance of every pixel.

    Attributes:
        rgb: float32, shape (H, W, 3), 0..255, premultiplied by alpha.
        alpha: float32, shape (H, W), 0..1.
        ids: uint8, shape (H, W): the tag of the topmost piece, 0 where none counts as a garment.
    """

    def __init__(self, width_px: int, height_px: int, view: View) -> None:
        self.view = view
        self.size = (width_px, height_px)
        self.rgb: Floats = np.zeros((height_px, width_px, 3), np.float32)
        self.alpha: Floats = np.zeros((height_px, width_px), np.float32)
        self.ids: NDArray[np.uint8] = np.zeros((height_px, width_px), np.uint8)

    def strip(
        self,
        strip: Strip,
        cloth: Fabric | Rgb,
        tag: int,
        *,
        outline: Points | None = None,
        drape: Drape | None = None,
        lift: float = 0.3,
        tone: float = 1.0,
        rim: float = 0.30,
    ) -> None:
        """Paint a strip of cloth whose pattern and folds follow it.

        Args:
            strip: The chart; without `outline` also the silhouette.
            cloth: What it is made of.
            tag: Instance the pixels belong to; 0 for body and backdrop.
            outline: A silhouette that replaces the strip's own (necklines, armholes, hems).
            drape: How it falls.
            lift: Strength of the shadow it throws on what lies below, 0..1.
            tone: Brightness factor (below 1: the inside of a garment).
            rim: How much its edges darken.
        """
        left_px, right_px = self.view.to_px(strip.left), self.view.to_px(strip.right)
        if outline is None:
            quads = [
                np.stack([left_px[i], right_px[i], right_px[i + 1], left_px[i + 1]]) for i in range(len(left_px) - 1)
            ]
            cover = self._cover(quads)
        else:
            cover = self._cover([self.view.to_px(outline)])
        if cover is None:
            return
        rows, cols = np.nonzero(cover.alpha > 0.004)
        chart = chart_of(left_px, right_px, rows + cover.box[1], cols + cover.box[0], self.view.scale, cover.box)
        light = tone * drape_light(drape if drape is not None else Drape(), chart.u, chart.v, chart.x)
        light *= 1.0 - rim * (1.0 - cover.soft[rows, cols]) * 2.0
        base = sample_fabric(cloth, chart.x, chart.v, self.view.scale)
        self._lay(cover, rows, cols, _lit(base, light), tag, lift)

    def shape(
        self,
        outline: Points | Sequence[Points],
        cloth: Fabric | Rgb,
        tag: int | None,
        *,
        lift: float = 0.25,
        tone: float = 1.0,
        rim: float = 0.30,
        opacity: float = 1.0,
        on: int | None = None,
        shine: float = 0.12,
    ) -> None:
        """Paint a flat piece (collar, pocket, shoe part); several outlines are one piece with their union.

        Args:
            outline: Closed outlines in body units.
            cloth: What it is made of.
            tag: Instance, or None to leave ownership as it is (shine, prints).
            lift: Strength of its shadow on what lies below.
            tone: Brightness factor.
            rim: How much its edges darken.
            opacity: 0..1.
            on: Paint only where this instance is on top.
            shine: Brightness difference between its lit and its far side.
        """
        outlines = [outline] if isinstance(outline, np.ndarray) else list(outline)
        cover = self._cover([self.view.to_px(one) for one in outlines])
        if cover is None:
            return
        x0, y0, x1, y1 = cover.box
        rows, cols = np.nonzero(cover.alpha > 0.004)
        if on is not None:
            keep = self.ids[rows + y0, cols + x0] == on
            rows, cols = rows[keep], cols[keep]
        down = rows / max(y1 - y0, 1) + 0.6 * cols / max(x1 - x0, 1)
        light = (tone * (1.0 + shine * (0.8 - down) / 1.6)).astype(np.float32)
        light *= 1.0 - rim * (1.0 - cover.soft[rows, cols]) * 2.0
        scale = self.view.scale
        base = sample_fabric(
            cloth, (cols + (x0 - self.view.shift_px[0])) / scale, (rows + (y0 - self.view.shift_px[1])) / scale, scale
        )
        self._lay(cover, rows, cols, _lit(base, light), tag, lift, opacity)

    def stroke(
        self,
        path: Points,
        width: float,
        color: Rgb,
        tag: int | None = None,
        *,
        opacity: float = 1.0,
        on: int | None = None,
        dash: float | None = None,
    ) -> None:
        """Draw a line `width` units thick; `dash` is the length of stitches and gaps in units."""
        half = max(width / 2, 0.35 / self.view.scale)
        runs = [path] if dash is None else _dashes(path, dash)
        outlines = [Strip.along(run, np.full(len(run), half)).outline for run in runs if len(run) > 1]
        if outlines:
            self.shape(outlines, color, tag, lift=0.0, rim=0.0, opacity=opacity, on=on, shine=0.0)

    def _cover(self, outlines_px: Sequence[Points]) -> Cover | None:
        """Coverage of the union of outlines given in pixels; None when nothing falls on the sheet."""
        blur_px = float(max(RIM_UNITS * self.view.scale, 0.8))
        pad = int(np.ceil(2.5 * blur_px)) + 1
        everything = np.vstack(outlines_px)
        low, high = np.floor(everything.min(axis=0)) - pad, np.ceil(everything.max(axis=0)) + pad
        x0, y0 = max(int(low[0]), 0), max(int(low[1]), 0)
        x1, y1 = min(int(high[0]), self.size[0]), min(int(high[1]), self.size[1])
        if x1 <= x0 or y1 <= y0:
            return None
        sheet = Image.new("L", ((x1 - x0) * SUPERSAMPLE, (y1 - y0) * SUPERSAMPLE))
        draw = ImageDraw.Draw(sheet)
        for outline in outlines_px:
            corners = (outline - (x0, y0)) * SUPERSAMPLE - 0.5
            draw.polygon([(float(x), float(y)) for x, y in corners], fill=255)
        covered = sheet.reduce(SUPERSAMPLE)
        soft = covered.filter(ImageFilter.BoxBlur(blur_px))
        return Cover((x0, y0, x1, y1), _unit(covered), _unit(soft))

    def _lay(
        self,
        cover: Cover,
        rows: NDArray[np.intp],
        cols: NDArray[np.intp],
        rgb: Floats,
        tag: int | None,
        lift: float,
        opacity: float = 1.0,
    ) -> None:
        x0, y0, x1, y1 = cover.box
        if lift > 0.0:
            drop = max(1, round(0.5 * self.view.scale))
            fallen = np.zeros_like(cover.soft)
            fallen[drop:, :] = cover.soft[:-drop, :]
            self.rgb[y0:y1, x0:x1] *= (1.0 - lift * fallen * (1.0 - cover.alpha))[:, :, None]
        at = (rows + y0, cols + x0)
        a = cover.alpha[rows, cols] * np.float32(opacity)
        self.rgb[at] = self.rgb[at] * (1.0 - a[:, None]) + rgb * a[:, None]
        self.alpha[at] = self.alpha[at] * (1.0 - a) + a
        if tag is not None:
            mine = a > 0.5
            self.ids[at[0][mine], at[1][mine]] = tag


class Ruler(Canvas):
    """A canvas that paints nothing and only measures how far the pieces reach, in its view's pixels."""

    def __init__(self) -> None:
        super().__init__(1, 1, View(1.0, (0.0, 0.0)))
        self.low = np.array([np.inf, np.inf])
        self.high = np.array([-np.inf, -np.inf])

    def _cover(self, outlines_px: Sequence[Points]) -> Cover | None:
        for outline in outlines_px:
            self.low = np.minimum(self.low, outline.min(axis=0))
            self.high = np.maximum(self.high, outline.max(axis=0))
        return None


def _lit(rgb: Floats, light: Floats) -> Floats:
    """Colors under light: shadows multiply, highlights lift towards white."""
    dark = np.minimum(light, 1.0)[:, None]
    bright = np.clip(light - 1.0, 0.0, 1.0)[:, None]
    out: Floats = rgb * dark + (255.0 - rgb * dark) * bright * 0.7 + rgb * bright * 0.3
    return np.minimum(out, 255.0)


def _unit(sheet: Image.Image) -> Floats:
    return np.asarray(sheet, dtype=np.float32) * np.float32(1 / 255)


def _dashes(path: Points, dash: float) -> list[Points]:
    length = float(np.hypot(*np.diff(path, axis=0).T).sum())
    count = max(2, int(length / dash))
    even = resampled(path, count * 2 + 1)
    return [even[k : k + 2] for k in range(0, count * 2, 2)]
