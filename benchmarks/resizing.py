"""The ways a photo can shrink to a model's size, compared: time, aliasing on fabric, and a checkpoint's mask AP.

    python -m benchmarks.resizing [--checkpoint FILE --data FOLDER [--photos N]]

Time: decoded photos of about 550x830 and of 12 megapixels to 512 px, median CPU milliseconds on one thread.
Aliasing: drawn stripes, checks and herringbone of 2 to 7 pixels a thread, shrunk as a street photo is, against Pillow's
Lanczos filter in floating point. `error` is the RMS difference in grey levels; `moire` is what of it stays after a
blur of 2 px: coarse patterns that are not in the fabric.
Mask AP: of one checkpoint, whose training knew one of the modes.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from statistics import mean, median

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from tqdm import tqdm

from segmentation.checkpoint import read_info
from segmentation.config import ModelConfig
from segmentation.config_files import from_mapping
from segmentation.data.sources import read_validation
from segmentation.evaluation.coco_ap import APReport, evaluate_segmenter
from segmentation.management.progress import progress_on
from segmentation.model import build_mask_rcnn
from segmentation.resizing import INTERPOLATIONS, fitted_size, resize
from segmentation.segmenter import Segmenter
from segmentation.weights import load_into

SIZES = {"550x830": (550, 830), "12 MP": (3000, 4000)}
SIDE_PX = 512
FABRIC_SIZES = ((550, 830), (700, 1050), (1200, 1800))


def main() -> None:
    """Run and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", type=Path, help="a segmenter, to measure its mask AP under each mode")
    parser.add_argument("--data", type=Path, help="folder whose validation photos it is measured on")
    parser.add_argument("--photos", type=int, help="only so many of them")
    options = parser.parse_args()
    if (options.checkpoint is None) != (options.data is None):
        parser.error("--checkpoint and --data go together")
    cv2.setNumThreads(1)
    rows = {mode: [*(_ms(size, mode) for size in SIZES.values()), *_aliasing(mode)] for mode in INTERPOLATIONS}
    print(f"{'':<14}" + "".join(f"{name + ' ms':>12}" for name in SIZES) + f"{'error':>9}{'moire':>9}")
    for mode, (street_ms, phone_ms, error, moire) in rows.items():
        print(f"{mode:<14}{street_ms:>12.2f}{phone_ms:>12.1f}{error:>9.2f}{moire:>9.2f}")
    if options.checkpoint is not None:
        print(f"\n{'':<14}{'mask AP':>9}{'AP50':>9}{'AP75':>9}{'box AP':>9}")
        for mode, found in _reports(options.checkpoint, options.data, options.photos):
            print(f"{mode:<14}{found.mask_ap:>9.4f}{found.mask_ap50:>9.4f}{found.mask_ap75:>9.4f}{found.box_ap:>9.4f}")


def _ms(size: tuple[int, int], mode: str) -> float:
    pixels = np.random.default_rng(0).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    wanted = fitted_size(*size, max_side=SIDE_PX, min_side=SIDE_PX)
    elapsed = []
    for _ in range(7):
        started = time.thread_time()
        resize(pixels, wanted, mode)
        elapsed.append((time.thread_time() - started) * 1e3)
    return median(elapsed)


def _aliasing(mode: str) -> tuple[float, float]:
    """Mean over the fabrics of the RMS error, whole and of its coarse part, in grey levels."""
    errors, coarse = [], []
    for size in FABRIC_SIZES:
        wanted = fitted_size(*size, max_side=SIDE_PX, min_side=SIDE_PX)
        for fabric in _fabrics(size):
            ideal = np.asarray(Image.fromarray(fabric.astype(np.float32)).resize(wanted, Image.Resampling.LANCZOS))
            shrunk = resize(np.repeat(fabric[..., None], 3, axis=2), wanted, mode)[..., 0]
            difference = (shrunk.astype(np.float32) - ideal)[8:-8, 8:-8]
            errors.append(float(np.sqrt((difference**2).mean())))
            coarse.append(float(np.asarray(cv2.GaussianBlur(difference, (0, 0), 2.0)).std()))
    return mean(errors), mean(coarse)


def _fabrics(size: tuple[int, int]) -> Iterator[NDArray[np.uint8]]:
    """Two-colored weaves, uint8 (H, W), at several thread widths and angles."""
    x, y = np.meshgrid(np.arange(size[0], dtype=np.float32), np.arange(size[1], dtype=np.float32))
    weaves: tuple[Callable[[NDArray[np.float32], NDArray[np.float32]], NDArray[np.bool_]], ...] = (
        lambda across, _along: across % 2 < 1,
        lambda across, along: (across % 2 < 1) ^ (along % 2 < 1),
        lambda across, along: (across + np.abs(along % 16 - 8)) % 2 < 1,
    )
    for thread_px in (2.0, 2.7, 4.3, 7.0):
        for degrees in (0.0, 7.0, 31.0):
            turn = np.deg2rad(degrees)
            across = (x * np.cos(turn) + y * np.sin(turn)) / thread_px
            along = (y * np.cos(turn) - x * np.sin(turn)) / thread_px
            for weave in weaves:
                yield np.where(weave(across, along), 215, 45).astype(np.uint8)


def _reports(checkpoint: Path, data: Path, n_photos: int | None) -> Iterator[tuple[str, APReport]]:
    config = from_mapping(ModelConfig, read_info(checkpoint, kind="segmenter").config["model"], where=checkpoint.name)
    model = build_mask_rcnn(config)
    load_into(model, checkpoint)
    photos = read_validation(data).photos[:n_photos]
    for mode in INTERPOLATIONS:
        segmenter = Segmenter(model, replace(config, interpolation=mode))
        with tqdm(total=len(photos), desc=mode, unit="photo", leave=False) as bar:
            yield mode, evaluate_segmenter(segmenter, photos, on_progress=progress_on(bar))


if __name__ == "__main__":
    main()
