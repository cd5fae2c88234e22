"""Sample photos that the search page offers to click."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath

from django.core.files.storage import default_storage

SAMPLES_FOLDER = "samples"
"""Folder under MEDIA_ROOT."""

MOST_SAMPLES = 12
"""How many thumbnails fit the page without pushing the rest away."""

DISPLAYABLE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp"})
"""What every browser can show as a thumbnail; HEIC is not among them."""


@dataclass(frozen=True, slots=True)
class SamplePhoto:
    """One photo to try the search with."""

    url: str
    """Address below MEDIA_URL, percent-encoded."""
    file_name: str
    label: str
    """Its file name in words, for people who cannot see the thumbnail."""


def list_sample_photos() -> list[SamplePhoto]:
    """Lists the photos in `MEDIA_ROOT/samples/`, by name, at most `MOST_SAMPLES`; none where the folder is absent."""
    try:
        _, file_names = default_storage.listdir(SAMPLES_FOLDER)
    except FileNotFoundError:
        return []
    shown = sorted(name for name in file_names if _is_displayable(name))[:MOST_SAMPLES]
    return [SamplePhoto(default_storage.url(f"{SAMPLES_FOLDER}/{name}"), name, _label(name)) for name in shown]


def _is_displayable(file_name: str) -> bool:
    return not file_name.startswith(".") and PurePosixPath(file_name).suffix.lower() in DISPLAYABLE_SUFFIXES


def _label(file_name: str) -> str:
    """Turns a file name into words.

    >>> _label("street_scene-03.jpg")
    'street scene 03'
    """
    return PurePosixPath(file_name).stem.replace("_", " ").replace("-", " ").strip()
