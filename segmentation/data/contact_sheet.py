"""Draws training samples with their masks, boxes and names, for people to check."""

from __future__ import annotations

import colorsys
from collections.abc import Callable, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from segmentation.config import SegmenterConfig
from segmentation.data.annotations import AnnotatedPhoto
from segmentation.data.loaders import TrainingPhotos
from segmentation.data.samplers import SampleKey
from segmentation.data.samples import Sample
from segmentation.data.transforms import boxes_from_masks
from segmentation.resizing import resize, resize_mask
from segmentation.taxonomy import N_CATEGORIES, category_by_id

GAP_PX = 6
MASK_OPACITY = 0.35
_FONT_PX, _TITLE_PX, _LEAST_WIDTH_PX = 11, 18, 120


def draw_contact_sheet(
    photos: Sequence[AnnotatedPhoto],
    config: SegmenterConfig,
    *,
    n_photos: int,
    n_variants: int,
    height_px: int = 420,
    on_progress: Callable[[int, int], None] | None = None,
) -> Image.Image:
    """One row a photo: the plain sample, then augmented ones, as training makes them.

    Args:
        photos: All training photos: garments are pasted from any of them.
        config: Augmentations, sizes and the seed that draws photos and variants.
        n_photos: Rows.
        n_variants: Augmented samples in a row.
        height_px: Of a row.
        on_progress: Called with rows done and rows in all.

    Raises:
        AnnotationError: A photo cannot be decoded.
        ConfigError: A value of the configuration is wrong.
    """
    dataset = TrainingPhotos(photos, config)
    chosen = np.random.default_rng(config.train.seed).permutation(len(photos))[:n_photos]
    rows = []
    for row, index in enumerate(chosen):
        # As many epochs as variants: each is what training would make of the photo in that epoch.
        keys = [SampleKey(int(index), max(config.train.train_sides_px), epoch, row) for epoch in range(n_variants)]
        samples = [dataset.plain(SampleKey(int(index), max(config.train.train_sides_px), 0, row))]
        samples += [dataset.sample(key) for key in keys]
        titles = [photos[int(index)].image_id, *(f"variant {number + 1}" for number in range(n_variants))]
        rows.append([draw_sample(*pair, height_px) for pair in zip(samples, titles, strict=True)])
        if on_progress is not None:
            on_progress(row + 1, len(chosen))
    return _in_rows(rows)


def _in_rows(rows: list[list[Image.Image]]) -> Image.Image:
    """Cells of one height, as wide as they are, in columns."""
    widths = [max(cell.width for cell in column) for column in zip(*rows, strict=True)]
    height = rows[0][0].height
    sheet = Image.new(
        "RGB", (sum(widths) + GAP_PX * (len(widths) + 1), len(rows) * (height + GAP_PX) + GAP_PX), "white"
    )
    for number, row in enumerate(rows):
        x = GAP_PX
        for cell, width in zip(row, widths, strict=True):
            sheet.paste(cell, (x, GAP_PX + number * (height + GAP_PX)))
            x += width + GAP_PX
    return sheet


def draw_sample(sample: Sample, title: str, height_px: int) -> Image.Image:
    """A sample under its title, `height_px` high at most twice as wide, its masks in the color of their category."""
    height, width = sample.image_rgb.shape[:2]
    scale = min((height_px - _TITLE_PX) / height, 2 * height_px / width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    pixels = np.array(resize(sample.image_rgb, size))
    for mask, category_id in zip(sample.masks, sample.category_ids, strict=True):
        _tint(pixels, resize_mask(mask, size), _color(int(category_id)))
    cell = Image.new("RGB", (max(size[0], _LEAST_WIDTH_PX), height_px), "white")
    cell.paste(Image.fromarray(pixels), (0, _TITLE_PX))
    draw, font = ImageDraw.Draw(cell), ImageFont.load_default(size=_FONT_PX)
    draw.text((1, 1), f"{title}  {width}x{height}", fill="black", font=font)
    boxes = boxes_from_masks(sample.masks) * scale + (0, _TITLE_PX, -1, _TITLE_PX - 1)
    for box, category_id in zip(boxes.tolist(), sample.category_ids, strict=True):
        draw.rectangle((box[0], box[1], max(box[0], box[2]), max(box[1], box[3])), outline=_color(int(category_id)))
    for box, category_id in zip(boxes.tolist(), sample.category_ids, strict=True):
        name = category_by_id(int(category_id)).name.split(",")[0]
        place = (min(box[0] + 2, size[0] - draw.textlength(name, font=font) - 1), max(_TITLE_PX, box[1] - _FONT_PX - 3))
        draw.rectangle(draw.textbbox(place, name, font=font), fill=_color(int(category_id)))
        draw.text(place, name, fill="white", font=font)
    return cell


def _tint(pixels: NDArray[np.uint8], mask: NDArray[np.uint8], color: tuple[int, int, int]) -> None:
    """Mix a color into the masked pixels and draw the mask's outline, in place."""
    inside = mask.astype(bool)
    pixels[inside] = (pixels[inside] * (1 - MASK_OPACITY) + np.array(color) * MASK_OPACITY).astype(np.uint8)
    contours, _ = cv2.findContours(mask, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(pixels, contours, -1, color, 1)


def _color(category_id: int) -> tuple[int, int, int]:
    """One color a category, the same on every sheet, dark enough for white text; neighbours differ clearly."""
    hue = (category_id * 0.618034) % 1.0
    red, green, blue = colorsys.hls_to_rgb(
        hue, 0.36 + 0.10 * (category_id % 2), 0.85 - 0.25 * category_id / N_CATEGORIES
    )
    return round(red * 255), round(green * 255), round(blue * 255)
