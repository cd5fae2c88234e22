"""Which detection is which annotated garment: how much masks overlap, and two ways to pair them off."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pycocotools import mask as coco_mask

from segmentation.data.annotations import AnnotatedPhoto
from segmentation.types import Detection, MaskRLE

MATCH_IOU = 0.5
"""From this overlap on, a mask has found its garment."""


@dataclass(frozen=True, slots=True)
class Overlaps:
    """One photo's detections against its annotated garments.

    iou: float64, shape (n_found, n_true), 0..1, of the masks. scores: float64, shape (n_found,).
    found_ids, true_ids: int64, category ids (0..45), shapes (n_found,) and (n_true,).
    """

    iou: NDArray[np.float64]
    scores: NDArray[np.float64]
    found_ids: NDArray[np.int64]
    true_ids: NDArray[np.int64]

    @property
    def alike(self) -> NDArray[np.bool_]:
        """Where detection and garment are of one category: bool, shape (n_found, n_true)."""
        return np.equal.outer(self.found_ids, self.true_ids)


def photo_overlaps(photo: AnnotatedPhoto, detections: Sequence[Detection]) -> Overlaps:
    """Measure every detection of a photo against every garment annotated on it."""
    found = [_bytes(detection.mask) for detection in detections]
    true = [_bytes(instance.mask) for instance in photo.instances]
    iou = np.zeros((len(found), len(true)))
    if found and true:
        iou = np.asarray(coco_mask.iou(found, true, [0] * len(true)), dtype=np.float64)
    return Overlaps(
        iou,
        np.array([detection.score for detection in detections], dtype=np.float64),
        np.array([detection.category_id for detection in detections], dtype=np.int64),
        np.array([instance.category_id for instance in photo.instances], dtype=np.int64),
    )


def all_overlaps(photos: Sequence[AnnotatedPhoto], detections: Sequence[Sequence[Detection]]) -> list[Overlaps]:
    """`photo_overlaps` of every photo."""
    return [photo_overlaps(photo, found) for photo, found in zip(photos, detections, strict=True)]


def pairs_by_score(overlaps: Overlaps, min_iou: float) -> NDArray[np.int64]:
    """Pair off as COCO does: by falling score, each detection takes the free garment of its category it covers best.

    Args:
        overlaps: Of one photo.
        min_iou: Smallest overlap of a pair.

    Returns:
        The garment of every detection, -1 where it has none: int64, shape (n_found,).
    """
    matched = np.full(len(overlaps.scores), -1, dtype=np.int64)
    if not overlaps.iou.size:
        return matched
    free = np.where(overlaps.alike, overlaps.iou, -1.0)
    for index in np.argsort(-overlaps.scores, kind="stable"):
        best = int(free[index].argmax())
        if free[index, best] >= min_iou:
            matched[index] = best
            free[:, best] = -1.0
    return matched


def pairs_by_overlap(iou: NDArray[np.float64]) -> list[tuple[int, int]]:
    """Pair off whatever overlaps, the closest pair first.

    The pairs above any threshold are those this would give if it began at that threshold.

    Args:
        iou: float64, shape (n_found, n_true); pairs that may not be are 0.

    Returns:
        (detection, garment), by falling overlap, each at most once.

    >>> pairs_by_overlap(np.array([[0.6, 0.9], [0.5, 0.8]]))
    [(0, 1), (1, 0)]
    """
    pairs: list[tuple[int, int]] = []
    found, true = np.nonzero(iou)
    used_found, used_true = set[int](), set[int]()
    for place in np.argsort(-iou[found, true], kind="stable"):
        pair = int(found[place]), int(true[place])
        if pair[0] not in used_found and pair[1] not in used_true:
            pairs.append(pair)
            used_found.add(pair[0])
            used_true.add(pair[1])
    return pairs


def _bytes(mask: MaskRLE) -> dict[str, object]:
    return {"size": mask["size"], "counts": mask["counts"].encode("ascii")}
