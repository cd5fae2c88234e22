"""Street scenes: one or two figures wearing catalog products, in a place, in some light."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from segmentation.drawn.backdrops import scene_backdrop
from segmentation.drawn.canvas import Canvas
from segmentation.drawn.dressing import Dresser
from segmentation.drawn.figure import random_look
from segmentation.drawn.geometry import View
from segmentation.drawn.instances import Instance, read_instances
from segmentation.drawn.outfits import choose_outfit
from segmentation.drawn.products import Product
from segmentation.drawn.skeleton import MAN, POSES, WOMAN, Skeleton

Floats = NDArray[np.float32]
SCENE_SIZE_PX = (480, 720)
"""Width, height."""
FIGURE_UNITS = 184.0
"""From hair to soles, high heels included."""


def draw_scene(products: Sequence[Product], rng: Generator) -> tuple[NDArray[np.uint8], list[Instance]]:
    """Figures wearing some of the products.

    Args:
        products: What the figures may choose from; slots for which nothing fits stay empty.
        rng: Decides people, outfits, poses, place, light and occluders.

    Returns:
        image_rgb, uint8, shape (720, 480, 3), and the visible instances, disjoint, one for each shoe and sock.
    """
    width, height = SCENE_SIZE_PX
    image, _ = scene_backdrop(width, height, rng)
    ids: NDArray[np.uint8] = np.zeros((height, width), np.uint8)
    owners: dict[int, Product] = {}
    pair = bool(rng.random() < 0.16)
    share = float(rng.uniform(0.80, 0.94)) if pair or rng.random() < 0.8 else float(rng.uniform(1.05, 1.35))
    for x_share in (0.30, 0.70) if pair else (float(rng.uniform(0.43, 0.57)),):
        size = share * float(rng.uniform(0.84, 0.94)) if pair else share
        canvas, worn = _draw_person(products, rng, x_share, size, 1 + max(owners, default=0))
        owners.update(worn)
        image = _set_into(image, canvas, rng)
        ids[canvas.alpha > 0.5] = 0
        ids[canvas.ids > 0] = canvas.ids[canvas.ids > 0]
    if rng.random() < 0.22:
        image = _occlude(image, ids, rng)
    return _in_light(image, rng), read_instances(ids, owners)


def _draw_person(
    products: Sequence[Product], rng: Generator, x_share: float, share: float, first_tag: int
) -> tuple[Canvas, dict[int, Product]]:
    width, height = SCENE_SIZE_PX
    female = bool(rng.random() < 0.58)
    outfit = choose_outfit(products, rng, female=female)
    pose = POSES[int(rng.integers(len(POSES)))]
    body = Skeleton(WOMAN if female else MAN, pose)
    scale = height * share / FIGURE_UNITS
    head_room = height * float(rng.uniform(0.03, 0.07))
    top = max(height * 0.965 - scale * FIGURE_UNITS, head_room)
    view = View(scale, (width * x_share, top + 32.0 * scale), float(rng.normal(0.0, 0.8)), bool(rng.random() < 0.5))
    canvas = Canvas(width, height, view)
    worn = Dresser(canvas, body, random_look(rng, female=female), outfit, first_tag).draw()
    return canvas, worn


def _set_into(image: Floats, canvas: Canvas, rng: Generator) -> Floats:
    """The figure in the place, with a shadow at its feet."""
    width, height = SCENE_SIZE_PX
    rows = np.nonzero(canvas.alpha.max(axis=1) > 0.5)[0]
    ground = int(rows[-1]) if len(rows) else height - 1
    columns = np.nonzero(canvas.alpha[max(ground - 40, 0) : ground + 1].max(axis=0) > 0.5)[0]
    if len(columns) and ground < height - 4:
        sheet = Image.new("L", (width // 2, height // 2))
        x0, x1 = float(columns[0]) / 2 - 12, float(columns[-1]) / 2 + 18
        ImageDraw.Draw(sheet).ellipse((x0, ground / 2 - 9, x1, ground / 2 + 4), fill=150)
        soft = sheet.filter(ImageFilter.GaussianBlur(5.0)).resize((width, height), Image.Resampling.BILINEAR)
        image = image * (1.0 - np.asarray(soft, dtype=np.float32)[:, :, None] / 255.0)
    tint = np.array([1.0 + rng.uniform(-0.03, 0.03), 1.0, 1.0 + rng.uniform(-0.03, 0.03)], np.float32)
    a = canvas.alpha[:, :, None]
    return np.asarray(image * (1.0 - a) + canvas.rgb * tint, dtype=np.float32)


def _occlude(image: Floats, ids: NDArray[np.uint8], rng: Generator) -> Floats:
    """Something in front of the lens: a post, leaves, a passer-by's shoulder; clears the ids it hides."""
    width, height = SCENE_SIZE_PX
    sheet = Image.new("L", (width, height))
    draw = ImageDraw.Draw(sheet)
    kind = int(rng.integers(3))
    if kind == 0:
        x = int(rng.integers(int(width * 0.2), int(width * 0.8)))
        draw.rectangle((x, 0, x + int(rng.integers(12, 26)), height), fill=255)
        color = (74, 76, 80)
    elif kind == 1:
        for _ in range(22):
            x, y = int(rng.integers(-20, int(width * 0.45))), int(height - abs(rng.normal(0, 90)))
            draw.ellipse((x, y, x + int(rng.integers(30, 80)), y + int(rng.integers(16, 36))), fill=255)
        color = (70, 104, 58)
    else:
        x = int(rng.choice([-60, width - 110]))
        draw.ellipse((x, int(height * 0.62), x + 170, int(height * 1.4)), fill=255)
        color = (92, 84, 92)
    soft = np.asarray(sheet.filter(ImageFilter.GaussianBlur(float(rng.uniform(1.0, 4.0)))), dtype=np.float32) / 255
    if bool(rng.random() < 0.5):
        soft = soft[:, ::-1]
    ids[soft > 0.5] = 0
    shade = np.linspace(1.15, 0.8, width, dtype=np.float32)[None, :, None] * np.array(color, np.float32)
    return np.asarray(image * (1 - soft[:, :, None]) + shade * soft[:, :, None], dtype=np.float32)


def _in_light(image: Floats, rng: Generator) -> NDArray[np.uint8]:
    """Exposure, warmth, contrast, a side light and sensor noise."""
    height, width = image.shape[:2]
    warm = float(rng.normal(0.0, 0.035))
    gains = np.array([1 + warm, 1.0, 1 - warm], np.float32) * float(rng.uniform(0.82, 1.12))
    side = 1.0 + float(rng.uniform(-0.12, 0.12)) * np.linspace(-1, 1, width, dtype=np.float32)
    lit = image * gains * side[None, :, None]
    lit = (lit - 118.0) * float(rng.uniform(0.9, 1.08)) + 118.0
    noise = rng.standard_normal((height, width)).astype(np.float32) * float(rng.uniform(0.5, 3.0))
    return np.asarray(np.clip(lit + noise[:, :, None], 0, 255), dtype=np.uint8)
