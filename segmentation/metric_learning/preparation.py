"""A picture of an identity, reduced to what training needs: a small window, a mask in it, the thing's box."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from segmentation.errors import AnnotationError, PhotoRejected
from segmentation.images import decode_rgb
from segmentation.masks import Mask, mask_from_rle
from segmentation.metric_learning.foreground import white_background_mask
from segmentation.metric_learning.garment_finder import GarmentFinder
from segmentation.metric_learning.identities import IdentityItem
from segmentation.types import BoxXyxyPx

CONTEXT_SHARE = 0.3
"""Of the box's longer side, kept around it: what augmentations turn, shift and blur into view."""
WORKING_SIDE_PX = 1024
"""As in service, photos are not read larger."""


@dataclass(frozen=True, slots=True, eq=False)
class PreparedCrop:
    """A window of a photo.

    image_rgb: uint8 (h, w, 3). mask: uint8 (h, w), 0 or 1, or None. box_xyxy_px: the thing's, in the window.
    is_whole: it stands for a whole photo in which nothing was segmented, and is never cut out by its mask.
    """

    image_rgb: NDArray[np.uint8]
    mask: Mask | None
    box_xyxy_px: BoxXyxyPx
    category_id: int | None
    is_whole: bool


def prepare(item: IdentityItem, finder: GarmentFinder | None, stored_side_px: int) -> list[PreparedCrop]:
    """Cut an item's window out of its photo; a packshot gives the whole photo and, where one is found, its garment.

    Args:
        item: What to cut.
        finder: Finds the garment of a packshot; None leaves packshots whole.
        stored_side_px: Longer side of the windows.

    Raises:
        AnnotationError: The photo cannot be read, or its mask has another size.
    """
    try:
        image = decode_rgb(item.photo.read_bytes(), turn=item.mask is None)
    except (OSError, PhotoRejected) as error:
        raise AnnotationError(f"{item.photo}: {error}") from error
    height, width = image.shape[:2]
    if item.mask is not None:
        mask = mask_from_rle(item.mask)
        if mask.shape != (height, width):
            raise AnnotationError(
                f"{item.photo}: the mask is for {mask.shape[1]}x{mask.shape[0]}, not {width}x{height}"
            )
        box = item.box_xyxy_px or box_of(mask)
        return [] if box is None else [_window(image, mask, box, item.category_id, stored_side_px)]
    if item.box_xyxy_px is not None:
        return [_window(image, None, item.box_xyxy_px, item.category_id, stored_side_px)]
    return _packshot(image, item, finder, stored_side_px)


def box_of(mask: Mask) -> BoxXyxyPx | None:
    """The box around a mask's pixels; None where it has none."""
    x, y, width, height = cv2.boundingRect(mask)
    return (float(x), float(y), float(x + width), float(y + height)) if width > 0 and height > 0 else None


def _packshot(
    image: NDArray[np.uint8], item: IdentityItem, finder: GarmentFinder | None, stored_side_px: int
) -> list[PreparedCrop]:
    scale = WORKING_SIDE_PX / max(image.shape[:2])
    if scale < 1:
        size = (max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale)))
        image = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    height, width = image.shape[:2]
    whole_box = (0.0, 0.0, float(width), float(height))
    foreground = white_background_mask(image)
    crops = [_window(image, foreground, whole_box, item.category_id, stored_side_px, is_whole=True)]
    found = finder.find(image, item.category_id) if finder is not None else None
    if found is not None:
        category_id = found.category_id if item.category_id is None else item.category_id
        crops.append(_window(image, found.mask, found.box_xyxy_px, category_id, stored_side_px))
    elif foreground is not None:
        box = box_of(foreground) or whole_box
        crops.append(_window(image, foreground, box, item.category_id, stored_side_px))
    return crops


def _window(
    image: NDArray[np.uint8],
    mask: Mask | None,
    box: BoxXyxyPx,
    category_id: int | None,
    stored_side_px: int,
    *,
    is_whole: bool = False,
) -> PreparedCrop:
    height, width = image.shape[:2]
    context = CONTEXT_SHARE * max(box[2] - box[0], box[3] - box[1])
    left, top = max(0, int(box[0] - context)), max(0, int(box[1] - context))
    right, bottom = min(width, int(np.ceil(box[2] + context))), min(height, int(np.ceil(box[3] + context)))
    window = image[top:bottom, left:right]
    scale = min(1.0, stored_side_px / max(window.shape[:2]))
    size = (max(1, round(window.shape[1] * scale)), max(1, round(window.shape[0] * scale)))
    small = np.asarray(cv2.resize(window, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    small_mask = None
    if mask is not None:
        part = mask[top:bottom, left:right] * np.float32(1.0)
        small_mask = (cv2.resize(part, size, interpolation=cv2.INTER_AREA) >= 0.5).astype(np.uint8)
    x, y = size[0] / (right - left), size[1] / (bottom - top)
    small_box = ((box[0] - left) * x, (box[1] - top) * y, (box[2] - left) * x, (box[3] - top) * y)
    return PreparedCrop(small, small_mask, small_box, category_id, is_whole)
