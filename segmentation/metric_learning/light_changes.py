"""What a phone's camera, its light and a chat's compression do to a picture; uint8 (h, w, 3) in and out."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from segmentation.metric_learning.config import ViewConfig

Image = NDArray[np.uint8]


def changed_light(image: Image, config: ViewConfig, rng: Generator) -> Image:
    """Gain, gamma and white balance in one table; then saturation."""
    if rng.random() < config.light:
        gain = float(np.exp(rng.uniform(-1, 1) * config.gain))
        gamma = float(np.exp(rng.uniform(-1, 1) * config.gamma))
        gains = gain * np.exp(rng.uniform(-1, 1, 3) * config.white_balance)
        ramp = np.linspace(0, 1, 256, dtype=np.float32)[:, None] ** gamma * gains
        table = np.clip(ramp * 255 + 0.5, 0, 255).astype(np.uint8)
        image = np.asarray(cv2.LUT(image, table[None]), dtype=np.uint8)
        keep = 0.0 if rng.random() < config.gray else float(np.exp(rng.uniform(-1, 1) * config.saturation))
        image = _saturated(image, keep)
    return image


def changed_sharpness(image: Image, config: ViewConfig, rng: Generator) -> Image:
    """Blur, shrink and enlarge, noise, JPEG: each with its probability."""
    if rng.random() < config.blur:
        image = np.asarray(cv2.GaussianBlur(image, (0, 0), float(rng.uniform(*config.blur_sigma_px))), dtype=np.uint8)
    if rng.random() < config.small:
        image = _shrunk(image, int(rng.integers(config.small_side_px[0], config.small_side_px[1] + 1)))
    if rng.random() < config.noise:
        noise = rng.standard_normal(image.shape, dtype=np.float32) * np.float32(rng.uniform(1, config.noise_sigma))
        image = np.clip(image + noise, 0, 255).astype(np.uint8)
    if rng.random() < config.jpeg:
        quality = int(rng.integers(config.jpeg_quality[0], config.jpeg_quality[1] + 1))
        _, data = cv2.imencode(".jpg", image, (cv2.IMWRITE_JPEG_QUALITY, quality))
        image = np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), dtype=np.uint8)
    return image


def _saturated(image: Image, keep: float) -> Image:
    gray = cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    return np.asarray(cv2.addWeighted(image, keep, gray, 1 - keep, 0), dtype=np.uint8)


def _shrunk(image: Image, side_px: int) -> Image:
    height, width = image.shape[:2]
    scale = side_px / max(height, width)
    if scale >= 1:
        return image
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR), dtype=np.uint8)
