"""Charts of a search report. Each function returns a figure; `save` of the segmenter's charts writes it."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from search.evaluation.evaluation import MeasureReport
from search.evaluation.figures import RANKS
from segmentation.evaluation.reporting.charts import BLUE, GREY, ORANGE, new_figure, short_name
from segmentation.reliability import N_BINS, Reliability

_COLORS = (BLUE, ORANGE, "#2b8a3e")


def recall_chart(measure: MeasureReport) -> Figure:
    """Recall at 1, 5 and 10 with 95 % intervals, by kind of query and by category."""
    groups = {"all": measure.all, **measure.by_kind, **measure.by_category}
    figure = new_figure(max(6.0, 1.5 + 1.1 * len(groups)), 4.5)
    axes = figure.add_subplot()
    places = np.arange(len(groups))
    for offset, (k, color) in enumerate(zip(RANKS, _COLORS, strict=True)):
        values = np.array([each.recall_at[k] for each in groups.values()])
        low, high = np.array([each.recall_interval[k] for each in groups.values()]).T
        bars = places + 0.27 * (offset - 1)
        axes.bar(bars, values, width=0.25, color=color, label=f"recall@{k}")
        axes.errorbar(bars, values, yerr=(values - low, high - values), fmt="none", ecolor="0.25", lw=1, capsize=2)
    axes.set_xticks(places, [f"{short_name(name)}\n({each.n_queries})" for name, each in groups.items()])
    axes.set(ylim=(0, 1.03), ylabel="share of queries")
    axes.grid(visible=True, axis="y", color="0.9")
    axes.set_axisbelow(True)
    figure.legend(loc="outside upper center", ncols=len(RANKS), frameon=False)
    return figure


def reliability_chart(measured: dict[str, Reliability]) -> Figure:
    """Share of right answers by score, and how many answers each bin holds; up to three sets of answers."""
    figure = new_figure(6, 5.5)
    upper, lower = figure.subplots(2, 1, height_ratios=(3, 1), sharex=True)
    upper.plot([0, 1], [0, 1], color=GREY, ls="--", label="scores that mean what they say")
    width = 0.9 / N_BINS / max(1, len(measured))
    for number, ((name, found), color) in enumerate(zip(measured.items(), _COLORS, strict=False)):
        pairs = zip(found.mean_score, found.share_same, strict=True)
        known = [(score, share) for score, share in pairs if score is not None and share is not None]
        label = f"{name} (ECE {found.ece:.3f}, Brier {found.brier:.3f})"
        upper.plot([score for score, _ in known], [share for _, share in known], "o-", color=color, label=label)
        lefts = np.arange(N_BINS) / N_BINS + 0.05 / N_BINS + number * width
        lower.bar(lefts, found.n, width=width, color=color, align="edge")
    upper.set(ylim=(0, 1.03), ylabel="share that is the same product")
    upper.legend(loc="upper left", fontsize=9)
    lower.set(xlim=(0, 1), xlabel="score", ylabel="answers", yscale="symlog")
    _grid(upper)
    _grid(lower)
    return figure


def _grid(axes: Axes) -> None:
    axes.grid(visible=True, color="0.9")
    axes.set_axisbelow(True)
