"""manage.py check_annotations: every problem of a data set, and what it holds."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from segmentation.data.problems import counts_by_kind
from segmentation.data.summary import Summary, summarize
from segmentation.errors import SegmentationError
from segmentation.management.annotated_data import add_data_options, read_sets, tell_problems


class Command(BaseCommand):
    """Parses, calls `read_sets` and `summarize`, prints."""

    help = "List every problem of a data set's annotations and photos, and print what it holds. Fails at problems."
    requires_system_checks = ()  # needs neither routes nor a database

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        add_data_options(parser)
        parser.add_argument("--problems", type=Path, metavar="FILE", help="write all problems here, as CSV")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run."""
        try:
            sets = read_sets(options)
            names = ["training", *map(str, options["also"]), "validation"]
            for name, found in zip(names, sets, strict=True):
                self._print(name, summarize(found.photos))
            problems = tell_problems(self, sets, options["problems"])
        except (SegmentationError, OSError) as error:
            raise CommandError(str(error)) from error
        if problems:
            raise CommandError(f"{len(problems)} problems: {counts_by_kind(problems)}")
        self.stdout.write("no problems")

    def _print(self, name: str, summary: Summary) -> None:
        smallest, middle, largest = summary.megapixels
        lines = [
            f"{name}: {summary.n_photos} photos, {summary.n_photos_with_instances} of them with garments",
            f"{summary.n_instances} garments, at most {summary.most_instances} on one photo",
            f"sizes: {smallest:.2f} to {largest:.2f} megapixels, median {middle:.2f}; "
            f"the longest side is {summary.longest_side_px} px",
        ]
        if summary.n_instances:
            lines += ["", f"{'category':<44}{'garments':>10}{'photos':>10}{'share of photo':>16}"]
        lines += [
            f"{each.name:<44}{each.n_instances:>10}{each.n_photos:>10}{each.median_area_share:>15.2%}"
            for each in summary.categories
            if each.n_instances
        ]
        absent = [each.name for each in summary.categories if not each.n_instances]
        if absent:
            lines.append(f"none of: {'; '.join(absent)}")
        self.stdout.write("\n".join(lines) + "\n\n")
