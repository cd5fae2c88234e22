"""Draws what was found over a photo, for people to check."""

from __future__ import annotations

import colorsys

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from segmentation.masks import mask_polygons
from segmentation.taxonomy import category_by_id
from segmentation.types import GarmentDescriptor

_MASK_OPACITY = 96  # of 255: the fabric must stay visible


def draw_overlay(image_rgb: NDArray[np.uint8], garments: tuple[GarmentDescriptor, ...]) -> Image.Image:
    """Lay masks, boxes and labels over a photo.

    Args:
        image_rgb: uint8, shape (H, W, 3), as displayed, at the resolution the boxes are given in.
        garments: From `GarmentPredictor.describe`.

    Returns:
        The picture, of the photo's size.
    """
    photo = Image.fromarray(image_rgb).convert("RGBA")
    width, height = photo.size
    line = max(2, round(max(photo.size) / 400))
    font = ImageFont.load_default(size=max(12, round(max(photo.size) / 45)))
    layer = Image.new("RGBA", photo.size)
    draw = ImageDraw.Draw(layer)
    hues = [_hue(index) for index in range(len(garments))]
    for hue, garment in zip(hues, garments, strict=True):
        if garment.mask is not None:
            for polygon in mask_polygons(garment.mask, max_side_px=1024):
                points = [(x * width, y * height) for x, y in zip(polygon[0::2], polygon[1::2], strict=True)]
                draw.polygon(points, fill=(*hue, _MASK_OPACITY), outline=(*hue, 255), width=line)
    for hue, garment in zip(hues, garments, strict=True):
        draw.rectangle(garment.box_xyxy_px, outline=(*hue, 255), width=line)
        _label(draw, garment, hue, font)
    return Image.alpha_composite(photo, layer).convert("RGB")


def _label(
    draw: ImageDraw.ImageDraw,
    garment: GarmentDescriptor,
    hue: tuple[int, int, int],
    font: ImageFont.FreeTypeFont | ImageFont.ImageFont,
) -> None:
    name = category_by_id(garment.category_id).name if garment.category_id is not None else "photo"
    text = f"{garment.color.name} {name} {garment.score:.2f}"
    left, top, right, bottom = draw.textbbox((0, 0), text, font=font)
    x, y = garment.box_xyxy_px[0], max(0.0, garment.box_xyxy_px[1] - (bottom - top) - 6)
    draw.rectangle((x, y, x + right - left + 6, y + bottom - top + 6), fill=(*hue, 230))
    draw.text((x + 3 - left, y + 3 - top), text, fill=(255, 255, 255, 255), font=font)


def _hue(index: int) -> tuple[int, int, int]:
    """Distinct, dark enough for white text: the golden angle around the color wheel."""
    red, green, blue = colorsys.hls_to_rgb((index * 0.618034) % 1.0, 0.38, 0.75)
    return round(red * 255), round(green * 255), round(blue * 255)
