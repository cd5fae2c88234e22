"""A photo with its masks, brought to the size a model is trained at: whole, or a window of it."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from pycocotools import mask as coco_mask

from segmentation.config import ModelConfig
from segmentation.data.annotations import AnnotatedPhoto, Instance
from segmentation.errors import AnnotationError, PhotoRejected
from segmentation.images import decode_rgb
from segmentation.masks import Mask, mask_from_rle
from segmentation.resizing import input_size, resize, resize_mask

Window = tuple[int, int, int, int]
"""xyxy pixels, the far edges exclusive."""


@dataclass(frozen=True, slots=True)
class Sample:
    """A photo with its masks.

    image_rgb: uint8, shape (H, W, 3), RGB, 0..255. masks: uint8, shape (N, H, W), 0 or 1.
    category_ids: int64, shape (N,), 0..45.
    """

    image_rgb: NDArray[np.uint8]
    masks: NDArray[np.uint8]
    category_ids: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Framing:
    """Which part of a photo a sample shows, and where.

    window_xyxy_px: The part, in the photo's pixels. size: Width and height of the sample. content_size: Width and
    height that the part gets, at most `size`. offset: Where its upper left corner lies in the sample; the rest is
    filled with the mean color.
    """

    window_xyxy_px: Window
    size: tuple[int, int]
    content_size: tuple[int, int]
    offset: tuple[int, int] = (0, 0)


def whole_photo(photo: AnnotatedPhoto, config: ModelConfig, side_px: int | None = None) -> Framing:
    """The framing that shows everything at the size serving would give it, or at another longer side."""
    size = input_size(photo.width_px, photo.height_px, config, side_px)
    return Framing((0, 0, photo.width_px, photo.height_px), size, size)


def load_sample(photo: AnnotatedPhoto, config: ModelConfig, framing: Framing) -> Sample:
    """Decode what a framing shows of a photo, with the masks that have a pixel there.

    Raises:
        AnnotationError: The photo cannot be decoded, or is not of the annotated size.
    """
    x_min, y_min, x_max, y_max = framing.window_xyxy_px
    window = decode_photo(photo)[y_min:y_max, x_min:x_max]
    image = _placed(resize(window, framing.content_size, config.interpolation), framing, mean_color(config))
    masks, category_ids = [], []
    for instance, box in zip(photo.instances, instance_boxes(photo.instances), strict=True):
        if box[0] < x_max and box[1] < y_max and box[2] > x_min and box[3] > y_min:
            mask = resized_window(instance, framing.window_xyxy_px, framing.content_size)
            if mask.any():
                masks.append(_placed(mask, framing, (0,)))
                category_ids.append(instance.category_id)
    width, height = framing.size
    stacked = np.stack(masks) if masks else np.zeros((0, height, width), np.uint8)
    return Sample(image, stacked, np.array(category_ids, dtype=np.int64))


def decode_photo(photo: AnnotatedPhoto) -> NDArray[np.uint8]:
    """Decode a photo as it was annotated, without turning it: uint8, shape (H, W, 3), RGB.

    Raises:
        AnnotationError: As `load_sample`.
    """
    try:
        decoded = decode_rgb(photo.file.read_bytes(), turn=False)
    except (OSError, ValueError, PhotoRejected) as error:
        raise AnnotationError(f"{photo.image_id}: {error}") from error
    height, width = decoded.shape[:2]
    if (height, width) != (photo.height_px, photo.width_px):
        raise AnnotationError(
            f"{photo.image_id}: the photo is {width}x{height}, annotated as {photo.width_px}x{photo.height_px}"
        )
    return decoded


def instance_boxes(instances: tuple[Instance, ...]) -> NDArray[np.int64]:
    """Boxes of masks without decoding them: (N, 4), xyxy pixels of the photo, the far edges exclusive."""
    if not instances:
        return np.zeros((0, 4), dtype=np.int64)
    encoded = [{"size": i.mask["size"], "counts": i.mask["counts"].encode("ascii")} for i in instances]
    boxes = np.asarray(coco_mask.toBbox(encoded)).reshape(-1, 4).astype(np.int64)
    boxes[:, 2:] += boxes[:, :2]
    return boxes


def resized_window(instance: Instance, window_xyxy_px: Window, size: tuple[int, int]) -> Mask:
    """A window of an instance's mask at `size` (width, height): uint8, 0 or 1."""
    x_min, y_min, x_max, y_max = window_xyxy_px
    # Run-lengths go down the columns, so the decoded mask is contiguous when transposed; the small result is turned.
    columns = mask_from_rle(instance.mask).T[x_min:x_max, y_min:y_max]
    return np.ascontiguousarray(resize_mask(columns, (size[1], size[0])).T)


def mean_color(config: ModelConfig) -> tuple[int, ...]:
    """What lies beside a photo, 0..255 RGB: the color that is zero once the model has normalized it."""
    return tuple(round(255 * value) for value in config.image_mean)


def _placed(pixels: NDArray[np.uint8], framing: Framing, fill: tuple[int, ...]) -> NDArray[np.uint8]:
    if framing.content_size == framing.size:
        return pixels
    (left, top), (width, height), (inner, tall) = framing.offset, framing.size, framing.content_size
    border = (top, height - tall - top, left, width - inner - left)
    return np.asarray(cv2.copyMakeBorder(pixels, *border, cv2.BORDER_CONSTANT, value=fill), dtype=np.uint8)
