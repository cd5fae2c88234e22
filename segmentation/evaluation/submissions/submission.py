"""Writes what the competition wants to be sent: a CSV with one row an instance.

Columns ImageId, EncodedPixels, ClassId. EncodedPixels holds pairs `start length`, column-major, counted from 1, sorted.
A photo without a detection has one filler row, `1 1` with a class, as in sample_submission.csv.

Masks are sent at 512x512 whatever the photo's size, unlike those of train.csv: so do the starter notebook ("the same
as the size of submission masks") and the winner (src/submit.py of amirassov/kaggle-imaterialist), both scored by the
competition. The winner kept masks apart within a category only, the starter notebook within a photo; the latter is
right by either reading of the rules, and the default here.
ClassId is the category alone. The competition also knows `category_attribute_attribute`; attributes are not predicted,
and a category without them rarely equals the truth of categories 0 to 12, which the winner therefore left out.
Source: evaluation page of iMaterialist (Fashion) 2019 at FGVC6.
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from segmentation.data.photo_folder import PhotoFolder
from segmentation.data.problems import BadEntry
from segmentation.data.rle import format_encoded_pixels
from segmentation.errors import AnnotationError, PhotoRejected
from segmentation.evaluation.disjoint import disjoint
from segmentation.evaluation.submissions.partial_submission import PartialSubmission, Row
from segmentation.images import decode_rgb
from segmentation.segmenter import Segmenter
from segmentation.taxonomy import N_CATEGORIES
from segmentation.types import Detection

COLUMNS = ("ImageId", "EncodedPixels", "ClassId")
FILLER_PIXELS = "1 1"
FILLER_CLASS = "23"
"""Shoe, the most frequent category; sample_submission.csv has it in every row."""
SUBMISSION_SIDE_PX = 512
PHOTO_ENDINGS = frozenset({".jpg", ".jpeg", ".png", ".webp", ".heic", ".heif"})


@dataclass(frozen=True, slots=True)
class SubmissionFormat:
    """What a submission's masks look like."""

    mask_side_px: int | None = SUBMISSION_SIDE_PX
    """Every mask is so wide and high; None: as its photo."""
    apart_within: str = "photo"
    """Masks do not overlap within a photo, or only within a category of it."""
    left_out: frozenset[int] = frozenset()
    """Category ids no row is written for."""

    def __post_init__(self) -> None:
        """Refuse what is not a format.

        Raises:
            AnnotationError: An unknown word, or numbers out of their range.
        """
        if self.apart_within not in ("photo", "category"):
            raise AnnotationError(f"masks are kept apart within a photo or a category, not {self.apart_within!r}")
        if self.mask_side_px is not None and self.mask_side_px < 1:
            raise AnnotationError(f"masks of {self.mask_side_px} px cannot be")
        unknown = sorted(self.left_out - set(range(N_CATEGORIES)))
        if unknown:
            raise AnnotationError(f"category {unknown[0]} is not one of 0 to {N_CATEGORIES - 1}")


@dataclass(frozen=True, slots=True)
class Submission:
    """What was written. `problems` are lines `ImageId: reason` about photos that got a filler row instead."""

    n_photos: int
    n_rows: int
    problems: tuple[str, ...]
    n_resumed: int
    """Photos that an earlier, interrupted run had finished."""


def listed_photos(images_dir: Path) -> dict[str, str]:
    """ImageIds of a folder's photos, by name, each with the filler's class.

    Raises:
        AnnotationError: No such folder, or no photo in it.
    """
    if not images_dir.is_dir():
        raise AnnotationError(f"{images_dir} is not a folder")
    entries = (entry for entry in images_dir.iterdir() if entry.suffix.lower() in PHOTO_ENDINGS)
    names = sorted(entry.name for entry in entries if not entry.is_dir())
    if not names:
        raise AnnotationError(f"{images_dir}: no photo in it")
    return dict.fromkeys(names, FILLER_CLASS)


