"""manage.py evaluate_segmenter: what a checkpoint can do, as figures and as a report a person can act on."""

from __future__ import annotations

import json
import shlex
from argparse import ArgumentParser
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from segmentation.data.problems import counts_by_kind, told
from segmentation.device import best_device
from segmentation.errors import SegmentationError
from segmentation.evaluation.evaluated_data import read_evaluated_data
from segmentation.evaluation.reporting.comparison import compare
from segmentation.evaluation.reporting.comparison_text import comparison_lines
from segmentation.evaluation.reporting.report import Evaluation, Subject, evaluate
from segmentation.evaluation.reporting.report_file import read_report
from segmentation.evaluation.reporting.report_folder import write_report_folder
from segmentation.management.progress import progress_on
from segmentation.segmenter import Segmenter

_OPTIONS = ("checkpoint", "data", "annotations", "train_annotations", "images", "against", "out", "json")


class Command(BaseCommand):
    """Parses, calls `evaluate`, prints a table and writes the report."""

    help = (
        "Measure a segmenter checkpoint on validation photos: COCO mask and box AP per category, the Kaggle metric, "
        "sensitivity, confusion, kinds of errors and speed. --out writes a report with charts and pictures."
    )
    requires_system_checks = ()  # needs neither routes nor a database

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("--checkpoint", type=Path, required=True)
        parser.add_argument("--data", type=Path, required=True, help="folder with val.csv or instances_val.json")
        parser.add_argument("--out", type=Path, help="folder for report.md, report.json, charts and pictures")
        parser.add_argument("--against", type=Path, help="report.json of another evaluation, to compare with")
        parser.add_argument("--annotations", type=Path, help="validation annotations under another name")
        parser.add_argument(
            "--train-annotations", type=Path, help="training annotations under another name; they are only counted"
        )
        parser.add_argument("--images", type=Path, help="folder of the photos, where it is not DATA/images")
        parser.add_argument("--json", type=Path, help="write the figures of the table here")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run."""
        try:
            # Before the model runs for minutes: a wrong path is told at once.
            before = None if options["against"] is None else read_report(options["against"])
            for folder in (options["out"], None if options["json"] is None else options["json"].parent):
                if folder is not None:
                    folder.mkdir(parents=True, exist_ok=True)
            evaluation = self._evaluate(options)
            self._print(evaluation)
            comparison = None if before is None else compare(before, evaluation.report)
            if comparison is not None:
                self.stdout.write("\n".join(["", f"against {comparison.before.checkpoint}", ""]))
                self.stdout.write("\n".join(comparison_lines(comparison)))
            if options["out"] is not None:
                told = write_report_folder(evaluation, options["out"], comparison=comparison, command=_command(options))
                self.stdout.write(f"\nreport: {told}")
            if options["json"] is not None:
                report = evaluation.report
                content = {"checkpoint": report.checkpoint, "device": report.speed.device, **asdict(evaluation.figures)}
                options["json"].write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
        except (SegmentationError, OSError) as error:
            raise CommandError(str(error)) from error

    def _evaluate(self, options: dict[str, Any]) -> Evaluation:
        device = best_device()
        with tqdm(desc="annotations", unit_scale=True) as bar:
            chosen = {name: options[name] for name in ("annotations", "train_annotations", "images")}
            validation, training = read_evaluated_data(options["data"], **chosen, on_progress=progress_on(bar))
        for line in told(validation.problems):
            self.stderr.write(line)
        if validation.problems:
            n_problems, kinds = len(validation.problems), counts_by_kind(validation.problems)
            self.stderr.write(f"evaluating without {n_problems} annotations that cannot be used: {kinds}")
        segmenter, info = Segmenter.from_file(options["checkpoint"], device=device.name, bf16=device.bf16)
        about = {"model": info.config.get("model", {}), "provenance": info.provenance}
        subject = Subject(info.version, about, str(device))
        with tqdm(total=len(validation.photos), desc="evaluate", unit="photo") as bar:
            moved: Callable[[int, int], None] = progress_on(bar)
            return evaluate(segmenter, validation.photos, subject=subject, training=training, on_progress=moved)

    def _print(self, evaluation: Evaluation) -> None:
        figures, report = evaluation.figures, evaluation.report
        lines = [
            f"{report.checkpoint}: {figures.n_photos} photos, {figures.n_instances} garments",
            f"mask AP {figures.mask_ap:.4f}   AP50 {figures.mask_ap50:.4f}   AP75 {figures.mask_ap75:.4f}",
            f"box  AP {figures.box_ap:.4f}   AP50 {figures.box_ap50:.4f}",
            f"mask AP by super-category {figures.supercategory_mask_ap:.4f}",
            f"Kaggle score {report.kaggle:.4f}   by class {report.kaggle_by_class:.4f}",
            f"{figures.ms_per_photo:.0f} ms a photo (median; {report.speed.device})",
            "",
            *(f"{name:<42} {ap:.4f}" for name, ap in sorted(figures.per_category.items(), key=lambda item: -item[1])),
        ]
        self.stdout.write("\n".join(lines))


def _command(options: dict[str, Any]) -> str:
    """The command line that makes this report again."""
    given = [(name, options[name]) for name in _OPTIONS if options[name] is not None]
    words = [word for name, value in given for word in (f"--{name.replace('_', '-')}", str(value))]
    return shlex.join(["manage.py", "evaluate_segmenter", *words])
