"""Checks of single entries, the same for every annotation file."""

from __future__ import annotations

from segmentation.data.problems import BadEntry, ProblemKind
from segmentation.data.records import RecordsBuilder
from segmentation.images import MAX_PHOTO_PIXELS
from segmentation.taxonomy import N_ATTRIBUTES, N_CATEGORIES


def whole_number(value: object, what: str) -> int:
    """Read a whole number from a CSV cell or a JSON value.

    Raises:
        BadEntry: Anything else; the message has `what` it should be.

    >>> whole_number(" 12", "Height"), whole_number(12.0, "height")
    (12, 12)
    """
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, str) and value.strip().isdecimal():
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise BadEntry(ProblemKind.BAD_NUMBER, f"{what} is {value!r}, not a whole number")


def photo_size(height: object, width: object) -> tuple[int, int]:
    """Read a photo's annotated height and width in pixels.

    Raises:
        BadEntry: Not whole numbers, or not the size of a photo.
    """
    height_px, width_px = whole_number(height, "the height"), whole_number(width, "the width")
    if min(height_px, width_px) < 1 or height_px * width_px > MAX_PHOTO_PIXELS:
        reason = f"{width_px}x{height_px} is no size of a photo (at most {MAX_PHOTO_PIXELS:,} pixels)"
        raise BadEntry(ProblemKind.BAD_NUMBER, reason)
    return height_px, width_px


def check_class(category_id: int, attribute_ids: tuple[int, ...]) -> None:
    """Make sure that a garment's category and attributes are the taxonomy's.

    Raises:
        BadEntry: One is not.
    """
    if not 0 <= category_id < N_CATEGORIES:
        raise BadEntry(ProblemKind.UNKNOWN_CLASS, f"no category {category_id}")
    for attribute_id in attribute_ids:
        if not 0 <= attribute_id < N_ATTRIBUTES:
            raise BadEntry(ProblemKind.UNKNOWN_ATTRIBUTE, f"no attribute {attribute_id}")


class SeenMasks:
    """Finds garments that are annotated twice: the same photo, category and mask."""

    def __init__(self, builder: RecordsBuilder) -> None:
        """Watch what is added to `builder`."""
        self._builder = builder
        self._instances: dict[int, int] = {}

    def add(self, photo: int, category_id: int, counts: bytes, area_px: int, attribute_ids: tuple[int, ...]) -> None:
        """As `RecordsBuilder.add_instance`.

        Raises:
            BadEntry: This garment is there already.
        """
        key = hash((photo, category_id, counts))
        twin = self._instances.get(key)
        if twin is not None and self._builder.counts(twin) == counts:
            raise BadEntry(ProblemKind.DUPLICATE, "the same garment with the same mask is annotated above")
        self._instances[key] = self._builder.add_instance(photo, category_id, counts, area_px, attribute_ids)
