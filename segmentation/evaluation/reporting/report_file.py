"""report.json: a `Report` written down, and read again to compare with."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from segmentation.errors import ReportError
from segmentation.evaluation.categories import CategoryRow
from segmentation.evaluation.coco_figures import CocoFigures
from segmentation.evaluation.curves import Calibration
from segmentation.evaluation.reporting.report import REPORT_FORMAT, Report
from segmentation.evaluation.speed import Speed


def write_report(report: Report, file: Path) -> None:
    """Write a report as JSON, keys in the order of `Report`; until it is whole, `file` stays as it was."""
    partial = file.with_name(f"{file.name}.partial")
    partial.write_text(json.dumps(asdict(report), indent=1, allow_nan=False) + "\n", encoding="utf-8")
    partial.replace(file)


def read_report(file: Path) -> Report:
    """Read what `write_report` wrote.

    Raises:
        ReportError: Missing, not such a report, or of another version.
    """
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        if content["format"] != REPORT_FORMAT:
            raise ReportError(f"{file}: report format {content['format']}, this is {REPORT_FORMAT}: evaluate again")
        for name in ("mask", "box", "supercategory_mask"):
            content[name] = CocoFigures(**content[name])
        content["kaggle_interval"] = tuple(content["kaggle_interval"])
        content["categories"] = tuple(CategoryRow(**row) for row in content["categories"])
        content["calibration"] = Calibration(**{key: _frozen(each) for key, each in content["calibration"].items()})
        content["speed"] = Speed(**content["speed"])
        return Report(**content)
    except OSError as error:
        raise ReportError(f"{file}: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ReportError(f"{file} is not a report of evaluate_segmenter: {error!r}") from error


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
