"""Where the files of imports lie until they are imported: one folder a job, below `SELVEDGE_IMPORTS_DIR`."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterable
from pathlib import Path
from uuid import UUID

from django.conf import settings

FEED_NAME = "feed"
IMAGES_NAME = "images.zip"
NO_IMAGES_NAME = "images"


def folder_of(job_id: UUID) -> Path:
    """The job's own folder; nothing in its path was chosen by a client."""
    return Path(settings.SELVEDGE_IMPORTS_DIR) / str(job_id)


def waiting_room() -> Path:
    """Where uploads and downloads are written before they are handed in; on the same disk as the jobs' folders."""
    folder = Path(settings.SELVEDGE_IMPORTS_DIR)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder


def keep(job_id: UUID, files: Iterable[tuple[str, Path]]) -> None:
    """Moves files into the job's folder under our own names.

    Raises:
        OSError: The disk is full, or may not be written.
    """
    folder = folder_of(job_id)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for name, path in files:
        shutil.move(path, folder / name)


def remove(job_id: UUID) -> None:
    """Removes all that was kept for a job; nothing where nothing is there."""
    shutil.rmtree(folder_of(job_id), ignore_errors=True)


def sha256_of(path: Path) -> str:
    """Of a file's content, read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
