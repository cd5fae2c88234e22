"""The competition's run-length encoding.

`EncodedPixels` holds pairs `start length`, column-major, counted from 1 (one much-copied reader counts from 0,
so the first pixel's number is a parameter).
Source: evaluation page of iMaterialist (Fashion) 2019 at FGVC6.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from segmentation.data.problems import BadEntry, ProblemKind
from segmentation.masks import rle_from_starts, runs_from_rle
from segmentation.types import MaskRLE


def parse_encoded_pixels(text: str, height: int, width: int, *, first_pixel: int = 1) -> MaskRLE:
    """Read one `EncodedPixels` cell without drawing it.

    Args:
        text: Pairs `start length`, in any order.
        height: Of the photo, in pixels.
        width: Likewise.
        first_pixel: The number of the upper left pixel, 1 or 0.

    Raises:
        BadEntry: Not numbers, an odd count, an empty run, overlapping runs, or a run past the photo's end.

    >>> parse_encoded_pixels("1 2 4 1", 2, 3)["size"]
    [2, 3]
    """
    starts, lengths = parse_runs(text, height, width, first_pixel=first_pixel)
    return rle_from_starts(starts, lengths, height, width)


def parse_runs(
    text: str, height: int, width: int, *, first_pixel: int = 1
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """As `parse_encoded_pixels`, but give the runs: starts counted from 0, rising, and lengths, both int64 (n,).

    Raises:
        BadEntry: As `parse_encoded_pixels`.

    >>> [part.tolist() for part in parse_runs("4 1 1 2", 2, 3)]
    [[0, 3], [2, 1]]
    """
    try:
        # Three times faster than splitting; numbers beyond 64 bits become the largest one, past any photo's end.
        numbers = np.fromstring(text, dtype=np.int64, sep=" ")
    except ValueError:
        raise BadEntry(ProblemKind.BAD_NUMBER, "run-lengths are not whole numbers") from None
    if len(numbers) == 0 or text.isspace():  # NumPy reads a number out of blanks
        raise BadEntry(ProblemKind.EMPTY_MASK, "the mask is empty")
    if len(numbers) % 2:
        reason = f"an odd count of numbers ({len(numbers)}): starts and lengths must pair up"
        raise BadEntry(ProblemKind.ODD_RUNS, reason)
    starts, lengths, n_pixels = numbers[0::2] - first_pixel, numbers[1::2], height * width
    ends = starts + lengths
    # The largest number first: sums near 2**63 would wrap around and pass.
    in_bounds = numbers.max() <= n_pixels and lengths.min() > 0 and starts[0] >= 0 and ends[-1] <= n_pixels
    if in_bounds and (starts[1:] >= ends[:-1]).all():
        return starts, lengths
    return _sorted_runs(starts, lengths, n_pixels, first_pixel)


def _sorted_runs(
    starts: NDArray[np.int64], lengths: NDArray[np.int64], n_pixels: int, first_pixel: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Bring runs into their order, or say what is wrong with them."""
    order = np.argsort(starts, kind="stable")
    starts, lengths = starts[order], lengths[order]
    if lengths.min() <= 0:
        raise BadEntry(ProblemKind.EMPTY_RUN, "a run has no pixels")
    if starts[0] < 0:
        raise BadEntry(ProblemKind.PAST_THE_END, f"a run starts before the first pixel ({first_pixel})")
    if (lengths > n_pixels - starts).any():
        worst = int(np.argmax(starts.astype(np.float64) + lengths))
        reason = f"a run ends at pixel {int(starts[worst]) + int(lengths[worst])} of {n_pixels}"
        raise BadEntry(ProblemKind.PAST_THE_END, reason)
    if (starts[1:] < starts[:-1] + lengths[:-1]).any():
        raise BadEntry(ProblemKind.OVERLAPPING_RUNS, "runs overlap")
    return starts, lengths


def format_encoded_pixels(mask: MaskRLE, *, first_pixel: int = 1) -> str:
    """The reverse of `parse_encoded_pixels`, runs in rising order; no pixel is drawn.

    >>> format_encoded_pixels(parse_encoded_pixels("4 1 1 2", 2, 3))
    '1 2 4 1'
    """
    starts, lengths = runs_from_rle(mask)
    return " ".join(map(str, np.stack([starts + first_pixel, lengths], axis=1).reshape(-1).tolist()))
