"""manage.py check_annotations: every problem of a data set, and what it holds."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from segmentation.data.problems import counts_by_kind
from segmentation.data.sources import read_splits
from segmentation.data.summary import Summary, summarize
from segmentation.errors import SegmentationError
from segmentation.management.annotation_checks import add_photo_check_option, tell_problems, with_photos_checked
from segmentation.management.progress import progress_on


class Command(BaseCommand):
    """Parses, calls `read_splits`, `check_photos` and `summarize`, prints."""

    help = "List every problem of a data set's annotations and photos, and print what it holds. Fails at problems."
    requires_system_checks = ()  # needs neither routes nor a database

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("--data", type=Path, required=True, help="folder with train.csv or instances_train.json")
        parser.add_argument("--annotations", type=Path, help="training annotations under another name")
        parser.add_argument("--val-annotations", type=Path, help="validation annotations under another name")
        parser.add_argument("--images", type=Path, help="folder of the photos, where it is not DATA/images")
        parser.add_argument("--problems", type=Path, metavar="FILE", help="write all problems here, as CSV")
        add_photo_check_option(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        """Run."""
        try:
            with tqdm(desc="read annotations", unit_scale=True) as bar:
                sets = read_splits(
                    options["data"],
                    annotations=options["annotations"],
                    val_annotations=options["val_annotations"],
                    images=options["images"],
                    on_progress=progress_on(bar),
                )
        except SegmentationError as error:
            raise CommandError(str(error)) from error
        checked = with_photos_checked(sets) if options["photo_check"] else list(sets)
        for name, found in zip(("training", "validation"), checked, strict=True):
            self._print(name, summarize(found.photos))
        problems = tell_problems(self, checked, options["problems"])
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
            "",
            f"{'category':<44}{'garments':>10}{'photos':>10}{'share of photo':>16}",
            *(
                f"{each.name:<44}{each.n_instances:>10}{each.n_photos:>10}{each.median_area_share:>15.2%} "
                for each in summary.categories
                if each.n_instances
            ),
            "none of: " + "; ".join(each.name for each in summary.categories if not each.n_instances),
            "",
        ]
        self.stdout.write("\n".join(line for line in lines if line != "none of: ") + "\n")
