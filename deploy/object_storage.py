"""Catalog images in an object storage that speaks S3."""

from __future__ import annotations

import time
from functools import lru_cache
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from botocore.exceptions import ClientError
from django.core.files.base import ContentFile, File
from storages.backends.s3 import S3Storage
from storages.utils import clean_name


class ObjectStorage(S3Storage):  # type: ignore[misc]  # django-storages has no types
    """django-storages' own, whose signed addresses stay the same for half of their life.

    An answer shows a hundred images: signing each takes most of a millisecond, and a browser keeps what it loaded only
    where the address stays.
    """

    def __init__(self, **options: Any) -> None:
        """Takes `public_url` besides the options of django-storages."""
        self.public_url = options.pop("public_url", "")
        super().__init__(**options)
        self._signed = lru_cache(maxsize=16_384)(self._sign)

    def url(
        self,
        name: str,
        parameters: dict[str, Any] | None = None,
        expire: int | None = None,
        http_method: str | None = None,
    ) -> str:
        """The address of an image, signed unless the bucket is public."""
        if self.public_url:
            return f"{self.public_url}/{quote(name)}"
        if parameters or expire or http_method:
            return str(super().url(name, parameters, expire, http_method))
        return self._signed(name, int(time.time() // (self.querystring_expire / 2)))

    def _open(self, name: str, mode: str = "rb") -> File[bytes]:
        """A file to read comes whole in one request; django-storages' own takes three."""
        if mode != "rb":
            return super()._open(name, mode)  # type: ignore[no-any-return]
        key = self._normalize_name(clean_name(name))
        try:
            return ContentFile(self.bucket.Object(key).get()["Body"].read(), name=name)
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] == HTTPStatus.NOT_FOUND:
                raise FileNotFoundError(f"there is no {name} in the bucket") from error
            raise

    def _sign(self, name: str, half_life: int) -> str:
        return str(super().url(name))
