"""Reads COCO instances JSON whose category ids are the taxonomy's (0..45)."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from pycocotools import mask as coco_mask

from segmentation.data.annotations import AnnotationSet, Photos
from segmentation.data.entries import SeenMasks, check_class, photo_size, whole_number
from segmentation.data.photo_folder import PhotoFolder
from segmentation.data.problems import AnnotationProblem, BadEntry, ProblemKind
from segmentation.data.records import RecordsBuilder
from segmentation.errors import AnnotationError
from segmentation.masks import rle_area, runs_from_rle
from segmentation.taxonomy import CATEGORIES
from segmentation.types import MaskRLE

_NO_ENTRY = (AttributeError, KeyError, OverflowError, TypeError, ValueError)
"""What comes of an entry that is not built as COCO's are."""
_ENTRIES_A_REPORT = 1000
_BOX_TOLERANCE_PX = 2.0
_BOX_TOLERANCE_SHARE = 0.1


def read_coco(
    annotations_file: Path, images_dir: Path, *, on_progress: Callable[[int, int], None] | None = None
) -> AnnotationSet:
    """Read instances with polygon or run-length masks. Crowd regions are passed over.

    Entries that cannot be used are listed as problems; the others of the same photo stay.

    Args:
        annotations_file: A JSON file with images, annotations and categories.
        images_dir: The photos' folder, that the file names are relative to.
        on_progress: Called with entries read and entries in all.

    Raises:
        AnnotationError: The file is missing, not COCO, or its categories are not the taxonomy's.
    """
    try:
        content = json.loads(annotations_file.read_text(encoding="utf-8-sig"))  # Windows editors write a mark
        images, annotations, categories = content["images"], content["annotations"], content["categories"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise AnnotationError(f"{annotations_file}: not a COCO instances file: {error}") from error
    if not all(isinstance(part, list) for part in (images, annotations, categories)):
        raise AnnotationError(f"{annotations_file}: not a COCO instances file: it needs lists")
    _check_categories(annotations_file, categories)
    n_entries = len(images) + len(annotations)
    document = _Document(PhotoFolder(images_dir))
    problems: list[AnnotationProblem] = []
    for what, entries, add in (
        ("image", images, document.add_image),
        ("annotation", annotations, document.add_annotation),
    ):
        for row, entry in enumerate(entries):
            try:
                add(entry)
            except BadEntry as error:
                problems.append(AnnotationProblem(annotations_file, row, error.kind, f"{what}: {error}"))
            except _NO_ENTRY as error:
                reason = f"{what}: {f'no {error}' if isinstance(error, KeyError) else error}"
                problems.append(AnnotationProblem(annotations_file, row, ProblemKind.MALFORMED, reason))
            entries[row] = None  # what was read need not stay in memory twice
            if on_progress is not None and (row + 1 == len(entries) or row % _ENTRIES_A_REPORT == 0):
                on_progress(row + 1 if entries is images else len(images) + row + 1, n_entries)
    return AnnotationSet(Photos(document.builder.build()), tuple(problems))


def _check_categories(file: Path, categories: list[dict[str, Any]]) -> None:
    names = {category.id: category.name for category in CATEGORIES}
    if not all(isinstance(category, dict) for category in categories):
        raise AnnotationError(f"{file}: not a COCO instances file: categories must be objects")
    for category in categories:
        category_id, name = category.get("id"), category.get("name")
        known = names.get(category_id) if isinstance(category_id, int) else None
        if known is None or known != name:
            raise AnnotationError(f"{file}: category {category_id} is {name!r}, the taxonomy has {known!r}")


class _Document:
    """Images, then annotations, checked one by one."""

    def __init__(self, folder: PhotoFolder) -> None:
        self.builder = RecordsBuilder()
        self._seen = SeenMasks(self.builder)
        self._folder = folder
        self._numbers: dict[Any, int | None] = {}
        """By image id; None for an image that is a problem itself."""
        self._names: set[str] = set()

    def add_image(self, image: dict[str, Any]) -> None:
        if image["id"] in self._numbers:
            raise BadEntry(ProblemKind.DUPLICATE, f"another image has the id {image['id']}")
        self._numbers[image["id"]] = None
        name = str(image["file_name"])
        if name in self._names:  # each entry would have a part of the photo's garments, and the rest for background
            raise BadEntry(ProblemKind.DUPLICATE, f"another image is {name} too")
        self._names.add(name)
        size = photo_size(image["height"], image["width"])
        self._numbers[image["id"]] = self.builder.add_photo(name, self._folder.find(name), *size)

    def add_annotation(self, annotation: dict[str, Any]) -> None:
        if annotation.get("iscrowd"):
            return
        if annotation["image_id"] not in self._numbers:
            raise BadEntry(ProblemKind.MISSING_IMAGE, f"no image has the id {annotation['image_id']!r}")
        number = self._numbers[annotation["image_id"]]
        if number is None:
            return
        category_id = whole_number(annotation["category_id"], "the category_id")
        attribute_ids = tuple(whole_number(each, "an attribute") for each in annotation.get("attribute_ids", ()))
        check_class(category_id, attribute_ids)
        mask = _mask(annotation["segmentation"], *self.builder.size_hw_px(number))
        area_px = rle_area(mask)
        if area_px == 0:
            raise BadEntry(ProblemKind.EMPTY_MASK, "the mask is empty")
        if "bbox" in annotation:
            _check_box(annotation["bbox"], mask)
        self._seen.add(number, category_id, mask["counts"].encode("ascii"), area_px, attribute_ids)


def _mask(segmentation: Any, height: int, width: int) -> MaskRLE:
    if isinstance(segmentation, list):
        return _polygons(segmentation, height, width)
    size = [whole_number(side, "a side of the mask") for side in segmentation["size"]]
    if size != [height, width]:
        raise BadEntry(ProblemKind.SIZE_MISMATCH, f"the mask is {size}, the photo [{height}, {width}]")
    counts = segmentation["counts"]
    if isinstance(counts, list):
        return _listed_runs(counts, height, width)
    mask: MaskRLE = {"size": size, "counts": counts.encode("ascii").decode("ascii")}
    try:
        runs_from_rle(mask)  # the C code that decodes masks trusts them, and would write past the photo's end
    except ValueError as error:
        raise BadEntry(ProblemKind.PAST_THE_END, f"the mask cannot be this photo's: {error}") from error
    return mask


def _polygons(polygons: list[list[float]], height: int, width: int) -> MaskRLE:
    # pycocotools takes four numbers for a box, and stops at others with a bare Exception.
    if not polygons or any(len(polygon) < 6 or len(polygon) % 2 for polygon in polygons):
        raise BadEntry(ProblemKind.BAD_POLYGON, "a polygon needs three points or more, as x, y, x, y, ...")
    corners = np.array([corner for polygon in polygons for corner in polygon], dtype=np.float64).reshape(-1, 2)
    far_corner = np.array([width, height])
    slack = far_corner * _BOX_TOLERANCE_SHARE + _BOX_TOLERANCE_PX
    if not np.isfinite(corners).all() or (corners < -slack).any() or (corners > far_corner + slack).any():
        raise BadEntry(ProblemKind.BAD_POLYGON, f"a polygon leaves the photo of {width}x{height} pixels")
    encoded = coco_mask.merge(coco_mask.frPyObjects(polygons, height, width))
    return {"size": [height, width], "counts": encoded["counts"].decode("ascii")}


def _listed_runs(counts: list[int], height: int, width: int) -> MaskRLE:
    numbers = np.asarray(counts)
    if numbers.dtype.kind not in "iu":
        raise BadEntry(ProblemKind.BAD_NUMBER, "the mask's runs are not whole numbers")
    if numbers.sum() != height * width or numbers.min() < 0:
        reason = f"the mask's runs add up to {numbers.sum()} pixels of {height * width}"
        raise BadEntry(ProblemKind.PAST_THE_END, reason)
    encoded = coco_mask.frPyObjects({"size": [height, width], "counts": numbers}, height, width)
    return {"size": [height, width], "counts": encoded["counts"].decode("ascii")}


def _check_box(bbox: Any, mask: MaskRLE) -> None:
    """A box that is not the mask's was drawn on something else: another size, another photo, other axes."""
    box = np.array(bbox, dtype=np.float64)
    if box.shape != (4,) or not np.isfinite(box).all() or (box[2:] <= 0).any():
        raise BadEntry(ProblemKind.BAD_BOX, f"the box {bbox} is not x, y, width, height")
    of_mask = coco_mask.toBbox({"size": mask["size"], "counts": mask["counts"].encode("ascii")})
    slack = np.maximum(_BOX_TOLERANCE_PX, np.tile(of_mask[2:], 2) * _BOX_TOLERANCE_SHARE)
    if (np.abs(box - of_mask) > slack).any():
        raise BadEntry(ProblemKind.BAD_BOX, f"the box {bbox} is not the mask's ({of_mask.tolist()})")