def read_sample_submission(file: Path) -> dict[str, str]:
    """ImageIds of `sample_submission.csv` in its order, each with the class its filler row has.

    Raises:
        AnnotationError: Missing, not a CSV file, or without the competition's columns.
    """
    try:
        csv.field_size_limit(1 << 28)  # masks of another submission may pass Python's default of 128 KiB
        with file.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream, skipinitialspace=True)
            missing = [name for name in COLUMNS if name not in (reader.fieldnames or ())]
            if missing:
                raise AnnotationError(f"{file}: no column {', '.join(missing)}")
            found: dict[str, str] = {}
            for row in reader:
                found.setdefault(row["ImageId"], row["ClassId"] or FILLER_CLASS)
    except OSError as error:
        raise AnnotationError(f"{file}: {error.strerror}") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise AnnotationError(f"{file}: not a CSV file in UTF-8: {error}") from error
    if not found:
        raise AnnotationError(f"{file}: no rows")
    return found


def apart(detections: Sequence[Detection], within: str) -> list[Detection]:
    """Masks that do not overlap, by falling score: within the photo, or within each category of it.

    A pixel goes to the smallest mask that claims it, see `disjoint`; what keeps none is left out.
    """
    groups: dict[int, list[Detection]] = {}
    for detection in detections:
        groups.setdefault(detection.category_id if within == "category" else 0, []).append(detection)
    kept = [detection for group in groups.values() for detection in disjoint(group)]
    return sorted(kept, key=lambda one: -one.score)


def write_submission(
    segmenter: Segmenter,
    photos: Mapping[str, str],
    images_dir: Path,
    out: Path,
    form: SubmissionFormat,
    *,
    identity: str,
    on_progress: Callable[[int, int], None] | None = None,
) -> Submission:
    """Detect, photo by photo, what shoppers see at the checkpoint's operating point, and write it.

    A run that is killed leaves a file beside `out`; the same call goes on from there. `out` appears when all is done.

    Args:
        segmenter: The model.
        photos: ImageIds, each with the class of its filler row.
        images_dir: Their folder. A photo that is missing or damaged gets its filler row and is reported.
        out: The CSV file.
        form: What the masks look like.
        identity: Of the model's weights; a partial file of others is not gone on with.
        on_progress: Called with (photos done, photos in all).

    Raises:
        AnnotationError: The file cannot be written.
    """
    folder = PhotoFolder(images_dir)
    key = repr((identity, segmenter.config, form, tuple(photos.items()), str(images_dir)))
    try:
        with PartialSubmission(out, hashlib.sha256(key.encode()).hexdigest()[:12], COLUMNS, tuple(photos)) as partial:
            n_resumed = partial.n_done
            for image_id in tuple(photos)[n_resumed:]:
                if on_progress is not None:
                    on_progress(partial.n_done, len(photos))
                rows, problem = _rows(segmenter, folder, image_id, form)
                partial.add(rows if rows else [(image_id, FILLER_PIXELS, photos[image_id])], problem=problem)
            partial.finish()
    except OSError as error:
        raise AnnotationError(f"{out}: {error.strerror}") from error
    if on_progress is not None:
        on_progress(len(photos), len(photos))
    return Submission(len(photos), partial.n_rows, partial.problems, n_resumed)


def _rows(segmenter: Segmenter, folder: PhotoFolder, image_id: str, form: SubmissionFormat) -> tuple[list[Row], str]:
    """A photo's rows, the surest first, and what is wrong with the photo: one of the two is empty, or both."""
    try:
        # As its masks lie on it: training annotations ignore a photo's EXIF orientation.
        image = decode_rgb(Path(folder.find(image_id)).read_bytes(), turn=False)
    except (OSError, PhotoRejected, BadEntry) as error:
        return [], f"{image_id}: {error}"
    side = form.mask_side_px
    size = (image.shape[1], image.shape[0]) if side is None else (side, side)
    [detections] = segmenter.detect([segmenter.fit(image)], [size])
    wanted = [detection for detection in detections if detection.category_id not in form.left_out]
    return [
        (image_id, format_encoded_pixels(detection.mask), str(detection.category_id))
        for detection in apart(wanted, form.apart_within)
    ], ""
