"""A garment on a body: what every drawing routine of a garment receives."""

from __future__ import annotations

from dataclasses import dataclass

from segmentation.drawn.canvas import Canvas
from segmentation.drawn.fabric import Fabric, detail_color
from segmentation.drawn.geometry import Points, smooth
from segmentation.drawn.patterns import Rgb
from segmentation.drawn.shading import Drape
from segmentation.drawn.skeleton import Skeleton

SOFTNESS = {
    "cotton": 0.10,
    "denim": 0.07,
    "knit": 0.08,
    "wool": 0.07,
    "leather": 0.10,
    "satin": 0.17,
    "linen": 0.12,
    "nylon": 0.09,
    "suede": 0.06,
    "straw": 0.0,
    "metal": 0.0,
}
"""Strength of folds by material."""
GLOSS = {"leather": 0.22, "satin": 0.20, "nylon": 0.08, "metal": 0.3}


@dataclass(frozen=True, slots=True)
class Fitting:
    """One product drawn on one body, on one canvas."""

    canvas: Canvas
    body: Skeleton
    fabric: Fabric
    trim: Rgb
    """Color of collars, bands, soles, hardware: what the cut contrasts with."""
    tag: int
    worn: bool
    """Whether a person is inside; a packshot shows the garment's own inside instead."""

    @property
    def seam(self) -> Rgb:
        """Color of seams and drawn details on this fabric."""
        return detail_color(self.fabric.ground)

    def drape(
        self,
        *,
        round: float = 0.20,
        fold_count: float = 2.5,
        folds: float | None = None,
        wrinkles: tuple[tuple[float, float], ...] = (),
        quilt: float = 0.0,
        pleats: int = 0,
        ribs: float = 0.0,
        shift: int = 0,
    ) -> Drape:
        """How this fabric falls on a strip; `shift` tells the strips of one garment apart."""
        soft = SOFTNESS[self.fabric.material]
        return Drape(
            round,
            soft if folds is None else folds,
            fold_count,
            wrinkles,
            pleats,
            quilt,
            ribs,
            GLOSS.get(self.fabric.material, 0.0),
            self.fabric.seed + 13 * shift,
        )

    def torso_seam(
        self,
        chart: Points,
        *,
        width: float = 0.28,
        opacity: float = 0.8,
        dash: float | None = None,
        color: Rgb | None = None,
        curved: bool = True,
    ) -> None:
        """A seam, drawn only where the garment is visible; corners in the torso chart."""
        path = smooth(chart) if curved and len(chart) > 2 else chart
        self.canvas.stroke(
            self.body.torso(path), width, self.seam if color is None else color, opacity=opacity, on=self.tag, dash=dash
        )
