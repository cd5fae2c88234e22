"""manage.py describe_photo: one photo in, its garments listed and drawn."""

from __future__ import annotations

import os
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from segmentation.checkpoint import SHIPPED_EMBEDDER, SHIPPED_SEGMENTER
from segmentation.errors import SegmentationError
from segmentation.images import decode_rgb
from segmentation.overlay import draw_overlay
from segmentation.predictor import GarmentPredictor
from segmentation.taxonomy import category_by_id
from segmentation.types import EncodedPhoto, PhotoDescription, PhotoError


def _configured(variable: str, shipped: Path) -> Path:
    """The checkpoint that searches use, so that this command shows what they see."""
    named = os.environ.get(variable, "").strip()
    return Path(named) if named else shipped


class Command(BaseCommand):
    """Parses, calls `GarmentPredictor`, prints a table and saves the overlay."""

    help = "Describe the garments of one photo; draw masks, boxes and labels over it."
    requires_system_checks = ()  # needs neither routes nor a database

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("photo", type=Path, help="a JPEG, PNG, WebP or HEIC file")
        parser.add_argument("--out", type=Path, help="write the photo with masks, boxes and labels here")
        segmenter = _configured("SELVEDGE_SEGMENTER", SHIPPED_SEGMENTER)
        parser.add_argument("--segmenter", type=Path, default=segmenter, help="checkpoint (SELVEDGE_SEGMENTER)")
        embedder = _configured("SELVEDGE_EMBEDDER", SHIPPED_EMBEDDER)
        parser.add_argument("--embedder", type=Path, default=embedder, help="checkpoint (SELVEDGE_EMBEDDER)")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run."""
        try:
            data = options["photo"].read_bytes()
            predictor = GarmentPredictor.from_files(options["segmenter"], options["embedder"])
            (result,) = predictor.describe([EncodedPhoto(data)])
            if isinstance(result, PhotoError):
                raise CommandError(f"{options['photo'].name}: {result.message}")
            self._print(result)
            if options["out"] is not None:
                draw_overlay(decode_rgb(data), result.garments).save(options["out"])
                self.stdout.write(f"drawn: {options['out']}")
        except (SegmentationError, OSError, ValueError) as error:
            raise CommandError(str(error)) from error

    def _print(self, description: PhotoDescription) -> None:
        self.stdout.write(f"{description.width_px} x {description.height_px} pixels")
        for garment in description.garments:
            name = category_by_id(garment.category_id).name if garment.category_id is not None else "photo"
            box = " ".join(f"{side:6.0f}" for side in garment.box_xyxy_px)
            colors = ", ".join(f"{color} {share:.0%}" for color, share in garment.color_histogram.items())
            self.stdout.write(f"{name:<28} {garment.score:.2f}  {box}  {colors}")
        if not description.garments:
            self.stdout.write("no garment found")
        stages = "  ".join(f"{stage} {ms:.0f} ms" for stage, ms in description.latency_ms.items())
        self.stdout.write(stages)
