"""Finds the annotations of a data folder, whichever of the known layouts it has."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np

from segmentation.data.annotations import AnnotationSet, Photos
from segmentation.data.coco import read_coco
from segmentation.data.imaterialist import check_label_descriptions, read_imaterialist
from segmentation.errors import AnnotationError

SPLITS = {"train": ("train.csv", "instances_train.json", "instances.json"), "val": ("val.csv", "instances_val.json")}

HELD_OUT_PERCENT = 5


def read_annotations(
    data_dir: Path,
    *,
    split: str = "train",
    annotations: Path | None = None,
    images: Path | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> AnnotationSet:
    """Read the annotations of `split` from a data folder.

    Args:
        data_dir: Holds `train.csv` (the competition's layout) or `instances_train.json` (COCO), and the photos
            in `images/`, `train/` or the folder itself.
        split: `train` or `val`.
        annotations: The annotation file, where it has another name or place.
        images: The photos' folder, likewise.
        on_progress: Called with how much of the file is read, and how much there is (bytes or entries).

    Raises:
        AnnotationError: Nothing fitting is there; the message says what was looked for.
    """
    file = annotations
    if file is None:
        names = SPLITS[split]
        file = next((data_dir / name for name in names if (data_dir / name).is_file()), None)
        if file is None:
            raise AnnotationError(f"{data_dir}: none of {', '.join(names)} is there")
    folder = images
    if folder is None:
        folder = next((data_dir / name for name in ("images", split) if (data_dir / name).is_dir()), data_dir)
    if not folder.is_dir():
        raise AnnotationError(f"{folder}: no such folder of photos")
    if file.suffix == ".json":
        return read_coco(file, folder, on_progress=on_progress)
    labels = data_dir / "label_descriptions.json"
    if labels.is_file():
        check_label_descriptions(labels)
    return read_imaterialist(file, folder, on_progress=on_progress)


def read_splits(
    data_dir: Path,
    *,
    annotations: Path | None = None,
    val_annotations: Path | None = None,
    images: Path | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> tuple[AnnotationSet, AnnotationSet]:
    """Read training and validation annotations.

    Where the folder brings no validation split (the competition's does not), `HELD_OUT_PERCENT` of its photos are
    held out.

    Raises:
        AnnotationError: As `read_annotations`.
    """
    train = read_annotations(data_dir, split="train", annotations=annotations, images=images, on_progress=on_progress)
    if val_annotations is not None or _has_validation(data_dir):
        return train, read_annotations(
            data_dir, split="val", annotations=val_annotations, images=images, on_progress=on_progress
        )
    return hold_out(train)


def read_validation(
    data_dir: Path,
    *,
    annotations: Path | None = None,
    images: Path | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> AnnotationSet:
    """Read what a model of this data folder is measured on: its validation split, or what `read_splits` holds out.

    Raises:
        AnnotationError: As `read_annotations`.
    """
    if annotations is not None or _has_validation(data_dir):
        return read_annotations(data_dir, split="val", annotations=annotations, images=images, on_progress=on_progress)
    return read_splits(data_dir, images=images, on_progress=on_progress)[1]


def _has_validation(data_dir: Path) -> bool:
    return any((data_dir / name).is_file() for name in SPLITS["val"])


def hold_out(found: AnnotationSet) -> tuple[AnnotationSet, AnnotationSet]:
    """Split photos by a hash of their id, so that a photo's side never depends on which others there are."""
    hashes = np.array([zlib.crc32(image_id.encode()) for image_id in found.photos.image_ids], dtype=np.int64)
    held_out = hashes % 100 < HELD_OUT_PERCENT
    kept, taken = (found.photos.take(np.flatnonzero(side)) for side in (~held_out, held_out))
    return AnnotationSet(kept, found.problems), AnnotationSet(taken, ())


def subset(photos: Photos, n: int, seed: int) -> Photos:
    """Draw `n` of the photos, the same for the same seed, in their old order.

    Raises:
        AnnotationError: There are fewer.
    """
    if not 0 < n <= len(photos):
        raise AnnotationError(f"subset: expected 1 to {len(photos)} photos, the number there are, got {n}")
    drawn = np.random.default_rng(seed).choice(len(photos), n, replace=False)
    return photos.take(np.sort(drawn))
