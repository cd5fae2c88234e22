"""manage.py evaluate_segmenter: COCO AP of a checkpoint on annotated photos."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from segmentation.data.sources import read_validation
from segmentation.device import best_device
from segmentation.errors import SegmentationError
from segmentation.evaluation.coco_ap import APReport, evaluate_segmenter
from segmentation.management.annotated_data import tell_problems
from segmentation.management.progress import progress_on
from segmentation.segmenter import Segmenter


class Command(BaseCommand):
    """Parses, calls `evaluate_segmenter`, prints a table and writes JSON."""

    help = "Measure a segmenter checkpoint: COCO mask AP, AP50, AP75, box AP, AP per category, and speed."
    requires_system_checks = ()  # needs neither routes nor a database

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("--checkpoint", type=Path, required=True)
        parser.add_argument("--data", type=Path, required=True, help="folder with val.csv or instances_val.json")
        parser.add_argument("--annotations", type=Path, help="annotations under another name")
        parser.add_argument("--images", type=Path, help="folder of the photos, where it is not DATA/images")
        parser.add_argument("--json", type=Path, help="write the report here too")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run."""
        device = best_device()
        try:
            annotated = read_validation(options["data"], annotations=options["annotations"], images=options["images"])
            tell_problems(self, [annotated], None)
            segmenter, info = Segmenter.from_file(options["checkpoint"], device=device.name, bf16=device.bf16)
            with tqdm(total=len(annotated.photos), desc="evaluate", unit="photo") as bar:
                report = evaluate_segmenter(segmenter, annotated.photos, on_progress=progress_on(bar))
        except SegmentationError as error:
            raise CommandError(str(error)) from error
        self._print(report, info.version, str(device))
        if options["json"] is not None:
            content = {"checkpoint": info.version, "device": str(device), **asdict(report)}
            options["json"].write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")

    def _print(self, report: APReport, version: str, device: str) -> None:
        lines = [
            f"{version}: {report.n_photos} photos, {report.n_instances} garments",
            f"mask AP {report.mask_ap:.4f}   AP50 {report.mask_ap50:.4f}   AP75 {report.mask_ap75:.4f}",
            f"box  AP {report.box_ap:.4f}   AP50 {report.box_ap50:.4f}",
            f"mask AP by super-category {report.supercategory_mask_ap:.4f}",
            f"{report.ms_per_photo:.0f} ms a photo (median; {device})",
            "",
            *(f"{name:<42} {ap:.4f}" for name, ap in sorted(report.per_category.items(), key=lambda item: -item[1])),
        ]
        self.stdout.write("\n".join(lines))
