"""The learning curves of a run as one picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

SEGMENTER_FIGURES = {"mask_ap": "mask AP", "mask_ap50": "mask AP50", "box_ap": "box AP"}
"""What a validation's figures are called in a picture."""


def draw_curves(history: Sequence[dict[str, Any]], name: str, file: Path, figures: Mapping[str, str]) -> None:
    """Draw losses, validation and learning rate over the epochs, stages marked; atomically.

    Args:
        history: `Progress.history`.
        name: Of the configuration.
        file: A `.png`.
        figures: Which of an epoch's figures to draw, and what they are called.
    """
    figure = Figure(figsize=(13, 4), layout="constrained")
    figure.suptitle(name)
    losses, precision, rate = figure.subplots(1, 3)
    epochs = [entry["epoch"] + 1 for entry in history]
    for each in history[-1]["losses"]:
        losses.plot(epochs, [entry["losses"][each] for entry in history], marker=".", label=each)
    losses.set_yscale("log")
    losses.set_title("losses, unweighted, mean of an epoch")
    for key, label in figures.items():
        if key not in history[-1]:
            continue
        precision.plot(epochs, [entry[key] for entry in history], marker=".", label=label)
    precision.set_ylim(bottom=0)
    precision.set_title("validation, averaged weights")
    rate.plot(epochs, [entry["learning_rate"] for entry in history], marker=".", label="at the epoch's end")
    rate.set_title("learning rate")
    for axes in (losses, precision, rate):
        _finish(axes, history)
    partial = file.with_suffix(".partial")
    figure.savefig(partial, format="png")
    partial.replace(file)


def _finish(axes: Axes, history: Sequence[dict[str, Any]]) -> None:
    axes.set_xlabel("epoch")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    for before, entry in zip([None, *history], history, strict=False):
        if before is None or before["stage"] != entry["stage"]:
            axes.axvline(entry["epoch"] + 0.5, color="0.8", linewidth=1)
            axes.text(
                entry["epoch"] + 0.55,
                0.02,
                entry["stage"],
                transform=axes.get_xaxis_transform(),
                color="0.5",
                fontsize=8,
            )
    axes.grid(alpha=0.2)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(fontsize=8)
