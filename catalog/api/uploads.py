"""Uploads that go to disk as they come: feeds and zips of images, which no memory should hold."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.files.uploadedfile import TemporaryUploadedFile, UploadedFile
from django.core.files.uploadhandler import TemporaryFileUploadHandler
from rest_framework.request import Request

from catalog.api.problems import ProblemError
from catalog.imports.files import waiting_room


class _WaitingFile(TemporaryUploadedFile):
    """A file in the imports folder: handing it in moves it and copies nothing."""

    def __init__(self, name: str, content_type: str, size: int, charset: str | None, extra: Any) -> None:
        file = tempfile.NamedTemporaryFile(prefix="upload-", dir=waiting_room())  # noqa: SIM115 (closed by the request)
        UploadedFile.__init__(self, file, name, content_type, size, charset, extra)


class ToDisk(TemporaryFileUploadHandler):
    """Writes each file of a form to the imports folder, and refuses a form that grows beyond the limit."""

    def __init__(self, request: Any = None) -> None:
        super().__init__(request)
        self._n_bytes = 0

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        """Opens the file."""
        super(TemporaryFileUploadHandler, self).new_file(*args, **kwargs)
        self.file = _WaitingFile(self.file_name, self.content_type, 0, self.charset, self.content_type_extra)  # type: ignore[arg-type]

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        """Writes on.

        Raises:
            ProblemError: 413, beyond `SELVEDGE_MAX_FEED_BYTES`.
        """
        self._n_bytes += len(raw_data)
        if self._n_bytes > settings.SELVEDGE_MAX_FEED_BYTES:
            self.file.close()
            raise ProblemError(413, "file_too_large", f"More than {settings.SELVEDGE_MAX_FEED_BYTES} bytes came.")
        super().receive_data_chunk(raw_data, start)


def to_disk(request: Request) -> None:
    """Sends the request's files to disk; call it before anything reads the body."""
    request._request.upload_handlers = [ToDisk(request._request)]


def path_of(upload: Any) -> Path | None:
    """Where the bytes of an upload lie, complete on disk."""
    if upload is None:
        return None
    upload.flush()
    return Path(upload.temporary_file_path())
