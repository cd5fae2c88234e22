"""What stands before a packshot's white background."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from segmentation.masks import Mask

LEAST_BORDER_LIGHTNESS = 225
"""Of 255: a background is white where most of the border is lighter, in every channel."""
LEAST_WHITE_BORDER_SHARE = 0.6
FILL_TOLERANCE = 6
"""How much a neighbour may differ, in each channel, to belong to the background still."""
LEAST_SHARE, MOST_SHARE = 0.02, 0.97
"""Of the photo: less is dust, more is no background."""


def white_background_mask(image_rgb: NDArray[np.uint8]) -> Mask | None:
    """Fill the white from the border inwards; what is left is the thing.

    Args:
        image_rgb: uint8, shape (H, W, 3).

    Returns:
        uint8, shape (H, W), 0 or 1; None where the border is not white, or no thing is left.
    """
    border = np.concatenate((image_rgb[0], image_rgb[-1], image_rgb[:, 0], image_rgb[:, -1]))
    if (border.min(axis=1) >= LEAST_BORDER_LIGHTNESS).mean() < LEAST_WHITE_BORDER_SHARE:
        return None
    white = cv2.copyMakeBorder(image_rgb, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=(255, 255, 255))
    filled = np.zeros((white.shape[0] + 2, white.shape[1] + 2), np.uint8)
    flags = 4 | cv2.FLOODFILL_MASK_ONLY | (1 << 8)
    cv2.floodFill(white, filled, (0, 0), (0, 0, 0), (FILL_TOLERANCE,) * 3, (FILL_TOLERANCE,) * 3, flags)
    mask = (1 - filled[2:-2, 2:-2]).astype(np.uint8)
    mask = np.asarray(cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8)), dtype=np.uint8)
    return mask if LEAST_SHARE <= mask.mean() <= MOST_SHARE else None
