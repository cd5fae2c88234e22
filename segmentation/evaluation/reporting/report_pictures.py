"""Contact sheets of examples: a crop of the photo each, with the annotated and the found outline."""

from __future__ import annotations

from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont
from pycocotools import mask as coco_mask

from segmentation.boxes import clipped_box
from segmentation.data.annotations import AnnotatedPhoto
from segmentation.evaluation.detections import photo_rgb
from segmentation.evaluation.examples import Example
from segmentation.masks import mask_polygons
from segmentation.types import BoxXyxyPx, Detection, MaskRLE

COLUMNS = 4
CELL_PX = 300
CAPTION_PX = 46
GAP_PX = 8
HEADER_PX = 34
TRUE_RGB, FOUND_RGB = (0, 230, 118), (255, 45, 140)
_MARGIN = 0.15
_LEAST_SIDE_PX = 48
"""Crops are never smaller: without its surroundings, a watch is a smear."""
_TITLE, _TEXT = ImageFont.load_default(size=16), ImageFont.load_default(size=14)


def contact_sheet(
    examples: Sequence[Example],
    photos: Sequence[AnnotatedPhoto],
    detections: Sequence[Sequence[Detection]],
) -> Image.Image:
    """Lay examples out in rows of four, under a legend.

    Args:
        examples: At least one.
        photos: The photos the examples' numbers count.
        detections: Of every photo, likewise.

    Raises:
        AnnotationError: A photo cannot be decoded; the message names it.
    """
    n_rows = -(-len(examples) // COLUMNS)
    width = COLUMNS * (CELL_PX + GAP_PX) + GAP_PX
    sheet = Image.new("RGB", (width, HEADER_PX + n_rows * (CELL_PX + CAPTION_PX + GAP_PX) + GAP_PX), "white")
    _legend(ImageDraw.Draw(sheet))
    for index, example in enumerate(examples):
        row, column = divmod(index, COLUMNS)
        left, top = GAP_PX + column * (CELL_PX + GAP_PX), HEADER_PX + row * (CELL_PX + CAPTION_PX + GAP_PX)
        sheet.paste(_cell(example, photos[example.photo], detections[example.photo]), (left, top))
        draw = ImageDraw.Draw(sheet)
        draw.text((left + 2, top + CELL_PX + 4), _fitted(draw, example.caption[0], _TITLE), fill="black", font=_TITLE)
        draw.text((left + 2, top + CELL_PX + 24), _fitted(draw, example.caption[1], _TEXT), fill="#444", font=_TEXT)
    return sheet


def _legend(draw: ImageDraw.ImageDraw) -> None:
    x = GAP_PX
    for color, text in ((TRUE_RGB, "annotated"), (FOUND_RGB, "found by the model")):
        draw.rectangle((x, 10, x + 16, 24), fill=color, outline="black")
        draw.text((x + 24, 8), text, fill="black", font=_TEXT)
        x += 40 + round(draw.textlength(text, font=_TEXT))


def _cell(example: Example, photo: AnnotatedPhoto, detections: Sequence[Detection]) -> Image.Image:
    """A square piece of the photo around what the example is about."""
    masks: list[tuple[MaskRLE, tuple[int, int, int]]] = []
    if example.true is not None:
        masks.append((photo.instances[example.true].mask, TRUE_RGB))
    if example.found is not None:
        masks.append((detections[example.found].mask, FOUND_RGB))
    window = _window([mask for mask, _ in masks])
    cell = _piece(photo, window)
    draw = ImageDraw.Draw(cell)
    scale = CELL_PX / (window[2] - window[0])
    for mask, color in masks:
        for polygon in mask_polygons(mask, max_side_px=2048, tolerance_px=0.4):
            points = [
                ((x * photo.width_px - window[0]) * scale, (y * photo.height_px - window[1]) * scale)
                for x, y in zip(polygon[0::2], polygon[1::2], strict=True)
            ]
            for width, stroke in ((5, (0, 0, 0)), (3, color)):  # dark rims keep outlines visible on any cloth
                draw.line([*points, *points[:2]], fill=stroke, width=width, joint="curve")
    return cell


def _window(masks: Sequence[MaskRLE]) -> BoxXyxyPx:
    """A square around masks, in annotated pixels; it may reach over the photo's edges."""
    boxes = [coco_mask.toBbox({"size": mask["size"], "counts": mask["counts"].encode("ascii")}) for mask in masks]
    x_min, y_min = min(box[0] for box in boxes), min(box[1] for box in boxes)
    x_max, y_max = max(box[0] + box[2] for box in boxes), max(box[1] + box[3] for box in boxes)
    half = max(x_max - x_min, y_max - y_min, _LEAST_SIDE_PX) * (0.5 + _MARGIN)
    x, y = (x_min + x_max) / 2, (y_min + y_max) / 2
    return float(x - half), float(y - half), float(x + half), float(y + half)


def _piece(photo: AnnotatedPhoto, window: BoxXyxyPx) -> Image.Image:
    """The window of a photo, `CELL_PX` wide and high; grey where it reaches over the edges."""
    image = Image.fromarray(photo_rgb(photo))
    cell = Image.new("RGB", (CELL_PX, CELL_PX), "#d8d8d8")
    inner = clipped_box(window, (photo.width_px, photo.height_px))
    scale = CELL_PX / (window[2] - window[0])
    size = max(1, round((inner[2] - inner[0]) * scale)), max(1, round((inner[3] - inner[1]) * scale))
    x, y = image.width / photo.width_px, image.height / photo.height_px
    source = (inner[0] * x, inner[1] * y, inner[2] * x, inner[3] * y)
    piece = image.resize(size, Image.Resampling.LANCZOS, box=source)
    cell.paste(piece, (round((inner[0] - window[0]) * scale), round((inner[1] - window[1]) * scale)))
    return cell


def _fitted(draw: ImageDraw.ImageDraw, text: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont) -> str:
    """The text, cut where it would leave its cell."""
    if draw.textlength(text, font=font) <= CELL_PX - 4:
        return text
    while text and draw.textlength(f"{text}…", font=font) > CELL_PX - 4:
        text = text[:-1]
    return f"{text}…"
