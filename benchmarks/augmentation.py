"""CPU milliseconds a training sample takes on one thread, and what each augmentation adds.

    python -m benchmarks.augmentation [--data FOLDER] [--photos 40] [--side 512]

Each augmentation is switched on alone, with probability 1, then all together; `sample` is from the JPEG file to the
augmented photo and its masks, `adds` the difference to the plain sample. Photos are drawn where no data is given.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median

import cv2
import torch

from benchmarks.drawn_photos import draw_photos
from segmentation.config import AugmentConfig, SegmenterConfig, TrainConfig
from segmentation.data.annotations import AnnotatedPhoto
from segmentation.data.loaders import TrainingPhotos
from segmentation.data.samplers import SampleKey
from segmentation.data.sources import read_annotations

PLAIN = AugmentConfig(horizontal_flip=0.0, color_jitter=0.0)
ALONE = {
    "plain": PLAIN,
    "horizontal_flip": replace(PLAIN, horizontal_flip=1.0),
    "crop": replace(PLAIN, crop=1.0),
    "scale_jitter": replace(PLAIN, scale_jitter=(0.6, 1.5)),
    "rotation": replace(PLAIN, rotation=1.0),
    "sharpen": replace(PLAIN, sharpen=1.0),
    "blur": replace(PLAIN, blur=1.0),
    "color_jitter": replace(PLAIN, color_jitter=0.3),
    "copy_paste": replace(PLAIN, copy_paste=1.0),
    "all together": AugmentConfig(
        horizontal_flip=1.0,
        crop=1.0,
        scale_jitter=(0.6, 1.5),
        rotation=1.0,
        sharpen=1.0,
        blur=1.0,
        color_jitter=0.3,
        copy_paste=1.0,
    ),
}


def main() -> None:
    """Run and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder with train.csv or instances_train.json")
    parser.add_argument("--photos", type=int, default=40)
    parser.add_argument("--side", type=int, default=512, help="longer side of a sample, px")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as scratch:
        if options.data is None:
            photos: Sequence[AnnotatedPhoto] = draw_photos(Path(scratch), options.photos)
        else:
            photos = read_annotations(options.data).photos[: options.photos]
        elapsed = _measured(photos, options.side)
    plain = median(elapsed["plain"])
    print(f"{len(photos)} photos at {options.side} px, median (90th percentile) milliseconds of CPU time, one thread\n")
    for name, values in elapsed.items():
        slow = sorted(values)[int(0.9 * len(values))]
        print(f"{name:<18}{median(values):>7.1f} ({slow:.1f})   adds {median(values) - plain:>5.1f}")


def _measured(photos: Sequence[AnnotatedPhoto], side_px: int) -> dict[str, list[float]]:
    """Milliseconds of every sample by augmentation; these take turns, so that a busy machine slows all alike."""
    datasets = {
        name: TrainingPhotos(photos, SegmenterConfig(name, train=TrainConfig(augment=augment)))
        for name, augment in ALONE.items()
    }
    elapsed: dict[str, list[float]] = {name: [] for name in datasets}
    for index in range(len(photos)):
        for name, dataset in datasets.items():
            started = time.thread_time()
            dataset.sample(SampleKey(index, side_px, 0, index))
            elapsed[name].append((time.thread_time() - started) * 1e3)
    return elapsed


if __name__ == "__main__":
    main()
