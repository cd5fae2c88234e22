"""report.md: a report in words, tables and pictures, readable on its own."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from segmentation.evaluation.categories import FEW_GARMENTS
from segmentation.evaluation.coco_figures import CocoFigures
from segmentation.evaluation.confusion import ErrorKind
from segmentation.evaluation.reporting.markdown import figure, percent, table
from segmentation.evaluation.reporting.report import Report
from segmentation.evaluation.reporting.report_summary import common_confusions, summary

ERROR_MEANINGS = {
    ErrorKind.CLASSIFICATION: "the outline fits a garment, the name is another one's",
    ErrorKind.LOCALIZATION: "the name is right, the outline covers too little of the garment or too much beside it",
    ErrorKind.BOTH: "it touches a garment of another name",
    ErrorKind.DUPLICATE: "a stronger detection has the garment already",
    ErrorKind.BACKGROUND: "no garment is annotated there",
    ErrorKind.MISSED: "a garment that no detection has, and none of the above explains",
}


def report_text(report: Report, pictures: Mapping[str, str], *, comparison: str = "", command: str = "") -> str:
    """Write a report down as Markdown.

    Args:
        report: The figures.
        pictures: Files of charts and pictures relative to the report, by the names `report_folder` gives them;
            sections without theirs say so.
        comparison: The section about an earlier report, where there is one.
        command: What makes this report again, where it is known.
    """
    sections = [
        f"# {report.checkpoint} on {report.n_photos} photos",
        summary(report),
        comparison,
        _figures(report),
        _categories(report),
        _sensitivity(pictures),
        _confusion(report, pictures),
        _curves(pictures),
        _calibration(report, pictures),
        _errors(report),
        _examples(pictures),
        _speed(report),
        _about(report, command),
    ]
    return "\n\n".join(section for section in sections if section) + "\n"


def _picture(pictures: Mapping[str, str], name: str, title: str, missing: str) -> str:
    return f"![{title}]({pictures[name]})" if name in pictures else f"*{missing}*"


def _figures(report: Report) -> str:
    def row(name: str, one: CocoFigures) -> tuple[str, ...]:
        values = (one.ap, one.ap50, one.ap75, one.ap_small, one.ap_medium, one.ap_large, one.ar)
        return (name, *(figure(value) for value in values))

    header = ("COCO", "AP", "AP50", "AP75", "small", "medium", "large", "AR")
    rows = (
        row("masks", report.mask),
        row("boxes", report.box),
        row("masks by super-category", report.supercategory_mask),
    )
    groups = sorted(report.supercategory_mask.per_class.items(), key=lambda item: -item[1])
    low, high = report.kaggle_interval
    return f"""## Overall

AP is the mean over IoU thresholds 0.50 to 0.95 and over the annotated categories; weak detections count too.
Sizes are those of masks: small below 32 x 32 pixels, large from 96 x 96. If super-categories score much higher than
categories, names are mixed up; if AP50 is good and AP75 poor, outlines are coarse.

{table(header, rows)}

Mask AP over the categories with at least {FEW_GARMENTS} validation garments: **{figure(report.mask_ap_common)}**.

