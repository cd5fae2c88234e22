"""A search report's folder: report.json, report.md, and the charts and pictures it shows."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from search.errors import BenchmarkError
from search.evaluation.evaluation import Evaluation, Report
from search.evaluation.reporting.charts import recall_chart, reliability_chart
from search.evaluation.reporting.pictures import bad_queries, good_queries, query_sheet
from search.evaluation.reporting.text import report_text
from segmentation.evaluation.reporting.charts import save

REPORT_JSON, REPORT_MD = "report.json", "report.md"
_JPEG_QUALITY = 88


def write_report_json(report: Report, file: Path) -> None:
    """Write a report's figures; until it is whole, `file` stays as it was.

    Raises:
        BenchmarkError: It cannot be written.
    """
    partial = file.with_name(f"{file.name}.partial")
    try:
        partial.write_text(json.dumps(asdict(report), indent=1, allow_nan=False) + "\n", encoding="utf-8")
        partial.replace(file)
    except OSError as error:
        raise BenchmarkError(f"{file} cannot be written: {error.strerror}.") from error


def write_report_folder(evaluation: Evaluation, folder: Path, *, command: str) -> Path:
    """Write everything; what an earlier report left in the folder is replaced.

    Args:
        evaluation: What was measured.
        folder: Made where it is missing.
        command: What makes this report again.

    Returns:
        The file to read, report.md.

    Raises:
        BenchmarkError: The folder cannot be written.
    """
    report = evaluation.report
    try:
        folder.mkdir(parents=True, exist_ok=True)
        files = _save_charts(report, folder) | _save_pictures(evaluation, folder)
        (folder / REPORT_MD).write_text(report_text(report, files, command=command), encoding="utf-8")
    except OSError as error:
        raise BenchmarkError(f"{folder} cannot be written: {error.strerror}.") from error
    write_report_json(report, folder / REPORT_JSON)
    return folder / REPORT_MD


def _save_charts(report: Report, folder: Path) -> dict[str, str]:
    figures = {}
    if "photo" in report.measures:
        figures["recall"] = recall_chart(report.measures["photo"])
    if report.confidence is not None:
        bins = {"best answers": report.confidence.best, "all answers": report.confidence.answers}
        figures["reliability"] = reliability_chart(bins)
    for name, chart in figures.items():
        save(chart, folder / f"{name}.png")
    return {name: f"{name}.png" for name in figures}


def _save_pictures(evaluation: Evaluation, folder: Path) -> dict[str, str]:
    outcomes = evaluation.report.outcomes["photo"]
    files = {}
    for name, chosen in (("good", good_queries(outcomes)), ("bad", bad_queries(outcomes))):
        file = folder / f"{name}.jpg"
        file.unlink(missing_ok=True)
        if chosen:
            query_sheet(evaluation.benchmark, chosen).save(file, quality=_JPEG_QUALITY)
            files[name] = file.name
    return files
