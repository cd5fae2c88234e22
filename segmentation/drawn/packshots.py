"""Packshots: one product alone, flat or as if on an invisible mannequin."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from segmentation.drawn.accessories import PACKSHOT_PAINTERS, PAIRED
from segmentation.drawn.backdrops import packshot_backdrop
from segmentation.drawn.canvas import Canvas, Ruler
from segmentation.drawn.fitting import Fitting
from segmentation.drawn.garments import draw_whole_garment
from segmentation.drawn.geometry import View, turned
from segmentation.drawn.instances import Instance, read_instances
from segmentation.drawn.products import Product
from segmentation.drawn.skeleton import MAN, WOMAN, Skeleton, resting

Floats = NDArray[np.float32]
PACKSHOT_SIZE_PX = (480, 640)
"""Width, height."""


def draw_packshot(product: Product, rng: Generator) -> tuple[NDArray[np.uint8], list[Instance]]:
    """One product on a plain background.

    Args:
        product: What to show.
        rng: Decides background, light, turn and scale; the product itself is fixed.

    Returns:
        image_rgb, uint8, shape (640, 480, 3), and its instances (two for a pair of shoes or socks).
    """
    width, height = PACKSHOT_SIZE_PX
    body = resting(MAN if product.gender == "male" else WOMAN, float(rng.uniform(13, 30)), float(rng.uniform(2.0, 5.0)))
    angle = float(np.clip(rng.normal(0.0, 2.5), -8, 8))
    fill = float(rng.uniform(0.72, 0.88))
    view = _framing(product, body, angle, fill, mirror=product.category_id == 23 and bool(rng.random() < 0.5))
    canvas = Canvas(width, height, view)
    _draw_product(canvas, product, body)
    backdrop = packshot_backdrop(width, height, rng)
    backdrop *= (1.0 - _soft_shadow(canvas, rng))[:, :, None]
    image = backdrop * (1.0 - canvas.alpha[:, :, None]) + canvas.rgb
    image = (image - 128.0) * float(rng.uniform(0.95, 1.05)) + 128.0 + float(rng.uniform(-4, 4))
    owners = {1: product, 2: product} if product.category_id in PAIRED else {1: product}
    return np.clip(image, 0, 255).astype(np.uint8), read_instances(canvas.ids, owners)


def _draw_product(canvas: Canvas, product: Product, body: Skeleton) -> None:
    fit = Fitting(canvas, body, product.fabric, product.trim, 1, False)
    if product.cut.accessory is not None:
        PACKSHOT_PAINTERS[product.category_id](fit, product.cut.accessory)
    else:
        draw_whole_garment(fit, product.cut)


def _framing(product: Product, body: Skeleton, angle_deg: float, fill: float, *, mirror: bool) -> View:
    """The view in which the product fills a share of the picture."""
    width, height = PACKSHOT_SIZE_PX
    ruler = Ruler()
    _draw_product(ruler, product, body)
    corners = np.array([[x, y] for x in (ruler.low[0], ruler.high[0]) for y in (ruler.low[1], ruler.high[1])])
    flipped = corners * np.array([-1.0 if mirror else 1.0, 1.0])
    seen = turned(flipped, angle_deg)
    low, high = seen.min(axis=0), seen.max(axis=0)
    extent = high - low
    scale = float(min(width * fill / extent[0], height * fill / extent[1]))
    middle = (low + high) / 2 * scale
    return View(scale, (width / 2 - float(middle[0]), height / 2 - float(middle[1])), angle_deg, mirror)


def _soft_shadow(canvas: Canvas, rng: Generator) -> Floats:
    """How much the product darkens what it lies on, shape (H, W)."""
    blur, strength = float(rng.uniform(5, 12)), float(rng.uniform(0.18, 0.38))
    dx, dy = int(rng.integers(-6, 9)), int(rng.integers(4, 12))
    solid = Image.fromarray((canvas.alpha * 255).astype(np.uint8)).reduce(2)
    soft = solid.filter(ImageFilter.GaussianBlur(blur / 2)).resize(canvas.size, Image.Resampling.BILINEAR)
    moved = np.roll(np.asarray(soft, dtype=np.float32) / 255, (dy, dx), (0, 1))
    return np.asarray(moved * strength, dtype=np.float32)
