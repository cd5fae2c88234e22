"""The competition's run-length encoding.

`EncodedPixels` holds pairs `start length`, column-major, counted from 1 (one much-copied reader counts from 0,
so the first pixel's number is a parameter).
Source: evaluation page of iMaterialist (Fashion) 2019 at FGVC6.
"""

from __future__ import annotations

import numpy as np

from segmentation.errors import AnnotationError
from segmentation.masks import mask_from_rle, rle_from_starts
from segmentation.types import MaskRLE


def parse_encoded_pixels(text: str, height: int, width: int, *, first_pixel: int = 1) -> MaskRLE:
    """Read one `EncodedPixels` cell without drawing it.

    Args:
        text: Pairs `start length`, in any order.
        height: Of the photo, in pixels.
        width: Likewise.
        first_pixel: The number of the upper left pixel, 1 or 0.

    Raises:
        AnnotationError: Not numbers, an odd count, an empty run, overlapping runs, or a run past the photo's end.

    >>> parse_encoded_pixels("1 2 4 1", 2, 3)["size"]
    [2, 3]
    """
    try:
        numbers = np.array(text.split(), dtype=np.int64)
    except (ValueError, OverflowError) as error:
        raise AnnotationError(f"run-lengths are not whole numbers: {error}") from error
    if len(numbers) == 0:
        raise AnnotationError("the mask is empty")
    if len(numbers) % 2:
        raise AnnotationError(f"an odd count of numbers ({len(numbers)}): starts and lengths must pair up")
    starts, lengths = numbers[0::2] - first_pixel, numbers[1::2]
    order = np.argsort(starts, kind="stable")
    starts, lengths = starts[order], lengths[order]
    if (lengths <= 0).any():
        raise AnnotationError("a run has no pixels")
    if starts[0] < 0:
        raise AnnotationError(f"a run starts before the first pixel ({first_pixel})")
    if (lengths > height * width - starts).any():  # as a sum, numbers near 2**63 would pass
        raise AnnotationError(f"a run ends at pixel {int(starts[-1]) + int(lengths[-1])} of {height * width}")
    if (starts[1:] < starts[:-1] + lengths[:-1]).any():
        raise AnnotationError("runs overlap")
    return rle_from_starts(starts, lengths, height, width)


def format_encoded_pixels(mask: MaskRLE, *, first_pixel: int = 1) -> str:
    """The reverse of `parse_encoded_pixels`, runs in rising order.

    >>> format_encoded_pixels(parse_encoded_pixels("4 1 1 2", 2, 3))
    '1 2 4 1'
    """
    flat = mask_from_rle(mask).reshape(-1, order="F")
    edges = np.flatnonzero(np.diff(np.concatenate(([0], flat, [0])).astype(np.int8)))
    starts, ends = edges[0::2], edges[1::2]
    return " ".join(f"{start + first_pixel} {end - start}" for start, end in zip(starts, ends, strict=True))
