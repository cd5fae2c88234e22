"""Where catalog images are kept, and what links to images mean: read from the environment for the settings."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from django.core.exceptions import ImproperlyConfigured

S3_OPTIONS = {
    "endpoint_url": "endpoint_url",
    "region": "region_name",
    "addressing": "addressing_style",
    "acl": "default_acl",
}
"""Names in `SELVEDGE_STORAGE_URL`, and django-storages' own."""
SIGNED_FOR_S = 24 * 3600


def storages_from(url: str) -> dict[str, Any]:
    """Django's STORAGES: the media folder, or with `s3://bucket/prefix?endpoint_url=…` an object storage.

    Options: `endpoint_url`, `region`, `addressing` (path or virtual), `acl`; `public=1` gives addresses that are not
    signed, `public_url=https://cdn.example/path` where others serve the bucket, `signed_for_s` how long a signature
    lasts. Credentials are read by boto itself (AWS_ACCESS_KEY_ID, profiles, roles).

    Raises:
        ImproperlyConfigured: Another scheme, no bucket, or an unknown option.
    """
    storages: dict[str, Any] = {
        "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    }
    if url:
        storages["default"] = {"BACKEND": "deploy.object_storage.ObjectStorage", "OPTIONS": _s3_options(url)}
    return storages


def media_url_of(storages: dict[str, Any]) -> str:
    """The origin that browsers load images from, for MEDIA_URL and the pages' Content-Security-Policy."""
    options = storages["default"].get("OPTIONS")
    if options is None:
        return "/media/"
    if options.get("public_url"):
        return f"{options['public_url']}/"
    endpoint = urlsplit(options.get("endpoint_url") or "")
    if not endpoint.netloc:
        region = f".{options['region_name']}" if options.get("region_name") else ""
        return f"https://{options['bucket_name']}.s3{region}.amazonaws.com/"
    in_host = options.get("addressing_style") == "virtual"
    host = f"{options['bucket_name']}.{endpoint.netloc}" if in_host else endpoint.netloc
    return f"{endpoint.scheme}://{host}/"


def image_roots(text: str) -> dict[str, str]:
    """What stands in place of the beginnings of image links: JSON, or `gs://bucket=https://…` pairs after commas.

    Raises:
        ImproperlyConfigured: Neither, or a root that is no web address.

    >>> image_roots("gs://photos=https://storage.googleapis.com/photos, s3://b=https://b.example/x")
    {'gs://photos': 'https://storage.googleapis.com/photos', 's3://b': 'https://b.example/x'}
    """
    try:
        roots = json.loads(text) if text.lstrip().startswith("{") else dict(_pairs(text))
    except ValueError as error:
        raise ImproperlyConfigured(f"SELVEDGE_IMAGE_ROOTS is neither JSON nor pairs: {error}") from error
    for prefix, root in roots.items():
        if not prefix or not str(root).startswith(("https://", "http://")):
            raise ImproperlyConfigured(f"SELVEDGE_IMAGE_ROOTS: {prefix!r} must lead to an http or https address")
    return {str(prefix): str(root) for prefix, root in roots.items()}


def _pairs(text: str) -> list[tuple[str, str]]:
    pairs = []
    for pair in filter(None, (each.strip() for each in text.split(","))):
        prefix, equals, root = pair.partition("=")
        if not equals:
            raise ValueError(f'"{pair}" has no "="')
        pairs.append((prefix.strip(), root.strip()))
    return pairs


def _s3_options(url: str) -> dict[str, Any]:
    parts = urlsplit(url)
    if parts.scheme != "s3" or not parts.netloc:
        raise ImproperlyConfigured("SELVEDGE_STORAGE_URL must look like s3://bucket/prefix?endpoint_url=…&region=…")
    asked = dict(parse_qsl(parts.query))
    known = {*S3_OPTIONS, "public", "public_url", "signed_for_s"}
    if unknown := sorted(set(asked) - known):
        raise ImproperlyConfigured(f"SELVEDGE_STORAGE_URL: unknown {', '.join(unknown)}; there are {sorted(known)}")
    options: dict[str, Any] = {name: asked[short] for short, name in S3_OPTIONS.items() if short in asked}
    public_url = asked.get("public_url", "").rstrip("/")
    return options | {
        "bucket_name": parts.netloc,
        "location": parts.path.strip("/"),
        # Names are hashes of the content: what is there already is the same.
        "file_overwrite": True,
        "signature_version": "s3v4",
        "object_parameters": {"CacheControl": "public, max-age=31536000, immutable"},
        "querystring_auth": not (public_url or asked.get("public") == "1"),
        "querystring_expire": int(asked.get("signed_for_s", SIGNED_FOR_S)),
        "public_url": public_url,
    }
