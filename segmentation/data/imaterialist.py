"""Reads the competition's layout: train.csv, label_descriptions.json and a folder of photos."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path

from segmentation.data.annotations import AnnotatedPhoto, AnnotationProblem, AnnotationSet, Instance, Photos
from segmentation.data.rle import parse_encoded_pixels
from segmentation.errors import AnnotationError
from segmentation.taxonomy import CATEGORIES, N_ATTRIBUTES, N_CATEGORIES

_COLUMNS = ("ImageId", "EncodedPixels", "Height", "Width", "ClassId")


def read_imaterialist(csv_file: Path, images_dir: Path, *, first_pixel: int = 1) -> AnnotationSet:
    """Read annotations, row by row, without decoding a mask.

    Rows that cannot be used are listed as problems; the others of the same photo stay.

    Args:
        csv_file: `train.csv`, with the columns ImageId, EncodedPixels, Height, Width, ClassId.
        images_dir: The photos' folder; a name without an ending is looked for as `.jpg` too.
        first_pixel: See `parse_encoded_pixels`.

    Raises:
        AnnotationError: The file is missing, or lacks a column.
    """
    photos: dict[str, tuple[Path, int, int, list[Instance]]] = {}
    problems: list[AnnotationProblem] = []
    for row, values in _rows(csv_file):
        try:
            image_id, height, width = values["ImageId"], int(values["Height"]), int(values["Width"])
            category_id, attribute_ids = parse_class_id(values["ClassId"])
            if image_id not in photos:
                photos[image_id] = (find_photo(images_dir, image_id), height, width, [])
            if photos[image_id][1:3] != (height, width):
                raise AnnotationError(f"{image_id} is {width}x{height} here and of another size above")
            mask = parse_encoded_pixels(values["EncodedPixels"], height, width, first_pixel=first_pixel)
        except (AnnotationError, ValueError, TypeError, AttributeError) as error:  # a short row has no text at its end
            problems.append(AnnotationProblem(csv_file, row, str(error)))
            continue
        photos[image_id][3].append(Instance(category_id, mask, attribute_ids))
    made = (AnnotatedPhoto(key, file, h, w, tuple(found)) for key, (file, h, w, found) in photos.items())
    return AnnotationSet(Photos.of(made), tuple(problems))


def _rows(csv_file: Path) -> Iterator[tuple[int, dict[str, str]]]:
    try:
        with csv_file.open(encoding="utf-8-sig", newline="") as stream:
            csv.field_size_limit(1 << 28)  # one mask of a 20-megapixel photo passes Python's default of 128 KiB
            reader = csv.DictReader(stream, skipinitialspace=True)
            missing = [name for name in _COLUMNS if name not in (reader.fieldnames or ())]
            if missing:
                raise AnnotationError(f"{csv_file}: no column {', '.join(missing)}")
            for values in reader:
                yield reader.line_num, values
    except OSError as error:
        raise AnnotationError(f"{csv_file}: {error.strerror}") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise AnnotationError(f"{csv_file}: not a CSV file in UTF-8: {error}") from error


def parse_class_id(text: str) -> tuple[int, tuple[int, ...]]:
    """Split a ClassId into its category and attributes.

    Raises:
        AnnotationError: Not numbers, or not in the taxonomy.

    >>> parse_class_id("10_1_61")
    (10, (1, 61))
    """
    try:
        category_id, *attribute_ids = (int(part) for part in text.split("_"))
    except (ValueError, AttributeError) as error:
        raise AnnotationError(f"ClassId {text!r} is not a category with attributes") from error
    if not 0 <= category_id < N_CATEGORIES:
        raise AnnotationError(f"ClassId {text!r}: no category {category_id}")
    for attribute_id in attribute_ids:
        if not 0 <= attribute_id < N_ATTRIBUTES:
            raise AnnotationError(f"ClassId {text!r}: no attribute {attribute_id}")
    return category_id, tuple(attribute_ids)


def find_photo(images_dir: Path, name: str) -> Path:
    """Find a photo by its name in the annotations.

    Raises:
        AnnotationError: No such file in the folder.
    """
    for candidate in (images_dir / name, images_dir / f"{name}.jpg"):
        if candidate.is_file() and candidate.resolve().is_relative_to(images_dir.resolve()):
            return candidate
    raise AnnotationError(f"no photo {name} in {images_dir.name}")


def check_label_descriptions(file: Path) -> None:
    """Make sure that a data set means what Selvedge means by its category numbers.

    Raises:
        AnnotationError: The file is not the competition's, or a category has another name.
    """
    try:
        categories = json.loads(file.read_text(encoding="utf-8"))["categories"]
        names = {int(entry["id"]): str(entry["name"]) for entry in categories}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise AnnotationError(f"{file}: not a label_descriptions.json: {error}") from error
    for category in CATEGORIES:
        if names.get(category.id) != category.name:
            raise AnnotationError(
                f"{file}: category {category.id} is {names.get(category.id)!r}, expected {category.name!r}"
            )
