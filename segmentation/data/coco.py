"""Reads COCO instances JSON whose category ids are the taxonomy's (0..45)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pycocotools import mask as coco_mask

from segmentation.data.annotations import AnnotatedPhoto, AnnotationProblem, AnnotationSet, Instance, Photos
from segmentation.data.imaterialist import find_photo
from segmentation.errors import AnnotationError
from segmentation.masks import rle_area
from segmentation.taxonomy import CATEGORIES, N_CATEGORIES
from segmentation.types import MaskRLE

_BAD_ENTRY = (AnnotationError, AttributeError, KeyError, OverflowError, TypeError, ValueError)


def read_coco(annotations_file: Path, images_dir: Path) -> AnnotationSet:
    """Read instances with polygon or run-length masks. Crowd regions are passed over.

    Raises:
        AnnotationError: The file is missing, not COCO, or its categories are not the taxonomy's.
    """
    try:
        content = json.loads(annotations_file.read_text(encoding="utf-8"))
        images, annotations, categories = content["images"], content["annotations"], content["categories"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise AnnotationError(f"{annotations_file}: not a COCO instances file: {error}") from error
    _check_categories(annotations_file, categories)
    problems: list[AnnotationProblem] = []
    by_id: dict[Any, tuple[Path, str, int, int, list[Instance]]] = {}
    for row, image in enumerate(images):
        try:
            name, height, width = str(image["file_name"]), int(image["height"]), int(image["width"])
            by_id[image["id"]] = (find_photo(images_dir, name), name, height, width, [])
        except _BAD_ENTRY as error:
            problems.append(AnnotationProblem(annotations_file, row, f"image: {_in_words(error)}"))
    for row, annotation in enumerate(annotations):
        try:
            if annotation.get("iscrowd") or annotation["image_id"] not in by_id:
                continue
            _, _, height, width, instances = by_id[annotation["image_id"]]
            instances.append(_instance(annotation, height, width))
        except _BAD_ENTRY as error:
            problems.append(AnnotationProblem(annotations_file, row, f"annotation: {_in_words(error)}"))
    photos = Photos.of(
        AnnotatedPhoto(name, file, height, width, tuple(instances))
        for file, name, height, width, instances in by_id.values()
    )
    return AnnotationSet(photos, tuple(problems))


def _check_categories(file: Path, categories: list[dict[str, Any]]) -> None:
    names = {category.id: category.name for category in CATEGORIES}
    if not all(isinstance(category, dict) for category in categories):
        raise AnnotationError(f"{file}: not a COCO instances file: categories must be objects")
    for category in categories:
        if names.get(category.get("id", -1)) != category.get("name"):
            raise AnnotationError(
                f"{file}: category {category.get('id')} is {category.get('name')!r}, "
                f"the taxonomy has {names.get(category.get('id', -1))!r}"
            )


def _instance(annotation: dict[str, Any], height: int, width: int) -> Instance:
    category_id = int(annotation["category_id"])
    if not 0 <= category_id < N_CATEGORIES:
        raise AnnotationError(f"no category {category_id}")
    segmentation = annotation["segmentation"]
    mask = _polygons(segmentation, height, width) if isinstance(segmentation, list) else _runs(segmentation)
    if mask["size"] != [height, width]:
        raise AnnotationError(f"the mask is {mask['size']}, the photo [{height}, {width}]")
    area = rle_area(mask)
    if area == 0:
        raise AnnotationError("the mask is empty")
    if area > height * width:
        raise AnnotationError("the mask's runs pass the photo's end")
    return Instance(category_id, mask, tuple(annotation.get("attribute_ids", ())))


def _polygons(polygons: list[list[float]], height: int, width: int) -> MaskRLE:
    # pycocotools takes four numbers for a box, and stops at others with a bare Exception.
    if not polygons or any(len(polygon) < 6 or len(polygon) % 2 for polygon in polygons):
        raise AnnotationError("a polygon needs three points or more, as x, y, x, y, ...")
    encoded = coco_mask.merge(coco_mask.frPyObjects(polygons, height, width))
    return {"size": [height, width], "counts": encoded["counts"].decode("ascii")}


def _runs(segmentation: dict[str, Any]) -> MaskRLE:
    height, width = (int(side) for side in segmentation["size"])
    counts = segmentation["counts"]
    if not isinstance(counts, list):
        return {"size": [height, width], "counts": counts.encode("ascii").decode("ascii")}
    if sum(counts) != height * width or min(counts) < 0:
        raise AnnotationError(f"the mask's runs add up to {sum(counts)} pixels of {height * width}")
    encoded = coco_mask.frPyObjects({"size": [height, width], "counts": counts}, height, width)
    return {"size": [height, width], "counts": encoded["counts"].decode("ascii")}


def _in_words(error: Exception) -> str:
    return f"no {error}" if isinstance(error, KeyError) else str(error)
