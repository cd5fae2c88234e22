"""The data options of commands that train, and what becomes of problems: all are told before any work starts."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from segmentation.data.annotations import AnnotationSet, Photos
from segmentation.data.checks import check_photos, without_held_out
from segmentation.data.coco import read_coco
from segmentation.data.problems import AnnotationProblem, counts_by_kind, told, write_problems
from segmentation.data.sources import read_splits
from segmentation.management.progress import progress_on

PROBLEMS = "problems.csv"


def add_data_options(parser: ArgumentParser) -> None:
    """Declare where annotations and photos are."""
    parser.add_argument("--data", type=Path, required=True, help="folder with train.csv or instances_train.json")
    parser.add_argument("--annotations", type=Path, help="training annotations under another name")
    parser.add_argument(
        "--also",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="more training annotations (COCO), photos named relative to the file's folder; may be repeated",
    )
    parser.add_argument(
        "--val-annotations", type=Path, help="validation annotations; 5 %% are held out where there are none"
    )
    parser.add_argument("--images", type=Path, help="folder of the photos, where it is not DATA/images")
    parser.add_argument(
        "--no-photo-check",
        dest="photo_check",
        action="store_false",
        help="do not open every photo to see whether it can be decoded and has the annotated size",
    )


def add_skip_option(parser: ArgumentParser) -> None:
    """Declare `--skip-bad`."""
    parser.add_argument("--skip-bad", action="store_true", help="go on without annotations that cannot be used")


def read_sets(options: dict[str, Any]) -> list[AnnotationSet]:
    """Read the training sets, then the validation set as the last, and open every photo; with bars.

    A photo to validate on is left out of the training sets as a problem, unless both are the very same file, as for
    a trial of how well a model learns by heart.

    Raises:
        AnnotationError: A file is missing or not what it should be.
    """
    with tqdm(desc="read annotations", unit_scale=True) as bar:
        train, val = read_splits(
            options["data"],
            annotations=options["annotations"],
            val_annotations=options["val_annotations"],
            images=options["images"],
            on_progress=progress_on(bar),
        )
    training = [train, *(read_coco(file, file.parent) for file in options["also"])]
    if options["annotations"] is None or options["annotations"] != options["val_annotations"]:
        training = [without_held_out(found, val.photos) for found in training]
    sets = [*training, val]
    return [_checked(found) for found in sets] if options["photo_check"] else sets


def _checked(found: AnnotationSet) -> AnnotationSet:
    with tqdm(total=len(found.photos), desc="check photos", unit="photo") as bar:
        return check_photos(found, on_progress=progress_on(bar))


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


def training_photos(command: BaseCommand, options: dict[str, Any]) -> tuple[Photos, Photos]:
    """Read, check and tell: the photos to train on (those with garments) and the photos to validate on.

    Args:
        command: Whose output is written to.
        options: Of `add_data_options` and `add_skip_option`; the folder `out` gets `problems.csv`.

    Raises:
        AnnotationError: As `read_sets`.
        CommandError: There are problems, and `--skip-bad` was not given.
    """
    *train, val = sets = read_sets(options)
    file = options["out"] / PROBLEMS
    problems = tell_problems(command, sets, file)
    if problems:
        counted = f"{len(problems)} ({counts_by_kind(problems)}); all are in {file}"
        if not options["skip_bad"]:
            raise CommandError(f"annotations that cannot be used: {counted}. Mend them or pass --skip-bad")
        command.stderr.write(f"going on without annotations that cannot be used: {counted}")
    for found in sets:
        command.stdout.write(f"{len(found.photos)} photos, {found.n_instances} garments")
    return Photos.concatenated(found.photos for found in train).with_instances(), val.photos
