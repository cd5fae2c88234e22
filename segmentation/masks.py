"""Binary masks as run-lengths: COCO's form, the crop a mask lives in, and polygons for drawing.

Everything here avoids an array of the photo's size where it can: pasting masks into a 12-megapixel photo
costs more than finding them.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from pycocotools import mask as coco_mask

from segmentation.types import BoxXyxyPx, MaskRLE

Mask = NDArray[np.uint8]
"""uint8, shape (height, width), values 0 or 1."""
_MOST_REMAPPED_PX = 2**15 - 2
"""OpenCV remaps to no longer side; a 4-megapixel panorama may have one."""


def rle_from_mask(mask: Mask) -> MaskRLE:
    """Encode a full-size mask of shape (height, width), values 0 or 1."""
    encoded = coco_mask.encode(np.asfortranarray(mask.astype(np.uint8)))
    return {"size": [int(side) for side in encoded["size"]], "counts": encoded["counts"].decode("ascii")}


def mask_from_rle(rle: MaskRLE) -> Mask:
    """Decode to a uint8 array of shape (height, width), values 0 or 1."""
    decoded: Mask = coco_mask.decode({"size": rle["size"], "counts": rle["counts"].encode("ascii")})
    return decoded


def rle_area(rle: MaskRLE) -> int:
    """Count the mask's pixels without decoding it."""
    return int(coco_mask.area({"size": rle["size"], "counts": rle["counts"].encode("ascii")}))


def rle_from_starts(starts: NDArray[np.int64], lengths: NDArray[np.int64], height: int, width: int) -> MaskRLE:
    """Encode sorted, disjoint column-major runs (0-based `starts`, pixel `lengths`) of a (height, width) mask."""
    ends = starts + lengths
    apart = starts[1:] != ends[:-1]
    if not apart.all():  # runs that touch are one run: an empty gap is not a legal count
        starts, ends = starts[np.concatenate(([True], apart))], ends[np.concatenate((apart, [True]))]
    counts = np.empty(2 * len(starts) + 1, dtype=np.uint32)
    counts[1::2] = ends - starts
    counts[0] = starts[0] if len(starts) else 0
    counts[2:-1:2] = starts[1:] - ends[:-1]
    counts[-1] = height * width - (ends[-1] if len(ends) else 0)
    if counts[-1] == 0:  # the mask reaches the last pixel: COCO writes no empty last run
        counts = counts[:-1]
    # As an array: a list of the same numbers takes three times as long.
    encoded = coco_mask.frPyObjects({"size": [height, width], "counts": counts}, height, width)
    return {"size": [height, width], "counts": encoded["counts"].decode("ascii")}


