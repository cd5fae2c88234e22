"""A report's folder: report.json, report.md, and the charts and pictures it shows."""

from __future__ import annotations

from pathlib import Path

from matplotlib.figure import Figure

from segmentation.errors import ReportError
from segmentation.evaluation.curves import precision_recall
from segmentation.evaluation.examples import best_hits, confident_false_alarms, worst_misses
from segmentation.evaluation.matching import MATCH_IOU
from segmentation.evaluation.reporting.charts import (
    before_after_chart,
    calibration_chart,
    confusion_chart,
    precision_recall_chart,
    save,
    sensitivity_chart,
)
from segmentation.evaluation.reporting.comparison import Comparison
from segmentation.evaluation.reporting.comparison_text import comparison_section
from segmentation.evaluation.reporting.report import Evaluation
from segmentation.evaluation.reporting.report_file import write_report
from segmentation.evaluation.reporting.report_pictures import contact_sheet
from segmentation.evaluation.reporting.report_text import report_text

REPORT_JSON, REPORT_MD = "report.json", "report.md"
_CHARTS = ("sensitivity", "confusion", "precision_recall", "calibration", "before_after")
_PICTURES = ("hits", "misses", "false_alarms")
_N_CURVES = 8
_JPEG_QUALITY = 88


def write_report_folder(
    evaluation: Evaluation, folder: Path, *, comparison: Comparison | None = None, command: str = ""
) -> Path:
    """Write everything; what an earlier report left in the folder is replaced.

    Args:
        evaluation: What was measured.
        folder: Made where it is missing.
        comparison: With an earlier report, where there is one.
        command: What makes this report again.

    Returns:
        The file to read, report.md.

    Raises:
        ReportError: The folder cannot be written.
        AnnotationError: A photo for a picture cannot be decoded.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name in (*(f"{chart}.png" for chart in _CHARTS), *(f"{picture}.jpg" for picture in _PICTURES)):
            (folder / name).unlink(missing_ok=True)
        files = _save_charts(evaluation, folder, comparison) | _save_pictures(evaluation, folder)
        section = "" if comparison is None else comparison_section(comparison, files.get("before_after"))
        text = report_text(evaluation.report, files, comparison=section, command=command)
        (folder / REPORT_MD).write_text(text, encoding="utf-8")
        write_report(evaluation.report, folder / REPORT_JSON)
    except OSError as error:
        raise ReportError(f"{folder}: {error.strerror}") from error
    return folder / REPORT_MD


def _save_charts(evaluation: Evaluation, folder: Path, comparison: Comparison | None) -> dict[str, str]:
    report = evaluation.report
    figures: dict[str, Figure | None] = {
        "sensitivity": sensitivity_chart(report.categories),
        "confusion": confusion_chart(report.confusion),
        "precision_recall": _curves(evaluation),
        "calibration": calibration_chart(report.calibration) if sum(report.calibration.n) else None,
    }
    if comparison is not None:
        names = (comparison.before.checkpoint, comparison.after.checkpoint)
        figures["before_after"] = before_after_chart(comparison.before.categories, report.categories, names)
    drawn = {name: chart for name, chart in figures.items() if chart is not None}
    for name, chart in drawn.items():
        save(chart, folder / f"{name}.png")
    return {name: f"{name}.png" for name in drawn}


def _curves(evaluation: Evaluation) -> Figure | None:
    report, overlaps = evaluation.report, evaluation.overlaps
    pooled = [(f"IoU {iou}", precision_recall(overlaps, min_iou=iou)) for iou in (MATCH_IOU, 0.75)]
    largest = sorted(report.categories, key=lambda row: -row.n_val)[:_N_CURVES]
    by_category = [
        (row.name, precision_recall(overlaps, min_iou=MATCH_IOU, category_id=row.id)) for row in largest if row.n_val
    ]
    if not by_category:
        return None
    operating = None
    if report.sensitivity is not None and report.precision is not None:
        operating = (report.sensitivity, report.precision)
    return precision_recall_chart(
        [(name, curve) for name, curve in pooled if curve is not None],
        operating,
        [(name, curve) for name, curve in by_category if curve is not None],
    )


def _save_pictures(evaluation: Evaluation, folder: Path) -> dict[str, str]:
    photos, visible, overlaps = evaluation.photos, evaluation.visible, evaluation.visible_overlaps
    examples = {
        "hits": best_hits(overlaps),
        "misses": worst_misses(photos, visible, overlaps),
        "false_alarms": confident_false_alarms(overlaps),
    }
    shown = {name: chosen for name, chosen in examples.items() if chosen}
    for name, chosen in shown.items():
        contact_sheet(chosen, photos, visible).save(folder / f"{name}.jpg", quality=_JPEG_QUALITY)
    return {name: f"{name}.jpg" for name in shown}
