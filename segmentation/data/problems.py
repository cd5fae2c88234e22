"""What can be wrong with annotations, and how it is told."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from pathlib import Path

from segmentation.errors import AnnotationError


class ProblemKind(StrEnum):
    """Reasons, for counting; the problem's own text has the numbers."""

    MALFORMED = "malformed entry"
    BAD_NUMBER = "bad number"
    MISSING_IMAGE = "missing image"
    UNREADABLE_IMAGE = "unreadable image"
    SIZE_MISMATCH = "size mismatch"
    UNKNOWN_CLASS = "unknown class"
    UNKNOWN_ATTRIBUTE = "unknown attribute"
    EMPTY_MASK = "empty mask"
    ODD_RUNS = "odd count of run-lengths"
    EMPTY_RUN = "run without pixels"
    OVERLAPPING_RUNS = "overlapping runs"
    PAST_THE_END = "run outside the image"
    BAD_POLYGON = "bad polygon"
    BAD_BOX = "bad box"
    OVERLAPPING_MASKS = "overlapping masks"
    UNSORTED_RUNS = "runs out of order"
    UNEXPECTED_IMAGE = "unexpected image"
    DUPLICATE = "duplicate"
    HELD_OUT = "validation photo in training"


class BadEntry(AnnotationError):
    """One entry of an annotation file cannot be used; the others can."""

    def __init__(self, kind: ProblemKind, message: str) -> None:
        super().__init__(message)
        self.kind = kind


@dataclass(frozen=True, slots=True)
class AnnotationProblem:
    """One entry that cannot be used, and why."""

    file: Path
    row: int | None
    """Line of a CSV file, index in a JSON file's list; None where `file` is the photo itself."""
    kind: ProblemKind
    reason: str

    def __str__(self) -> str:
        """As a person reads it: file, row, reason."""
        place = self.file.name if self.row is None else f"{self.file.name}, row {self.row}"
        return f"{place}: {self.reason}"


def counts_by_kind(problems: Sequence[AnnotationProblem]) -> str:
    """How often each reason occurs, the most frequent first: "missing image 8, empty mask 1"."""
    return ", ".join(f"{kind} {count}" for kind, count in Counter(problem.kind for problem in problems).most_common())


def told(problems: Sequence[AnnotationProblem], *, at_most: int = 20) -> Iterator[str]:
    """Lines for a terminal: each reason's first problems, and how many more there are."""
    for kind, count in Counter(problem.kind for problem in problems).most_common():
        of_kind = (problem for problem in problems if problem.kind == kind)
        yield from map(str, islice(of_kind, at_most))
        if count > at_most:
            yield f"... {kind}: {count - at_most} more"


def write_problems(problems: Sequence[AnnotationProblem], file: Path) -> None:
    """Write all problems as CSV with the columns file, row, kind, reason; the folder is made where there is none.

    Raises:
        AnnotationError: The file cannot be written.
    """
    rows = ((each.file, "" if each.row is None else each.row, each.kind, each.reason) for each in problems)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("w", encoding="utf-8", newline="") as stream:
            writer = csv.writer(stream, lineterminator="\n")
            writer.writerow(("file", "row", "kind", "reason"))
            writer.writerows(rows)
    except OSError as error:
        raise AnnotationError(f"{file}: {error.strerror}") from error