def runs_from_rle(rle: MaskRLE) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The reverse of `rle_from_starts`, without decoding to pixels: starts and lengths, int64, shape (n,).

    Raises:
        ValueError: The text is no run-lengths, or they do not add up to the mask's size.

    >>> mask = rle_from_starts(np.array([1, 4]), np.array([2, 1]), 2, 3)
    >>> [part.tolist() for part in runs_from_rle(mask)]
    [[1, 4], [2, 1]]
    """
    counts = _counts(np.frombuffer(rle["counts"].encode("ascii"), dtype=np.uint8).astype(np.int64) - 48)
    height, width = rle["size"]
    if (counts < 0).any():
        raise ValueError("a run has less than no pixels")
    if counts.sum() != height * width:
        raise ValueError(f"the runs add up to {int(counts.sum())} pixels of {height * width}")
    starts, lengths = np.cumsum(counts)[:-1:2], counts[1::2]
    return starts[lengths > 0], lengths[lengths > 0]


def _counts(digits: NDArray[np.int64]) -> NDArray[np.int64]:
    """COCO's text to its counts: five bits a digit, the lowest first; bit 5 says that more follow, bit 4 is the sign.

    Source: rleFrString in cocoapi's maskApi.c.
    """
    if len(digits) == 0 or digits.min() < 0 or digits.max() > 63 or digits[-1] & 32:
        raise ValueError("not COCO's run-lengths")
    lasts = np.flatnonzero(digits < 32)
    firsts = np.concatenate(([0], lasts[:-1] + 1))
    places = 5 * (np.arange(len(digits)) - np.repeat(firsts, lasts - firsts + 1))
    if places.max() > 30:
        raise ValueError("a run-length has more than 32 bits")
    values = np.add.reduceat((digits & 31) << places, firsts)
    values -= np.where(digits[lasts] & 16, np.int64(32) << places[lasts], 0)
    values[1::2] = np.cumsum(values[1::2])  # every count but the first three is told as the change to the last but one
    values[2::2] = np.cumsum(values[2::2])
    return values


def rle_from_crop(crop: Mask, x_px: int, y_px: int, height: int, width: int) -> MaskRLE:
    """Encode a mask given by the window it lives in.

    Args:
        crop: uint8, shape (h, w), values 0 or 1; lies inside the photo.
        x_px: Column of the window's left edge.
        y_px: Row of the window's upper edge.
        height: Of the whole photo, in pixels.
        width: Likewise.
    """
    crop_h, crop_w = crop.shape
    columns = np.zeros((crop_w, crop_h + 2), dtype=np.int8)
    columns[:, 1:-1] = crop.T
    edges = np.diff(columns, axis=1)
    column, row_start = np.nonzero(edges == 1)
    _, row_end = np.nonzero(edges == -1)
    starts = (column.astype(np.int64) + x_px) * height + row_start + y_px
    return rle_from_starts(starts, (row_end - row_start).astype(np.int64), height, width)


def paste_probabilities(
    probabilities: NDArray[np.float32], box_xyxy_px: BoxXyxyPx, height: int, width: int, threshold: float
) -> tuple[Mask, int, int]:
    """Resample a mask head's square of probabilities to its box, inside the photo.

    Args:
        probabilities: float32, shape (m, m), 0..1.
        box_xyxy_px: The detection's box in the photo's pixels.
        height: Of the photo, in pixels.
        width: Likewise.
        threshold: Probability from which a pixel belongs to the mask.

    Returns:
        The mask's window (uint8, 0 or 1, at least 1x1) and its left and upper edge in the photo.
    """
    window, left, top = pasted_probabilities(probabilities, box_xyxy_px, height, width)
    return (window >= threshold).astype(np.uint8), left, top


def pasted_probabilities(
    probabilities: NDArray[np.float32], box_xyxy_px: BoxXyxyPx, height: int, width: int
) -> tuple[NDArray[np.float32], int, int]:
    """`paste_probabilities` before its threshold: the window is float32, 0..1."""
    x_min, y_min, x_max, y_max = box_xyxy_px
    left, top = max(0, int(np.floor(x_min))), max(0, int(np.floor(y_min)))
    right, bottom = min(width, max(left + 1, int(np.ceil(x_max)))), min(height, max(top + 1, int(np.ceil(y_max))))
    left, top = min(left, right - 1), min(top, bottom - 1)
    size = probabilities.shape[0]
    columns = (np.arange(left, right, dtype=np.float32) + 0.5 - x_min) * (size / max(x_max - x_min, 1e-6)) - 0.5
    rows = (np.arange(top, bottom, dtype=np.float32) + 0.5 - y_min) * (size / max(y_max - y_min, 1e-6)) - 0.5
    # One pixel of zeros around the square lets an edge fade out as torchvision's expand_masks does.
    padded = np.pad(probabilities, 1)
    return _remapped(padded, (columns + 1).astype(np.float32), (rows + 1).astype(np.float32)), left, top


def _remapped(
    pixels: NDArray[np.float32], columns: NDArray[np.float32], rows: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Sample pixels linearly at every column and row, zeros around them; in pieces, as OpenCV has a longest side."""
    window = np.empty((len(rows), len(columns)), dtype=np.float32)
    for top in range(0, len(rows), _MOST_REMAPPED_PX):
        for left in range(0, len(columns), _MOST_REMAPPED_PX):
            piece = (slice(top, top + _MOST_REMAPPED_PX), slice(left, left + _MOST_REMAPPED_PX))
            map_x, map_y = np.meshgrid(columns[piece[1]], rows[piece[0]])
            window[piece] = cv2.remap(pixels, map_x, map_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
    return window


def mask_polygons(
    mask: MaskRLE, *, max_side_px: int = 640, tolerance_px: float = 1.0, min_share: float = 0.01
) -> list[list[float]]:
    """Outline a mask for drawing.

    Args:
        mask: The mask at the photo's resolution.
        max_side_px: The outline is traced at most at this size; more detail is not visible on a page.
        tolerance_px: Largest deviation of the simplified outline, at the traced size.
        min_share: Specks smaller than this share of the largest piece are left out.

    Returns:
        One `[x, y, x, y, ...]` a connected outer contour, 0..1 of the photo's width and height, largest first.
    """
    full = mask_from_rle(mask)
    height, width = full.shape
    scale = min(1.0, max_side_px / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = full if scale == 1.0 else cv2.resize(full, size, interpolation=cv2.INTER_NEAREST)
    contours, _ = cv2.findContours(small, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    polygons = []
    ranked = sorted(contours, key=cv2.contourArea, reverse=True)
    for contour in ranked:
        if cv2.contourArea(contour) < min_share * cv2.contourArea(ranked[0]):
            break
        points = cv2.approxPolyDP(contour, tolerance_px, True).reshape(-1, 2)
        if len(points) >= 3:
            relative = (points + 0.5) / np.array([small.shape[1], small.shape[0]])
            polygons.append([round(float(value), 4) for value in relative.reshape(-1)])
    return polygons
