"""Identity from annotated photos of people: every garment is its own, but what a photo shows twice is one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from segmentation.data.annotations import AnnotatedPhoto, Instance
from segmentation.data.sources import read_annotations
from segmentation.errors import AnnotationError, PhotoRejected
from segmentation.images import decode_rgb
from segmentation.masks import mask_from_rle, rle_area
from segmentation.metric_learning.identities import STREET, IdentityItem, aisle_of
from segmentation.taxonomy import category_by_id

LEAST_PX = 600
"""Smaller garments say little about how garments look."""
TWIN_LAB_DISTANCE = 12.0
"""Two garments of one photo and category whose mean colors are nearer (CIE L*a*b*) may be a pair, or one in pieces."""


@dataclass(frozen=True)
class StreetSource:
    """A folder of annotated photos (COCO or the competition's layout); its training part alone."""

    folder: Path
    kind: str = STREET

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.folder.resolve().name

    def items(self) -> Iterator[IdentityItem]:
        """Every garment that is large enough; parts of garments (sleeves, collars) are none.

        Raises:
            AnnotationError: As `read_annotations`, or an entry is wrong.
        """
        found = read_annotations(self.folder, split="train")
        if found.problems:
            raise AnnotationError(
                f"{self.folder}: {len(found.problems)} annotations are wrong (manage.py check_annotations lists them), "
                f"the first: {found.problems[0]}"
            )
        for photo in found.photos:
            wanted = [
                each
                for each in photo.instances
                if category_by_id(each.category_id).is_garment and rle_area(each.mask) >= LEAST_PX
            ]
            for instance, identity in zip(wanted, _identities(photo, wanted), strict=True):
                words = category_by_id(instance.category_id).name
                yield IdentityItem(
                    photo.file,
                    identity,
                    identity,
                    instance.category_id,
                    "",
                    aisle_of(instance.category_id, words),
                    instance.mask,
                )


def _identities(photo: AnnotatedPhoto, instances: Sequence[Instance]) -> list[str]:
    """A name for each garment; left and right shoe, or what cannot be told from them, share theirs."""
    names = [f"{photo.image_id}/{index}" for index in range(len(instances))]
    categories = [each.category_id for each in instances]
    if len(set(categories)) == len(categories):
        return names
    try:
        rgb = decode_rgb(photo.file.read_bytes(), turn=False)
    except (OSError, PhotoRejected):
        return names  # told, with the photo's name, where its crops are cut
    lab = np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2LAB), dtype=np.uint8)
    colors = [_mean_color(lab, each) for each in instances]
    for index, category_id in enumerate(categories):
        for other in range(index):
            near = float(np.linalg.norm(colors[index] - colors[other])) < TWIN_LAB_DISTANCE
            if categories[other] == category_id and near:
                names[index] = names[other]
                break
    return names


def _mean_color(lab: NDArray[np.uint8], instance: Instance) -> NDArray[np.float64]:
    mask = mask_from_rle(instance.mask)
    if mask.shape != lab.shape[:2]:
        return np.full(3, np.inf)
    return np.asarray(lab[mask.astype(bool)].mean(axis=0) * (100 / 255, 1, 1))
