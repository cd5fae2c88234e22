"""Records of what was fetched from the web: the validators that make the next fetch cheap."""

from __future__ import annotations

from django.db import models

from catalog import limits


class FetchedUrl(models.Model):
    """The last good answer of one image address; variants that share an image share the fetch."""

    url_sha256 = models.CharField(
        max_length=64, unique=True, help_text="of the address: it is longer than a key may be"
    )
    url = models.CharField(max_length=limits.LINK_CHARS)
    etag = models.CharField(max_length=300, blank=True, default="")
    last_modified = models.CharField(max_length=60, blank=True, default="", help_text="as the server wrote it")
    file = models.FileField(help_text="our copy, named by its content")
    sha256 = models.CharField(max_length=64)
    size = models.BigIntegerField(help_text="bytes")
    fetched_at = models.DateTimeField(help_text="when the server last said that this is the image")

    def __str__(self) -> str:
        return self.url
