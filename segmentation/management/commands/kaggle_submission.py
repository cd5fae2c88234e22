"""manage.py kaggle_submission: write the competition's CSV, or check one."""

from __future__ import annotations

import hashlib
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from segmentation.data.problems import AnnotationProblem, ProblemKind, counts_by_kind, told, write_problems
from segmentation.device import best_device
from segmentation.errors import SegmentationError
from segmentation.evaluation.submissions.submission import (
    SUBMISSION_SIDE_PX,
    SubmissionFormat,
    listed_photos,
    read_sample_submission,
    write_submission,
)
from segmentation.evaluation.submissions.submission_check import check_submission
from segmentation.management.progress import progress_on, resumed_progress_on
from segmentation.segmenter import Segmenter

_Problems = Sequence[AnnotationProblem]


class Command(BaseCommand):
    """Parses, calls `write_submission` or `check_submission`, tells what was wrong."""

    help = (
        "Write a submission to iMaterialist (Fashion) 2019: what the checkpoint sees at its operating point, one row "
        "a garment, filler rows for photos without one. A run that was killed goes on where it was. With --check, "
        "validate a file instead."
    )
    requires_system_checks = ()  # needs neither routes nor a database

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("--checkpoint", type=Path, help="segmenter to use")
        parser.add_argument("--images", type=Path, help="folder of the test photos")
        parser.add_argument("--out", type=Path, help="the CSV file to write")
        parser.add_argument("--check", type=Path, metavar="FILE", help="validate this file instead of writing one")
        parser.add_argument(
            "--sample-submission", type=Path, help="names the photos that must be in it; all of --images otherwise"
        )
        parser.add_argument(
            "--mask-size",
            type=_mask_side,
            default=SUBMISSION_SIDE_PX,
            help="masks are so many pixels wide and high (default: 512, what the competition scores), or 'original'",
        )
        parser.add_argument(
            "--apart",
            choices=("photo", "category"),
            default="photo",
            help="masks never overlap within a photo (default), or within a category of it only, as the winner's",
        )
        parser.add_argument(
            "--leave-out",
            type=int,
            nargs="+",
            default=[],
            metavar="CATEGORY_ID",
            help="write no rows of these categories; those with attributes (0 to 12) rarely score without them",
        )
        parser.add_argument("--problems", type=Path, help="write all problems here as CSV, not only tell the first")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run."""
        try:
            form = SubmissionFormat(options["mask_size"], options["apart"], frozenset(options["leave_out"]))
            if options["check"] is not None:
                self._check(options["check"], form, options)
            else:
                self._write(form, options)
        except SegmentationError as error:
            raise CommandError(str(error)) from error

    def _write(self, form: SubmissionFormat, options: dict[str, Any]) -> None:
        checkpoint, images, out, sample = (options[n] for n in ("checkpoint", "images", "out", "sample_submission"))
        if checkpoint is None or images is None or out is None:
            raise CommandError("name --checkpoint, --images and --out to write a submission, or --check FILE")
        photos = listed_photos(images) if sample is None else read_sample_submission(sample)
        device = best_device()
        segmenter, _ = Segmenter.from_file(checkpoint, device=device.name, bf16=device.bf16)
        identity = hashlib.sha256(checkpoint.read_bytes()).hexdigest()
        with tqdm(desc="detect", unit="photo") as bar:
            written = write_submission(
                segmenter, photos, images, out, form, identity=identity, on_progress=resumed_progress_on(bar)
            )
        lines = [problem.partition(": ") for problem in written.problems]
        unread = [AnnotationProblem(images / name, None, ProblemKind.UNREADABLE_IMAGE, why) for name, _, why in lines]
        for line in told(unread):
            self.stderr.write(f"{line}: a filler row instead")
        if written.n_resumed:
            self.stdout.write(f"{written.n_resumed} photos were done by an earlier run")
        self.stdout.write(f"{out}: {written.n_photos} photos, {written.n_rows} rows")
        self._check(out, form, {**options, "images": None}, unread)

    def _check(self, file: Path, form: SubmissionFormat, options: dict[str, Any], unread: _Problems = ()) -> None:
        sample = options["sample_submission"]
        with tqdm(desc="check", unit="B", unit_scale=True) as bar:
            found = check_submission(
                file,
                form,
                sample=None if sample is None else read_sample_submission(sample),
                images_dir=options["images"],
                on_progress=progress_on(bar),
            )
        for line in told(found.problems):
            self.stderr.write(line)
        if options["problems"] is not None:
            write_problems([*unread, *found.problems], options["problems"])
        if not found.sizes_known:
            self.stdout.write("masks of the photos' own sizes: name --images to find runs past a photo's end")
        if found.problems:
            raise CommandError(f"{file}: {len(found.problems)} problems ({counts_by_kind(found.problems)})")
        self.stdout.write(f"{file}: {found.n_rows} rows of {found.n_photos} photos, as the competition wants them")


def _mask_side(text: str) -> int | None:
    """What `--mask-size` says: a number of pixels, or None for `original`."""
    if text != "original" and not text.isdecimal():
        raise ArgumentTypeError(f"expected a number of pixels or 'original', got {text!r}")
    return None if text == "original" else int(text)
