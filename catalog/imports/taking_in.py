"""Gets an import's files ready to be read: fetched where they are on the web."""

from __future__ import annotations

import time
from pathlib import Path
from typing import BinaryIO

from django.conf import settings

from catalog.downloads.web import fetch_into
from catalog.errors import DownloadFailed, FeedError
from catalog.imports import files
from catalog.imports.leases import Lease

FETCH_TIMEOUT_S = 1800.0
FETCH_ATTEMPTS = 3


def feed_of(lease: Lease) -> Path:
    """The feed's file; fetched first where an address was handed in.

    Raises:
        DownloadFailed: Nothing usable came from the address.
        FeedError: The file is gone.
        ImportCancelled: The import shall stop.
    """
    path = files.folder_of(lease.job_id) / files.FEED_NAME
    url = lease.job.options.get("feed_url", "")
    if url and not path.exists():
        _fetch(url, path, lease)
    if not path.exists():
        raise FeedError("the feed's file is gone; hand it in again")
    return path


def images_of(lease: Lease) -> Path:
    """The zip of images that came with the feed; else a folder with nothing in it, so that no link leads anywhere."""
    folder = files.folder_of(lease.job_id)
    archive = folder / files.IMAGES_NAME
    if archive.exists():
        return archive
    empty = folder / files.NO_IMAGES_NAME
    empty.mkdir(parents=True, exist_ok=True)
    return empty


def _fetch(url: str, path: Path, lease: Lease) -> None:
    """Into a file of another name first: one that a kill cut off is no feed."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    partial = path.with_name(f"{path.name}.part")
    for attempt in range(1, FETCH_ATTEMPTS + 1):
        try:
            with partial.open("wb") as file:
                _fetch_into(url, file, lease)
        except DownloadFailed as error:
            if error.is_final or attempt == FETCH_ATTEMPTS:
                raise
            time.sleep(attempt)
        else:
            break
    partial.replace(path)


def _fetch_into(url: str, file: BinaryIO, lease: Lease) -> None:
    def write(piece: bytes) -> None:
        lease.obey()
        file.write(piece)

    fetch_into(url, write, max_bytes=settings.SELVEDGE_MAX_FEED_BYTES, timeout_s=FETCH_TIMEOUT_S)
