"""Reads the competition's layout: train.csv, label_descriptions.json and a folder of photos."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path

from segmentation.data.annotations import AnnotationSet, Photos
from segmentation.data.entries import SeenMasks, check_class, photo_size
from segmentation.data.photo_folder import PhotoFolder
from segmentation.data.problems import AnnotationProblem, BadEntry, ProblemKind
from segmentation.data.records import RecordsBuilder
from segmentation.data.rle import parse_runs
from segmentation.errors import AnnotationError
from segmentation.masks import rle_from_starts
from segmentation.taxonomy import CATEGORIES

_COLUMNS = ("ImageId", "EncodedPixels", "Height", "Width", "ClassId")
_ROWS_A_REPORT = 2000


def read_imaterialist(
    csv_file: Path, images_dir: Path, *, first_pixel: int = 1, on_progress: Callable[[int, int], None] | None = None
) -> AnnotationSet:
    """Read annotations, row by row, without decoding a mask.

    Rows that cannot be used are listed as problems; the others of the same photo stay.

    Args:
        csv_file: `train.csv`, with the columns ImageId, EncodedPixels, Height, Width, ClassId.
        images_dir: The photos' folder; a name without an ending is looked for as `.jpg` too.
        first_pixel: See `parse_encoded_pixels`.
        on_progress: Called with bytes read and the file's size.

    Raises:
        AnnotationError: The file is missing, or lacks a column.
    """
    table = _Table(PhotoFolder(images_dir), first_pixel)
    problems: list[AnnotationProblem] = []
    for row, cells in _rows(csv_file, on_progress):
        try:
            table.add(cells)
        except BadEntry as error:
            problems.append(AnnotationProblem(csv_file, row, error.kind, str(error)))
    return AnnotationSet(Photos(table.builder.build()), tuple(problems))


class _Table:
    """Rows as they come, checked one by one."""

    def __init__(self, folder: PhotoFolder, first_pixel: int) -> None:
        self.builder = RecordsBuilder()
        self._seen = SeenMasks(self.builder)
        self._folder = folder
        self._first_pixel = first_pixel
        self._numbers: dict[str, int] = {}

    def add(self, cells: tuple[str, ...]) -> None:
        """Add a row: cells in the order of `_COLUMNS`."""
        if len(cells) < len(_COLUMNS):
            raise BadEntry(ProblemKind.MALFORMED, "the row ends before its last column")
        image_id, runs, height, width, class_id = cells
        category_id, attribute_ids = parse_class_id(class_id)
        height_px, width_px = photo_size(height, width)
        number = self._number(image_id, height_px, width_px)
        starts, lengths = parse_runs(runs, height_px, width_px, first_pixel=self._first_pixel)
        counts = rle_from_starts(starts, lengths, height_px, width_px)["counts"].encode("ascii")
        self._seen.add(number, category_id, counts, int(lengths.sum()), attribute_ids)

    def _number(self, image_id: str, height_px: int, width_px: int) -> int:
        number = self._numbers.get(image_id)
        if number is None:
            number = self.builder.add_photo(image_id, self._folder.find(image_id), height_px, width_px)
            self._numbers[image_id] = number
        if self.builder.size_hw_px(number) != (height_px, width_px):
            reason = f"{image_id} is {width_px}x{height_px} here and of another size above"
            raise BadEntry(ProblemKind.SIZE_MISMATCH, reason)
        return number


def _rows(csv_file: Path, on_progress: Callable[[int, int], None] | None) -> Iterator[tuple[int, tuple[str, ...]]]:
    """Line numbers and cells in the order of `_COLUMNS`; fewer cells where a row has fewer."""
    try:
        size = csv_file.stat().st_size
        with csv_file.open("rb") as raw:
            csv.field_size_limit(1 << 28)  # one mask of a 20-megapixel photo passes Python's default of 128 KiB
            reader = csv.reader(io.TextIOWrapper(raw, encoding="utf-8-sig", newline=""), skipinitialspace=True)
            names = next(reader, [])
            missing = [name for name in _COLUMNS if name not in names]
            if missing:
                raise AnnotationError(f"{csv_file}: no column {', '.join(missing)}")
            places = [names.index(name) for name in _COLUMNS]
            for count, cells in enumerate(reader, start=1):
                if cells:
                    yield reader.line_num, tuple(cells[place] for place in places if place < len(cells))
                if on_progress is not None and count % _ROWS_A_REPORT == 0:
                    on_progress(raw.tell(), size)
        if on_progress is not None:
            on_progress(size, size)
    except OSError as error:
        raise AnnotationError(f"{csv_file}: {error.strerror}") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise AnnotationError(f"{csv_file}: not a CSV file in UTF-8: {error}") from error


def parse_class_id(text: str) -> tuple[int, tuple[int, ...]]:
    """Split a ClassId into its category and attributes.

    Raises:
        BadEntry: Not numbers, or not in the taxonomy.

    >>> parse_class_id("10_1_61")
    (10, (1, 61))
    """
    try:
        category_id, *attribute_ids = map(int, text.split("_"))
    except ValueError:
        raise BadEntry(ProblemKind.BAD_NUMBER, f"ClassId {text!r} is not a category with attributes") from None
    try:
        check_class(category_id, tuple(attribute_ids))
    except BadEntry as error:
        raise BadEntry(error.kind, f"ClassId {text!r}: {error}") from None
    return category_id, tuple(attribute_ids)


def check_label_descriptions(file: Path) -> None:
    """Make sure that a data set means what Selvedge means by its category numbers.

    Raises:
        AnnotationError: The file is not the competition's, or a category has another name.
    """
    try:
        categories = json.loads(file.read_text(encoding="utf-8-sig"))["categories"]
        names = {int(entry["id"]): str(entry["name"]) for entry in categories}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise AnnotationError(f"{file}: not a label_descriptions.json: {error}") from error
    for category in CATEGORIES:
        if names.get(category.id) != category.name:
            raise AnnotationError(
                f"{file}: category {category.id} is {names.get(category.id)!r}, expected {category.name!r}"
            )
