"""Reads COCO instances JSON whose category ids are the taxonomy's (0..45)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pycocotools import mask as coco_mask

from segmentation.data.annotations import AnnotatedPhoto, AnnotationProblem, AnnotationSet, Instance
from segmentation.data.imaterialist import find_photo
from segmentation.errors import AnnotationError
from segmentation.masks import rle_area
from segmentation.taxonomy import CATEGORIES, N_CATEGORIES
from segmentation.types import MaskRLE


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
    by_id: dict[Any, tuple[dict[str, Any], Path, list[Instance]]] = {}
    for row, image in enumerate(images):
        try:
            by_id[image["id"]] = (image, find_photo(images_dir, image["file_name"]), [])
        except (AnnotationError, KeyError) as error:
            problems.append(AnnotationProblem(annotations_file, row, f"image: {error}"))
    for row, annotation in enumerate(annotations):
        try:
            if annotation.get("iscrowd") or annotation["image_id"] not in by_id:
                continue
            image, _, instances = by_id[annotation["image_id"]]
            instances.append(_instance(annotation, int(image["height"]), int(image["width"])))
        except (AnnotationError, KeyError, TypeError, ValueError) as error:
            problems.append(AnnotationProblem(annotations_file, row, f"annotation: {error}"))
    photos = tuple(
        AnnotatedPhoto(image["file_name"], file, int(image["height"]), int(image["width"]), tuple(instances))
        for image, file, instances in by_id.values()
    )
    return AnnotationSet(photos, tuple(problems))


def _check_categories(file: Path, categories: list[dict[str, Any]]) -> None:
    names = {category.id: category.name for category in CATEGORIES}
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
    if isinstance(segmentation, list):
        encoded = coco_mask.merge(coco_mask.frPyObjects(segmentation, height, width))
    elif isinstance(segmentation["counts"], list):
        encoded = coco_mask.frPyObjects(segmentation, height, width)
    else:
        encoded = {"size": segmentation["size"], "counts": segmentation["counts"].encode("ascii")}
    if list(encoded["size"]) != [height, width]:
        raise AnnotationError(f"the mask is {encoded['size']}, the photo [{height}, {width}]")
    mask: MaskRLE = {"size": [height, width], "counts": encoded["counts"].decode("ascii")}
    if rle_area(mask) == 0:
        raise AnnotationError("the mask is empty")
    return Instance(category_id, mask, tuple(annotation.get("attribute_ids", ())))
