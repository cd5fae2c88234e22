"""Which garments and detections a person should look at: best hits, worst misses, confident false alarms."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from segmentation.data.annotations import AnnotatedPhoto
from segmentation.evaluation.confusion import BACKGROUND_IOU
from segmentation.evaluation.matching import MATCH_IOU, Overlaps, pairs_by_score
from segmentation.masks import rle_area
from segmentation.taxonomy import CATEGORIES
from segmentation.types import Detection

N_EXAMPLES = 12
_PER_PHOTO = 2
_PER_CATEGORY = 3


@dataclass(frozen=True, slots=True)
class Example:
    """A place in a photo: an annotated garment, a detection, or both, by their numbers there.

    `rank` is what examples are chosen by, the largest first.
    """

    photo: int
    true: int | None
    found: int | None
    category_id: int
    rank: float
    caption: tuple[str, str]


def best_hits(overlaps: Sequence[Overlaps]) -> list[Example]:
    """Garments whose masks were found most exactly, at the operating point."""
    hits = []
    for photo, one in enumerate(overlaps):
        for found, true in enumerate(pairs_by_score(one, MATCH_IOU)):
            if true >= 0:
                category_id, iou = int(one.true_ids[true]), float(one.iou[found, true])
                caption = (_name(category_id), f"score {one.scores[found]:.2f}, IoU {iou:.2f}")
                hits.append(Example(photo, int(true), found, category_id, iou, caption))
    return _varied(hits)


def worst_misses(
    photos: Sequence[AnnotatedPhoto], detections: Sequence[Sequence[Detection]], overlaps: Sequence[Overlaps]
) -> list[Example]:
    """The largest garments, as shares of their photos, that nothing of their category covers at IoU 0.5."""
    misses = []
    for number, (photo, found, one) in enumerate(zip(photos, detections, overlaps, strict=True)):
        hit = set(pairs_by_score(one, MATCH_IOU).tolist())
        for true in set(range(len(one.true_ids))) - hit:
            closest, said = _closest_detection(one, true, found)
            share = rle_area(photo.instances[true].mask) / (photo.height_px * photo.width_px)
            category_id = int(one.true_ids[true])
            misses.append(Example(number, true, closest, category_id, share, (_name(category_id), said)))
    return _varied(misses)


def confident_false_alarms(overlaps: Sequence[Overlaps]) -> list[Example]:
    """The detections the model was surest of among those that are wrong at IoU 0.5, at the operating point."""
    alarms = []
    for photo, one in enumerate(overlaps):
        for found in np.flatnonzero(pairs_by_score(one, MATCH_IOU) < 0):
            category_id = int(one.found_ids[found])
            closest, said = _closest_garment(one, int(found))
            said = f"score {one.scores[found]:.2f}; {said}"
            caption = (_name(category_id), said)
            alarms.append(Example(photo, closest, int(found), category_id, float(one.scores[found]), caption))
    return _varied(alarms)


def _closest_detection(one: Overlaps, true: int, found: Sequence[Detection]) -> tuple[int | None, str]:
    column = one.iou[:, true]
    if not len(column) or column.max() < BACKGROUND_IOU:
        return None, "nothing found here"
    closest = int(column.argmax())
    return closest, f"found as {_name(found[closest].category_id)}, IoU {column[closest]:.2f}"


def _closest_garment(one: Overlaps, found: int) -> tuple[int | None, str]:
    row = one.iou[found]
    if not len(row) or row.max() < BACKGROUND_IOU:
        return None, "nothing is there"
    closest = int(row.argmax())
    return closest, f"true {_name(int(one.true_ids[closest]))}, IoU {row[closest]:.2f}"


def _name(category_id: int) -> str:
    """The first word of a category's name: captions are narrow."""
    return CATEGORIES[category_id].name.split(",")[0]


def _varied(examples: Iterable[Example]) -> list[Example]:
    """The first by rank, with few of any photo and any category, so that the picture shows different things."""
    chosen: list[Example] = []
    photos, categories = Counter[int](), Counter[int]()
    for example in sorted(examples, key=lambda one: (-one.rank, one.photo)):
        if photos[example.photo] < _PER_PHOTO and categories[example.category_id] < _PER_CATEGORY:
            chosen.append(example)
            photos[example.photo] += 1
            categories[example.category_id] += 1
        if len(chosen) == N_EXAMPLES:
            break
    return chosen
