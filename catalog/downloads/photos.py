"""Fetches one image: asked for with what is known of it, looked at, and stored by its content. Touches no record."""

from __future__ import annotations

import httpx

from catalog import limits
from catalog.downloads.orders import Arrived, Failed, Order, Outcome
from catalog.downloads.web import fetch
from catalog.errors import DownloadFailed, ImageRefused, StorageUnavailable
from catalog.image_content import check_header, content_name
from catalog.images import is_stored, store


def fetch_photo(order: Order, client: httpx.Client, *, timeout_s: float) -> Outcome:
    """Brings the image of an address into the media folder; what goes wrong is an outcome, never an error."""
    try:
        return _fetch(order, client, timeout_s)
    except DownloadFailed as failed:
        return Failed(failed.code, str(failed), failed.is_final, failed.retry_after_s)
    except ImageRefused as refused:
        return Failed(refused.code, f"what lies there {refused}", is_final=True)
    except StorageUnavailable as failed:
        return Failed("storage_unavailable", str(failed), is_final=False)


def _fetch(order: Order, client: httpx.Client, timeout_s: float) -> Outcome:
    known = order.known
    # Validators are sent for a copy that is there: "not modified" would be no help to one that was lost.
    copy = known if known is not None and is_stored(str(known.file), known.size) else None
    fetched = fetch(
        order.url,
        max_bytes=limits.IMAGE_BYTES,
        timeout_s=timeout_s,
        etag="" if copy is None else copy.etag,
        last_modified="" if copy is None else copy.last_modified,
        client=client,
    )
    if fetched.not_modified:
        if copy is None:
            return Failed("broken_answer", "the server says that nothing changed, though nobody asked", is_final=False)
        etag = fetched.etag if fetched.etag else copy.etag
        return Arrived(str(copy.file), copy.sha256, copy.size, etag, copy.last_modified)
    check_header(fetched.data)
    name, sha256 = content_name(fetched.data)
    store(name, fetched.data)
    n_bytes = len(fetched.data)
    return Arrived(name, sha256, n_bytes, fetched.etag, fetched.last_modified, n_bytes)
