"""Photos with masks for benchmarks that are given no real ones: colored ellipses on noise, as JPEG files."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from segmentation.data.annotations import AnnotatedPhoto, Instance
from segmentation.masks import rle_from_mask


def draw_photos(folder: Path, n_photos: int, *, width: int = 550, height: int = 830) -> list[AnnotatedPhoto]:
    """Write `n_photos` JPEG files of the size of a street photo, with eight garments each."""
    rng = np.random.default_rng(0)
    photos = []
    for number in range(n_photos):
        noise = rng.normal(128, 30, (height // 4, width // 4, 3)).clip(0, 255).astype(np.uint8)
        pixels = np.asarray(cv2.resize(noise, (width, height), interpolation=cv2.INTER_LINEAR), dtype=np.uint8)
        instances = []
        for category_id in rng.integers(0, 27, 8):
            mask = np.zeros((height, width), np.uint8)
            center = (int(rng.integers(width)), int(rng.integers(height)))
            axes = (int(rng.integers(15, width // 4)), int(rng.integers(15, height // 5)))
            cv2.ellipse(mask, center, axes, float(rng.uniform(0, 180)), 0, 360, 1, -1)
            pixels[mask > 0] = rng.integers(0, 255, 3)
            instances.append(Instance(int(category_id), rle_from_mask(mask)))
        file = folder / f"{number}.jpg"
        Image.fromarray(pixels).save(file, quality=90)
        photos.append(AnnotatedPhoto(file.name, file, height, width, tuple(instances)))
    return photos
