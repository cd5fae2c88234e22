"""Finds what the competition would refuse in a submission file, each with its row and reason."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from segmentation.data.imaterialist import parse_class_id
from segmentation.data.photo_folder import PhotoFolder
from segmentation.data.problems import AnnotationProblem, BadEntry, ProblemKind
from segmentation.errors import AnnotationError, PhotoRejected
from segmentation.evaluation.submissions.submission import COLUMNS, SubmissionFormat
from segmentation.images import read_stored_size

_ROWS_A_REPORT = 500
_DIGITS = re.compile("[-0-9 ]*")
_MAX_NUMBER = 2**40  # sums of larger ones might wrap around


@dataclass(frozen=True, slots=True)
class SubmissionCheck:
    """What was found. `problems` are in the file's order, missing photos last."""

    n_rows: int
    n_photos: int
    problems: tuple[AnnotationProblem, ...]
    sizes_known: bool
    """Whether runs past the end could be looked for."""


@dataclass(frozen=True, slots=True)
class _Claim:
    """A sound row's runs, from pixel 1: int64, shape (n,), rising."""

    row: int
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    """The pixels after the runs."""


def check_submission(
    file: Path,
    form: SubmissionFormat,
    *,
    sample: Mapping[str, str] | None = None,
    images_dir: Path | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> SubmissionCheck:
    """Check a file row by row, then each photo's rows together.

    Args:
        file: The submission.
        form: Size of its masks, and within what they must not overlap.
        sample: ImageIds it must hold, each at least once, and no others; from `read_sample_submission`.
        images_dir: The photos, whose sizes tell where masks of the photos' size end.
        on_progress: Called with bytes read and the file's size.

    Raises:
        AnnotationError: The file is missing, or not a CSV file with the competition's header.
    """
    checker = _Checker(file, form, sample, images_dir)
    for row, cells in _rows(file, on_progress):
        try:
            checker.add(row, cells)
        except BadEntry as error:
            checker.tell(row, error.kind, str(error))
    checker.finish()
    ordered = sorted(checker.problems, key=lambda problem: (problem.row is None, problem.row or 0))
    sizes_known = form.mask_side_px is not None or images_dir is not None
    return SubmissionCheck(checker.n_rows, len(checker.seen), tuple(ordered), sizes_known)


class _Checker:
    """Rows as they come, and what they claim of each photo."""

    def __init__(
        self, file: Path, form: SubmissionFormat, sample: Mapping[str, str] | None, images_dir: Path | None
    ) -> None:
        self.problems: list[AnnotationProblem] = []
        self.n_rows = 0
        self.seen: dict[str, int | None] = {}
        """ImageIds, each with how many pixels its masks have, where that is known."""
        self._file, self._form, self._sample = file, form, sample
        self._folder = None if images_dir is None else PhotoFolder(images_dir)
        self._claims: dict[tuple[str, int], list[_Claim]] = {}

    def tell(self, row: int | None, kind: ProblemKind, reason: str) -> None:
        self.problems.append(AnnotationProblem(self._file, row, kind, reason))

    def add(self, row: int, cells: list[str]) -> None:
        if not any(cell.strip() for cell in cells):
            raise BadEntry(ProblemKind.MALFORMED, "an empty row")
        self.n_rows += 1
        if len(cells) != len(COLUMNS):
            raise BadEntry(ProblemKind.MALFORMED, f"{len(cells)} cells instead of {len(COLUMNS)}")
        image_id, runs, class_id = cells
        if not image_id:
            raise BadEntry(ProblemKind.MALFORMED, "no ImageId")
        if image_id not in self.seen:
            self._first_seen(row, image_id)
        try:
            category_id = parse_class_id(class_id)[0]
        except BadEntry as error:
            self.tell(row, error.kind, f"{image_id}: {error}")
            category_id = -1
        group = category_id if self._form.apart_within == "category" else 0
        claim = _parsed(row, image_id, runs, self.seen[image_id])
        self._claims.setdefault((image_id, group), []).append(claim)

    def _first_seen(self, row: int, image_id: str) -> None:
        self.seen[image_id] = None if self._form.mask_side_px is None else self._form.mask_side_px**2
        if self._sample is not None and image_id not in self._sample:
            self.tell(row, ProblemKind.UNEXPECTED_IMAGE, f"{image_id} is not in the sample submission")
        if self._folder is None or self._form.mask_side_px is not None:
            return
        try:
            width, height = read_stored_size(Path(self._folder.find(image_id)))
            self.seen[image_id] = width * height
        except (OSError, PhotoRejected, BadEntry) as error:
            self.tell(row, ProblemKind.MISSING_IMAGE, f"{image_id}: its size cannot be read: {error}")

    def finish(self) -> None:
        """Look at each photo's rows together, then for photos without one."""
        for (image_id, _), claims in self._claims.items():
            for row, other, pixel in _overlaps(claims):
                reason = f"{image_id}: the mask overlaps that of row {other}, first at pixel {pixel}"
                self.tell(row, ProblemKind.OVERLAPPING_MASKS, reason)
        for image_id in self._sample if self._sample is not None else ():
            if image_id not in self.seen:
                self.tell(None, ProblemKind.MISSING_IMAGE, f"{image_id} of the sample submission has no row")


def _parsed(row: int, image_id: str, text: str, n_pixels: int | None) -> _Claim:
    """A row's runs.

    Raises:
        BadEntry: What is wrong with them, and where.
    """
    numbers = _numbers(image_id, text)
    starts, lengths = numbers[0::2], numbers[1::2]
    ends = starts + lengths
    if (starts < 1).any():
        raise BadEntry(
            ProblemKind.PAST_THE_END, f"{image_id}: a run starts at {int(starts.min())}; pixels count from 1"
        )
    if (lengths < 1).any():
        raise BadEntry(ProblemKind.EMPTY_RUN, f"{image_id}: the run at {int(starts[lengths.argmin()])} has no pixels")
    steps = np.diff(starts)
    if (steps < 0).any():
        at = int(np.argmax(steps < 0))
        raise BadEntry(
            ProblemKind.UNSORTED_RUNS, f"{image_id}: the run at {int(starts[at + 1])} follows that at {int(starts[at])}"
        )
    if (steps == 0).any():
        raise BadEntry(ProblemKind.DUPLICATE, f"{image_id}: two runs at {int(starts[int(np.argmax(steps == 0))])}")
    crossing = starts[1:] < ends[:-1]
    if crossing.any():
        at = int(np.argmax(crossing))
        reason = f"{image_id}: the runs at {int(starts[at])} and {int(starts[at + 1])} overlap"
        raise BadEntry(ProblemKind.OVERLAPPING_RUNS, reason)
    if n_pixels is not None and ends[-1] - 1 > n_pixels:
        reason = f"{image_id}: a run ends at pixel {int(ends[-1]) - 1} of {n_pixels}"
        raise BadEntry(ProblemKind.PAST_THE_END, reason)
    return _Claim(row, starts, ends)


def _numbers(image_id: str, text: str) -> NDArray[np.int64]:
    """An even, positive count of whole numbers."""
    try:
        if not _DIGITS.fullmatch(text):  # int() also takes 1_000 and the digits of other scripts
            raise ValueError
        numbers = np.array([int(word) for word in text.split()], dtype=np.int64)
    except (ValueError, OverflowError):
        raise BadEntry(ProblemKind.BAD_NUMBER, f"{image_id}: run-lengths are not whole numbers") from None
    if len(numbers) == 0:
        raise BadEntry(ProblemKind.EMPTY_MASK, f"{image_id}: no run-lengths; a photo without a detection has `1 1`")
    if len(numbers) % 2:
        reason = f"{image_id}: an odd count of numbers ({len(numbers)}): starts and lengths must pair up"
        raise BadEntry(ProblemKind.ODD_RUNS, reason)
    if numbers.max() > _MAX_NUMBER:
        raise BadEntry(ProblemKind.PAST_THE_END, f"{image_id}: {int(numbers.max())} is past the end of any photo")
    return numbers


def _overlaps(claims: list[_Claim]) -> Iterator[tuple[int, int, int]]:
    """For each row that overlaps another of its photo: the later row, the earlier, and the first pixel of both."""
    if len(claims) < 2:
        return
    starts = np.concatenate([claim.starts for claim in claims])
    ends = np.concatenate([claim.ends for claim in claims])
    rows = np.repeat([claim.row for claim in claims], [len(claim.starts) for claim in claims])
    order = np.argsort(starts, kind="stable")
    starts, ends, rows = starts[order], ends[order], rows[order]
    reach = np.maximum.accumulate(ends)
    # Which run reaches farthest so far: the last at which the maximum rose.
    farthest = np.maximum.accumulate(np.where(np.concatenate(([True], ends[1:] > reach[:-1])), np.arange(len(ends)), 0))
    told: set[tuple[int, int]] = set()
    for index in np.flatnonzero(starts[1:] < reach[:-1]) + 1:
        one, other = int(rows[index]), int(rows[farthest[index - 1]])
        pair = (max(one, other), min(one, other))
        if pair not in told:
            told.add(pair)
            yield (*pair, int(starts[index]))


def _rows(file: Path, on_progress: Callable[[int, int], None] | None) -> Iterator[tuple[int, list[str]]]:
    """Line numbers and cells, the header checked and passed over."""
    try:
        size = file.stat().st_size
        with file.open("rb") as raw:
            csv.field_size_limit(1 << 28)  # one mask of a 20-megapixel photo passes Python's default of 128 KiB
            reader = csv.reader(io.TextIOWrapper(raw, encoding="utf-8-sig", newline=""))
            header = next(reader, [])
            if tuple(header) != COLUMNS:
                raise AnnotationError(f"{file}: row 1: the header is {','.join(header)!r}, not {','.join(COLUMNS)!r}")
            for count, cells in enumerate(reader, start=1):
                yield reader.line_num, cells
                if on_progress is not None and count % _ROWS_A_REPORT == 0:
                    on_progress(raw.tell(), size)
        if on_progress is not None:
            on_progress(size, size)
    except OSError as error:
        raise AnnotationError(f"{file}: {error.strerror}") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise AnnotationError(f"{file}: not a CSV file in UTF-8: {error}") from error
