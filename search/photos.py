"""A shopper's photo: checked before anything costs time, then described by the vision model."""

from __future__ import annotations

from django.conf import settings

from catalog.downloads.web import fetch
from search.regions import place_region
from segmentation.checkpoint import SpaceInfo
from segmentation.errors import PhotoRejected
from segmentation.images import MAX_PHOTO_BYTES, read_photo_size
from segmentation.types import BoxXyxyPx, EncodedPhoto, PhotoDescription, PhotoError
from workers import client


def most_photo_bytes() -> int:
    """How large a photo's file may be: as the setting says, and never more than is decoded."""
    return min(int(settings.SELVEDGE_MAX_UPLOAD_BYTES), MAX_PHOTO_BYTES)


def fetch_photo(url: str) -> bytes:
    """A photo's file from the web. What it is, `open_photo` says, not the server's headers.

    Args:
        url: Chosen by a client; what leads into private networks is refused, on every redirect.

    Raises:
        DownloadFailed: Nothing usable came; the code says why.
    """
    return fetch(url, max_bytes=most_photo_bytes(), timeout_s=settings.SELVEDGE_IMAGE_URL_TIMEOUT_S).data


def open_photo(data: bytes, box_xyxy: BoxXyxyPx | None) -> EncodedPhoto:
    """Checks a photo's header and places the region of interest.

    Args:
        data: The photo's file.
        box_xyxy: Pixels of the displayed photo, or fractions of its sides; None is the whole.

    Raises:
        PhotoRejected: The photo cannot be used.
        InvalidRegion: The box lies outside the photo.
    """
    width_px, height_px = read_photo_size(data)
    return EncodedPhoto(data, None if box_xyxy is None else place_region(box_xyxy, width_px, height_px))


def describe_photo(photo: EncodedPhoto, space: SpaceInfo) -> PhotoDescription:
    """Asks the vision model what a photo shows.

    Raises:
        PhotoRejected: The photo cannot be decoded.
        WorkersError: The model did not answer.
    """
    (described,) = client.describe_photos([photo], timeout_s=settings.SELVEDGE_SEARCH_TIMEOUT_S, space=space.name)
    if isinstance(described, PhotoError):
        raise PhotoRejected(described.code, described.message)
    return described
