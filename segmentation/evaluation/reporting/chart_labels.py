"""Names beside the points of a chart, placed so that they do not lie on each other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Annotation
from matplotlib.transforms import Bbox

_ANGLES = ((1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (-1, 1), (1, -1), (-1, -1))
_DISTANCES_PT = (6, 14, 24, 36, 50, 66)
_POINT_RADIUS_PX = 7.0


def label_points(
    figure: Figure, axes: Axes, points: Sequence[tuple[float, float]], names: Sequence[str], *, size_pt: float
) -> None:
    """Write each name near its point, the nearest free place first; a thin line leads to names further off.

    Args:
        figure: Holds the axes.
        axes: Their limits and scales must be set before.
        points: In data units.
        names: One a point.
        size_pt: Height of the letters.
    """
    figure.draw_without_rendering()  # a layout gives the axes their place only now
    taken = [_around(*axes.transData.transform(point)) for point in points]
    inside = axes.get_window_extent()
    for own, (point, name) in enumerate(zip(points, names, strict=True)):
        others = taken[:own] + taken[own + 1 :]
        best: tuple[float, Annotation, Bbox] | None = None
        for label in _places(axes, point, name, size_pt):
            box = label.get_window_extent()
            covered = sum(_shared_px2(box, other) for other in others) + 4 * _outside_px2(box, inside)
            if best is None or covered < best[0]:
                if best is not None:
                    best[1].remove()
                best = covered, label, box
            else:
                label.remove()
            if covered == 0:
                break
        if best is not None:
            taken.append(best[2])
            _lead(axes, point, best[1])


def _places(axes: Axes, point: tuple[float, float], name: str, size_pt: float) -> Iterator[Annotation]:
    for distance in _DISTANCES_PT:
        for right, up in _ANGLES:
            label = axes.annotate(
                name,
                point,
                xytext=(right * distance, up * distance),
                textcoords="offset points",
                ha={1: "left", 0: "center", -1: "right"}[right],
                va={1: "bottom", 0: "center", -1: "top"}[up],
                fontsize=size_pt,
            )
            label.set_in_layout(False)
            yield label


def _lead(axes: Axes, point: tuple[float, float], label: Annotation) -> None:
    """Draw a line from a point to a name far from it."""
    right, up = label.xyann
    if max(abs(right), abs(up)) > _DISTANCES_PT[1]:
        style = {"arrowstyle": "-", "color": "0.7", "lw": 0.6, "shrinkA": 0, "shrinkB": 4}
        line = axes.annotate("", point, xytext=(right, up), textcoords="offset points", arrowprops=style, zorder=1)
        line.set_in_layout(False)


def _around(x_px: float, y_px: float) -> Bbox:
    reach = _POINT_RADIUS_PX
    return Bbox.from_extents(x_px - reach, y_px - reach, x_px + reach, y_px + reach)


def _shared_px2(one: Bbox, other: Bbox) -> float:
    shared = Bbox.intersection(one, other)
    return 0.0 if shared is None else float(shared.width * shared.height)


def _outside_px2(box: Bbox, inside: Bbox) -> float:
    return float(box.width * box.height) - _shared_px2(box, inside)
