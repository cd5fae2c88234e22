"""What every command that reads annotations does with their problems: all of them are told before any work starts."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Sequence
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from segmentation.data.annotations import AnnotationSet
from segmentation.data.checks import check_photos
from segmentation.data.problems import AnnotationProblem, counts_by_kind, told, write_problems
from segmentation.management.progress import progress_on

PROBLEMS = "problems.csv"


def add_check_options(parser: ArgumentParser) -> None:
    """Declare `--skip-bad` and `--no-photo-check`."""
    parser.add_argument("--skip-bad", action="store_true", help="go on without annotations that cannot be used")
    add_photo_check_option(parser)


def add_photo_check_option(parser: ArgumentParser) -> None:
    """Declare `--no-photo-check`."""
    parser.add_argument(
        "--no-photo-check",
        dest="photo_check",
        action="store_false",
        help="do not open every photo to see whether it can be decoded and has the annotated size",
    )


def with_photos_checked(sets: Sequence[AnnotationSet]) -> list[AnnotationSet]:
    """Open every photo, showing a bar."""
    checked = []
    for found in sets:
        with tqdm(total=len(found.photos), desc="check photos", unit="photo") as bar:
            checked.append(check_photos(found, on_progress=progress_on(bar)))
    return checked


def tell_problems(command: BaseCommand, sets: Sequence[AnnotationSet], file: Path | None) -> list[AnnotationProblem]:
    """List problems on stderr, the first of each kind, and write all of them to `file`."""
    problems = [problem for found in sets for problem in found.problems]
    for line in told(problems):
        command.stderr.write(line)
    if file is not None and problems:
        write_problems(problems, file)
    elif file is not None:
        file.unlink(missing_ok=True)  # of an earlier try
    return problems


def usable(
    command: BaseCommand, sets: Sequence[AnnotationSet], *, photo_check: bool, skip_bad: bool, out: Path
) -> list[AnnotationSet]:
    """Check annotations and photos, tell every problem, and give what can be used.

    Args:
        command: Whose output is written to.
        sets: As they were read.
        photo_check: Whether to open every photo.
        skip_bad: Whether to go on without what cannot be used.
        out: The run folder; gets `problems.csv` where there is a problem.

    Raises:
        CommandError: There are problems, and `skip_bad` is not set.
    """
    checked = with_photos_checked(sets) if photo_check else list(sets)
    problems = tell_problems(command, checked, out / PROBLEMS)
    if problems:
        counted = f"{len(problems)} ({counts_by_kind(problems)}); all are in {out / PROBLEMS}"
        if not skip_bad:
            raise CommandError(f"annotations that cannot be used: {counted}. Mend them or pass --skip-bad")
        command.stderr.write(f"going on without annotations that cannot be used: {counted}")
    for found in checked:
        command.stdout.write(f"{len(found.photos)} photos, {found.n_instances} garments")
    return checked
