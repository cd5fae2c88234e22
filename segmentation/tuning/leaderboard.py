"""What a search found: a table, a picture, and the winner's configuration."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from segmentation.config_files import to_toml
from segmentation.evaluation.reporting.charts import BLUE, GREY, ORANGE, new_figure, save
from segmentation.tuning.ranges import with_values
from segmentation.tuning.results import TrialResult
from segmentation.tuning.search import Search

WINNER, TABLE, CHART = "winner.toml", "leaderboard.txt", "search.png"
_RANKS = ("finished", "pruned", "failed")


def write_findings(search: Search) -> None:
    """Write leaderboard.txt, search.png and, once a trial finished, winner.toml into the search's folder."""
    results, winner = search.results(), search.winner()
    _write(search.out / TABLE, "\n".join(leaderboard(results)) + "\n")
    save(chart(results, search.importances()), search.out / CHART)
    if winner is not None:
        config = with_values(search.base, winner.settings)
        _write(search.out / WINNER, to_toml(dataclasses.replace(config, name=f"{search.base.name}_tuned")))


def leaderboard(results: Sequence[TrialResult]) -> list[str]:
    """Trials from the best to the worst, as lines of text; pruned ones after finished, failed ones last."""
    counted = [result for result in results if result.counts]
    ranked = sorted(counted, key=lambda one: (_RANKS.index(one.outcome), -(-1.0 if one.value is None else one.value)))
    paths = list(dict.fromkeys(path for result in ranked for path in result.settings))
    rows = [["trial", "mask AP", "outcome", "epochs", "minutes", *paths]]
    rows += [
        [
            f"{result.number}{' (base)' if result.is_base else ''}",
            "-" if result.value is None else f"{result.value:.4f}",
            result.outcome,
            str(result.n_epochs),
            f"{result.seconds / 60:.1f}",
            *(_short(result.settings.get(path)) for path in paths),
        ]
        for result in ranked
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
    return lines + [f"trial {result.number}: {result.reason}" for result in ranked if result.reason]


def chart(results: Sequence[TrialResult], importances: dict[str, float]) -> Figure:
    """Figures in the order of trials; beside them what mattered, where there are trials enough to tell."""
    figure = new_figure(12 if importances else 7, 4.5)
    grid = figure.add_gridspec(1, 2 if importances else 1)
    axes = figure.add_subplot(grid[0, 0])
    for outcome, color, marker in (("finished", BLUE, "o"), ("pruned", GREY, "x")):
        points = [(one.number, one.value) for one in results if one.outcome == outcome and one.value is not None]
        axes.scatter([number for number, _ in points], [value for _, value in points], c=color, marker=marker)
        axes.scatter([], [], c=color, marker=marker, label=outcome)
    finished = [(one.number, one.value) for one in results if one.outcome == "finished" and one.value is not None]
    if finished:
        numbers, values = zip(*finished, strict=True)
        axes.step(numbers, np.maximum.accumulate(values), where="post", color=ORANGE, label="best so far")
    base = [one.value for one in results if one.is_base and one.value is not None]
    if base:
        axes.axhline(base[-1], color=GREY, linestyle="--", label="base configuration")
    axes.set_xlabel("trial")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_ylabel("mask AP")
    axes.legend()
    if importances:
        axes = figure.add_subplot(grid[0, 1])
        names = list(importances)[::-1]
        axes.barh(names, [importances[name] for name in names], color=BLUE)
        axes.set_xlabel("share of the differences explained")
    return figure


def _short(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _write(file: Path, text: str) -> None:
    partial = file.with_suffix(".partial")
    partial.write_text(text, encoding="utf-8")
    partial.replace(file)
