"""manage.py average_checkpoints: one segmenter out of several that were fine-tuned from a common one."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from segmentation.errors import SegmentationError
from segmentation.training.averaging import average_checkpoints


class Command(BaseCommand):
    """Parses and calls `average_checkpoints`."""

    help = "Average the weights of segmenters that were fine-tuned from a common one; measure the result before use."
    requires_system_checks = ()  # needs neither routes nor a database

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("checkpoints", type=Path, nargs="+", help="two or more; settings come from the last")
        parser.add_argument("--out", type=Path, required=True)

    def handle(self, *args: Any, **options: Any) -> None:
        """Run."""
        try:
            average_checkpoints(options["checkpoints"], options["out"])
        except (SegmentationError, OSError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"averaged {len(options['checkpoints'])} checkpoints into {options['out']}")
