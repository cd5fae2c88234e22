"""The report of a threshold search: what changed, what it is worth, and how each knob moves the measure."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from segmentation.evaluation.reporting.charts import BLUE, ORANGE, new_figure, save, short_name
from segmentation.evaluation.thresholding.objectives import OBJECTIVES
from segmentation.evaluation.thresholding.thresholds import GRID, MIN_INSTANCES, ThresholdSearch
from segmentation.taxonomy import CATEGORIES

TITLES = {
    "predictor_score_threshold": "score threshold",
    "mask_threshold": "mask threshold",
    "predictor_nms_iou": "NMS IoU, one category",
    "min_area_share": "smallest mask, share of the photo",
    "lookalike_nms_iou": "NMS IoU, look-alike categories",
    "nested_share": "nested share, one category",
}


def write_threshold_report(search: ThresholdSearch, folder: Path) -> list[Path]:
    """Write thresholds.json, thresholds.md and thresholds.png; returns the files."""
    folder.mkdir(parents=True, exist_ok=True)
    files = [folder / f"thresholds.{suffix}" for suffix in ("json", "md", "png")]
    content = {**dataclasses.asdict(search), "config": search.changes(), "start": None}
    content["start"] = {knob: getattr(search.start, knob) for knob in search.changes()}
    files[0].write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    lines = ["# Operating point", "", "```", *summary(search), "```", "", "![each knob](thresholds.png)", ""]
    files[1].write_text("\n".join(lines), encoding="utf-8")
    save(knob_charts(search), files[2])
    return files


def summary(search: ThresholdSearch) -> list[str]:
    """The result as lines of text."""
    gain = search.cross_validated - search.before
    lines = [
        f"{search.n_photos} photos, {sum(search.category_counts)} garments, searched by: "
        f"{OBJECTIVES[search.objective].title}",
        "",
        f"before            {search.before:.4f}",
        f"fitted            {search.fitted:.4f}   on the photos it was fitted to",
        f"cross-validated   {search.cross_validated:.4f}   on {search.n_folds} parts, each unseen by its search: "
        f"{gain:+.4f} ± {search.gain_standard_error:.4f}",
        f"                  {search.cross_validated_common:.4f} with one score threshold for all, "
        f"{search.cross_validated_by_category:.4f} with one a category",
    ]
    lines += [
        f"{OBJECTIVES[name].title}: {before:.4f} before, {after:.4f} fitted"
        for name, (before, after) in search.measures.items()
        if name != search.objective
    ]
    lines += ["", f"{'':<34}{'before':>8}{'now':>8}"]
    lines += [
        f"{title:<34}{getattr(search.start, knob):>8g}{getattr(search.config, knob):>8g}"
        for knob, title in TITLES.items()
    ]
    if search.config.category_score_thresholds:
        lines += [
            "",
            f"score thresholds of categories with {MIN_INSTANCES} garments or more, others have the common one:",
        ]
        lines += [
            f"{CATEGORIES[category_id].name:<34}{search.config.category_score_thresholds[category_id]:>8.3f}"
            f"{count:>6} garments"
            for category_id, count in enumerate(search.category_counts)
            if count >= MIN_INSTANCES
        ]
    return lines


def knob_charts(search: ThresholdSearch) -> Figure:
    """The measure against each knob on one scale, the others as chosen; and the categories' own score thresholds."""
    own = search.config.category_score_thresholds
    figure = new_figure(12, 10 if own else 7)
    grid = figure.add_gridspec(3 if own else 2, 3)
    first: Axes | None = None
    for place, knob in enumerate(GRID):
        axes = figure.add_subplot(grid[place // 3, place % 3], sharey=first)
        first = axes if first is None else first
        values, scores = zip(*search.curves[knob], strict=True)
        axes.plot(values, scores, color=BLUE, marker=".")
        axes.axvline(getattr(search.start, knob), color="0.6", linestyle="--", label="before")
        axes.axvline(getattr(search.config, knob), color=ORANGE, label="now")
        axes.set_xlabel(TITLES[knob])
        axes.grid(alpha=0.3)
        if place == 0:
            axes.set_ylabel(OBJECTIVES[search.objective].title)
            axes.legend()
    if own:
        counted = [category_id for category_id, n in enumerate(search.category_counts) if n >= MIN_INSTANCES]
        axes = figure.add_subplot(grid[2, :])
        names = [f"{short_name(CATEGORIES[each].name)}\n{search.category_counts[each]}" for each in counted]
        axes.bar(names, [own[each] for each in counted], color=BLUE)
        axes.axhline(search.config.predictor_score_threshold, color=ORANGE)
        axes.set_ylabel("score threshold")
        axes.tick_params(axis="x", labelsize=8)
    return figure