The Kaggle metric of 2019 looks at the operating point alone, with overlaps resolved: TP / (TP + FP + FN), mean over
IoU thresholds 0.50 to 0.95. By photo (the competition's score): **{figure(report.kaggle)}**, 95 % interval
{figure(low)} to {figure(high)} over photos. By class: **{figure(report.kaggle_by_class)}**.

{table(("super-category", "mask AP"), [(name, figure(value)) for name, value in groups])}"""


def _categories(report: Report) -> str:
    header = ("category", "train", "val", "mask AP", "AP50", "box AP", "sensitivity", "precision", "Kaggle")
    ranked = sorted(report.categories, key=lambda row: (row.has_few, 1.0 if row.mask_ap is None else -row.mask_ap))
    rows = [
        (
            row.name + (" (few)" if row.has_few else ""),
            "–" if row.n_train is None else str(row.n_train),
            str(row.n_val),
            *(figure(value) for value in (row.mask_ap, row.mask_ap50, row.box_ap)),
            *(percent(value) for value in (row.sensitivity, row.precision)),
            figure(row.kaggle),
        )
        for row in ranked
    ]
    return f"""## Categories

"few" marks categories with fewer than {FEW_GARMENTS} garments in validation: one garment more or less changes their AP
altogether. Sensitivity (share of garments found) and precision (share of findings that are right) are at the
operating point, IoU 0.5.

{table(header, rows)}"""


def _sensitivity(pictures: Mapping[str, str]) -> str:
    missing = "No chart: the training annotations are unknown (--train-annotations), or nothing is annotated."
    return f"""## Does more training data help?

Points low on the right have data enough and are hard, or named inconsistently. Points low on the left lack data:
oversample them, or collect more.

{_picture(pictures, "sensitivity", "Sensitivity against training garments", missing)}"""


def _confusion(report: Report, pictures: Mapping[str, str]) -> str:
    pairs = [f"- {true} taken for {found}: {n} of {of}" for true, found, n, of in common_confusions(report)]
    listed = "\n".join(pairs) if pairs else "No two categories are confused."
    return f"""## What is taken for what

Detections at the operating point that overlap a garment by IoU 0.5 or more, whatever their names. Rows are annotated,
columns predicted; colors are shares of a row. Look at dark cells off the diagonal, and at the last column (missed).

{listed}

{_picture(pictures, "confusion", "Confusion between categories", "No chart: no garment is annotated or found.")}"""


def _curves(pictures: Mapping[str, str]) -> str:
    return f"""## Precision and recall

A curve that ends early says that recall is limited by what the model sees at all, not by the score threshold. The
black dot is the operating point; it may lie off the curve, as look-alike doubles are dropped there. A category whose
curve starts low has confident mistakes.

{_picture(pictures, "precision_recall", "Precision-recall curves", "No chart: no garment is annotated.")}"""


def _calibration(report: Report, pictures: Mapping[str, str]) -> str:
    error = report.calibration.expected_error
    return f"""## Do scores mean what they say?

Below the dashed line the model is surer than it should be. Mean distance from it (expected calibration error):
{figure(error)}.

{_picture(pictures, "calibration", "Reliability of scores", "No chart: nothing was found.")}"""


def _errors(report: Report) -> str:
    rows = [(kind.value, meaning, str(report.errors[kind])) for kind, meaning in ERROR_MEANINGS.items()]
    return f"""## What goes wrong

Every wrong detection and every lost garment at the operating point, IoU 0.5, by what would mend it.

{table(("error", "meaning", "count"), rows, n_words=2)}"""


def _examples(pictures: Mapping[str, str]) -> str:
    misses = _picture(pictures, "misses", "Worst misses", "No garment was missed.")
    alarms = _picture(pictures, "false_alarms", "False alarms", "There is no false alarm.")
    hits = _picture(pictures, "hits", "Best hits", "No garment was found.")
    return f"""## Worst misses

The largest garments, as shares of their photos, that no detection of their category covers at IoU 0.5.

{misses}

## Most confident false alarms

Wrong detections with the highest scores. Where the outline is right and the name debatable, look at the annotation.

{alarms}

## Best hits

The most exact masks, at most three of a category.

{hits}"""


def _speed(report: Report) -> str:
    speed = report.speed
    rows = [(stage, f"{ms:.1f}") for stage, ms in speed.stage_median_ms.items()]
    return f"""## Speed

One photo at a time on {speed.device} ({speed.machine}): median {speed.median_ms:.0f} ms, 90 % of photos within
{speed.p90_ms:.0f} ms.

{table(("stage", "median ms"), rows)}"""


def _about(report: Report, command: str) -> str:
    again = f"\n\nMade by:\n\n```\n{command}\n```" if command else ""
    said = [
        f"### {title.capitalize()}\n\n```\n" + "\n".join(_settings(values)) + "\n```"
        for title, values in report.about.items()
        if values
    ]
    return "\n\n".join([f"## The checkpoint{again}", *said])


def _settings(values: Mapping[str, Any]) -> list[str]:
    return [f"{name} = {json.dumps(value, ensure_ascii=False)}" for name, value in values.items()]
