"""Charts of a report. Each function returns a figure; `save` writes it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from segmentation.evaluation.categories import FEW_GARMENTS, CategoryRow
from segmentation.evaluation.confusion import NOTHING
from segmentation.evaluation.curves import RECALLS, Calibration, PrecisionRecall
from segmentation.evaluation.reporting.chart_labels import label_points
from segmentation.taxonomy import CATEGORIES

DPI = 110
BLUE, ORANGE, GREY = "#1f6fb2", "#d9730d", "0.6"


def new_figure(width_in: float, height_in: float) -> Figure:
    """A figure of its own, free of pyplot's global state."""
    figure = Figure(figsize=(width_in, height_in), dpi=DPI, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def save(figure: Figure, file: Path) -> None:
    """Write a figure as PNG; without a date, so that the same figure gives the same file."""
    figure.savefig(file, dpi=DPI, facecolor="white", metadata={"Software": None})


def short_name(name: str) -> str:
    """The first word of a category's name.

    >>> short_name("top, t-shirt, sweatshirt")
    'top'
    """
    return name.partition(",")[0]


def sensitivity_chart(rows: Sequence[CategoryRow]) -> Figure | None:
    """Sensitivity against the number of training garments; None where either is unknown for every category."""
    known = [(row, row.n_train, row.sensitivity) for row in rows if row.n_train and row.sensitivity is not None]
    if not known:
        return None
    figure = new_figure(10, 6)
    axes = figure.add_subplot()
    for few, color in ((False, BLUE), (True, GREY)):
        chosen = [(n, value) for row, n, value in known if row.has_few == few]
        label = f"fewer than {FEW_GARMENTS} in validation: noise" if few else f"{FEW_GARMENTS} or more in validation"
        axes.scatter([n for n, _ in chosen], [value for _, value in chosen], s=36, c=color, label=label, zorder=3)
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter("{x:,.0f}")
    counts = [n for _, n, _ in known]
    axes.set_xlim(min(counts) / 1.5, max(counts) * 1.9)
    axes.set_ylim(-0.06, 1.06)
    axes.set_xlabel("garments in training (logarithmic)")
    axes.set_ylabel("sensitivity: share found, IoU 0.5, operating point")
    axes.grid(visible=True, color="0.9")
    axes.legend(loc="upper left", frameon=True)
    names = [short_name(row.name) for row, _, _ in known]
    label_points(figure, axes, [(float(n), value) for _, n, value in known], names, size_pt=9)
    return figure


def confusion_chart(counts: Sequence[Sequence[int]]) -> Figure | None:
    """A heat map of the categories that occur; None where nothing does."""
    matrix = np.asarray(counts)
    shown = [index for index in range(NOTHING) if matrix[index].any() or matrix[:, index].any()]
    if not shown:
        return None
    part = matrix[np.ix_([*shown, NOTHING], [*shown, NOTHING])]
    shares = part / np.maximum(part.sum(axis=1, keepdims=True), 1)
    names = [short_name(CATEGORIES[index].name) for index in shown]
    side = max(5.0, 2.0 + 0.36 * len(part))
    figure = new_figure(side, side)
    axes = figure.add_subplot()
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for row, column in zip(*np.nonzero(part), strict=True):
        color = "white" if shares[row, column] > 0.55 else "black"
        axes.text(column, row, str(part[row, column]), ha="center", va="center", fontsize=8, color=color)
    axes.set_xticks(range(len(part)), [*names, "missed"], rotation=60, ha="left", rotation_mode="anchor")
    axes.set_yticks(range(len(part)), [*names, "nothing there"])
    axes.xaxis.tick_top()
    axes.xaxis.set_label_position("top")
    axes.set_xlabel("predicted")
    axes.set_ylabel("annotated")
    axes.axhline(len(shown) - 0.5, color="black", lw=1)
    axes.axvline(len(shown) - 0.5, color="black", lw=1)
    return figure


def precision_recall_chart(
    pooled: Sequence[tuple[str, PrecisionRecall]],
    operating: tuple[float, float] | None,
    largest: Sequence[tuple[str, PrecisionRecall]],
) -> Figure:
    """Curves of all garments in one pool, and of the largest categories.

    Args:
        pooled: Curves with their names.
        operating: Recall and precision of the operating point at IoU 0.5, where there is one.
        largest: Curves of categories at IoU 0.5.
    """
    figure = new_figure(12, 5)
    left, right = figure.subplots(1, 2, sharey=True)
    for (name, curve), color in zip(pooled, (BLUE, ORANGE), strict=False):
        left.plot(RECALLS, curve.precision, color=color, label=f"{name} (area {curve.average_precision:.2f})")
    if operating is not None:
        left.plot(*operating, "o", color="black", label="operating point, IoU 0.5", zorder=3)
    left.set_title("all garments in one pool")
    for name, curve in largest:
        right.plot(RECALLS, curve.precision, label=f"{short_name(name)} (AP50 {curve.average_precision:.2f})")
    right.set_title("the categories with most garments, IoU 0.5")
    for axes in (left, right):
        axes.set(xlim=(0, 1.01), ylim=(0, 1.03), xlabel="recall")
        axes.grid(visible=True, color="0.9")
        if axes.lines:
            axes.legend(loc="lower left", fontsize=9)
    left.set_ylabel("precision")
    return figure


def calibration_chart(found: Calibration) -> Figure:
    """Share of right detections by score, and how many detections each bin holds."""
    figure = new_figure(6, 5.5)
    upper, lower = figure.subplots(2, 1, height_ratios=(3, 1), sharex=True)
    pairs = zip(found.mean_score, found.share_right, strict=True)
    known = [(score, right) for score, right in pairs if score is not None and right is not None]
    upper.plot([0, 1], [0, 1], color=GREY, ls="--", label="scores that mean what they say")
    upper.plot([score for score, _ in known], [right for _, right in known], "o-", color=BLUE, label="measured")
    upper.set(ylim=(0, 1.03), ylabel="share right at IoU 0.5")
    upper.legend(loc="upper left")
    lower.bar((np.arange(len(found.n)) + 0.5) / len(found.n), found.n, width=0.9 / len(found.n), color=BLUE)
    lower.set(xlim=(0, 1), xlabel="score", ylabel="detections")
    for axes in (upper, lower):
        axes.grid(visible=True, color="0.9")
        axes.set_axisbelow(True)
    return figure


def before_after_chart(before: Sequence[CategoryRow], after: Sequence[CategoryRow], names: tuple[str, str]) -> Figure:
    """Sensitivity per category in two reports, the categories with most training garments on top."""
    earlier = {row.name: row.sensitivity for row in before}
    pairs = [(row, earlier.get(row.name), row.sensitivity) for row in after]
    rows = [(row, first, second) for row, first, second in pairs if first is not None and second is not None]
    rows.sort(key=lambda one: (one[0].n_train if one[0].n_train is not None else one[0].n_val, one[0].n_val))
    figure = new_figure(9, 1.6 + 0.32 * len(rows))
    axes = figure.add_subplot()
    places = range(len(rows))
    first_values, second_values = [first for _, first, _ in rows], [second for _, _, second in rows]
    axes.hlines(places, first_values, second_values, color=GREY, lw=2, zorder=2)
    axes.plot(first_values, places, "o", mfc="white", mec=ORANGE, mew=1.6, ms=8, label=f"before: {names[0]}", zorder=3)
    axes.plot(second_values, places, "o", color=BLUE, ms=6, label=f"after: {names[1]}", zorder=4)
    axes.set_yticks(places, [f"{short_name(row.name)} ({_counts(row)})" for row, _, _ in rows])
    axes.set(xlim=(-0.03, 1.03), ylim=(-0.7, len(rows) - 0.3), xlabel="sensitivity: share found, IoU 0.5")
    axes.set_ylabel("category (garments in training / validation)")
    axes.grid(visible=True, axis="x", color="0.9")
    figure.legend(loc="outside upper center", ncols=2, frameon=False)
    return figure


def _counts(row: CategoryRow) -> str:
    return f"? / {row.n_val}" if row.n_train is None else f"{row.n_train} / {row.n_val}"
