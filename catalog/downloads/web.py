"""Downloads of bounded size and time from addresses strangers choose; foreign exceptions end here."""

from __future__ import annotations

import io
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx

from catalog.downloads.guard import HostNotFound, TlsFailed, guarded_client
from catalog.errors import AddressRefused, DownloadFailed

MAY_PASS = frozenset({408, 409, 421, 423, 425, 429})
"""Refusals that another day may not bring; all others below 500 are the server's last word."""
CHUNK_BYTES = 64 * 1024
LONGEST_RETRY_AFTER_S = 7 * 86400.0
_VALIDATOR_CHARS = {"etag": 300, "last-modified": 60}
"""What the records keep of them; a longer one is no validator."""
_READABLE = {"": None, "identity": None, "gzip": 31, "x-gzip": 31, "deflate": 47}
"""zlib's window bits by encoding; no bomb hides in an encoding that is not read."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """One answer. With `not_modified` there are no bytes: what the caller has is still the image."""

    data: bytes
    final_url: str
    etag: str
    last_modified: str
    not_modified: bool = False


def fetch(
    url: str,
    *,
    max_bytes: int,
    timeout_s: float,
    etag: str = "",
    last_modified: str = "",
    client: httpx.Client | None = None,
) -> Fetched:
    """Downloads what lies at a web address.

    Args:
        url: http or https; all redirects go through the same guard.
        max_bytes: More is refused, whatever the server announced, also after decompression.
        timeout_s: For the whole of it.
        etag: Of the copy the caller has; the server may answer that nothing changed.
        last_modified: Likewise.
        client: A `guarded_client` whose connections are reused; None makes one for this call.

    Raises:
        DownloadFailed: Nothing usable came; the code says why, `is_final` whether another try is worth it.
    """
    sink = io.BytesIO()
    fetched = fetch_into(
        url,
        sink.write,
        max_bytes=max_bytes,
        timeout_s=timeout_s,
        headers={"If-None-Match": etag, "If-Modified-Since": last_modified, "Accept": "image/*,*/*;q=0.5"},
        client=client,
    )
    return Fetched(sink.getvalue(), fetched.final_url, fetched.etag, fetched.last_modified, fetched.not_modified)


def fetch_into(
    url: str,
    write: Callable[[bytes], object],
    *,
    max_bytes: int,
    timeout_s: float,
    headers: Mapping[str, str] | None = None,
    client: httpx.Client | None = None,
) -> Fetched:
    """Likewise, handing the bytes over as they come: for what is too large for the memory. `data` stays empty.

    Raises:
        DownloadFailed: As `fetch`; some bytes may have been written.
    """
    if client is None:
        with guarded_client(timeout_s=timeout_s) as own:
            return fetch_into(url, write, max_bytes=max_bytes, timeout_s=timeout_s, headers=headers, client=own)
    sent = {name: value for name, value in (headers or {}).items() if value}
    deadline = {"deadline_s": time.monotonic() + timeout_s}
    try:
        # An address that is none fails here already.
        request = client.build_request("GET", url, headers=sent, extensions=deadline)
        response = client.send(request, stream=True)
        try:
            return _read(response, write, max_bytes)
        finally:
            response.close()
    except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, AddressRefused, UnicodeError) as error:
        raise _failure(error, timeout_s) from error


def retry_after_s(headers: httpx.Headers) -> float | None:
    """The seconds a server asks to wait, at most a week; None where it asks for nothing readable."""
    text = headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:9]), LONGEST_RETRY_AFTER_S)
    try:
        when = parsedate_to_datetime(text)
    except (TypeError, ValueError):
        return None
    wait_s = (when.replace(tzinfo=when.tzinfo or UTC) - datetime.now(UTC)).total_seconds()
    return min(max(wait_s, 0.0), LONGEST_RETRY_AFTER_S)


def _read(response: httpx.Response, write: Callable[[bytes], object], max_bytes: int) -> Fetched:
    kept = {
        name: value if len(value := response.headers.get(name, "")) <= longest else ""
        for name, longest in _VALIDATOR_CHARS.items()
    }
    if response.status_code == httpx.codes.NOT_MODIFIED:
        return Fetched(b"", str(response.url), kept["etag"], kept["last-modified"], not_modified=True)
    if response.status_code != httpx.codes.OK:
        raise _status_failure(response)
    announced = response.headers.get("content-length", "")
    if announced.isdigit() and int(announced[:19]) > max_bytes:
        raise _too_large(max_bytes)
    n_bytes = 0
    for piece in _decoded(response):
        n_bytes += len(piece)
        if n_bytes > max_bytes:
            raise _too_large(max_bytes)
        write(piece)
    return Fetched(b"", str(response.url), kept["etag"], kept["last-modified"])


def _decoded(response: httpx.Response) -> Iterator[bytes]:
    """The body in pieces of at most `CHUNK_BYTES`, decompressed where the server compressed though nobody asked."""
    encoding = response.headers.get("content-encoding", "").strip().lower()
    if encoding not in _READABLE:
        raise DownloadFailed("bad_encoding", "the server sends an encoding nobody asked for", None, is_final=True)
    window_bits = _READABLE[encoding]
    if window_bits is None:
        yield from response.iter_raw(CHUNK_BYTES)
        return
    inflating = zlib.decompressobj(window_bits)
    try:
        for raw in response.iter_raw(CHUNK_BYTES):
            # Never more than a chunk at once: a thousandth of it may have been sent.
            yield inflating.decompress(raw, CHUNK_BYTES)
            while inflating.unconsumed_tail:
                yield inflating.decompress(inflating.unconsumed_tail, CHUNK_BYTES)
    except zlib.error as error:
        raise DownloadFailed("bad_encoding", "the compressed body is damaged", None, is_final=False) from error
    if not inflating.eof:
        raise DownloadFailed("truncated", "the compressed body breaks off", None, is_final=False)


def _status_failure(response: httpx.Response) -> DownloadFailed:
    status = response.status_code
    is_final = status < 500 and status not in MAY_PASS
    return DownloadFailed(
        f"http_{status}", f"the server answers {status}", retry_after_s(response.headers), is_final=is_final
    )


def _too_large(max_bytes: int) -> DownloadFailed:
    return DownloadFailed("too_large", f"more than {max_bytes} bytes", None, is_final=True)


def _failure(error: Exception, timeout_s: float) -> DownloadFailed:
    """What a foreign exception means."""
    if isinstance(error, AddressRefused):
        return DownloadFailed(error.code, str(error), None, is_final=True)
    # httpx says no more of a redirect that leads to no address.
    leads_nowhere = isinstance(error, httpx.RemoteProtocolError) and "Invalid URL" in str(error)
    if leads_nowhere or isinstance(error, (httpx.InvalidURL, httpx.UnsupportedProtocol, UnicodeError)):
        return DownloadFailed("url_refused", "this is no web address", None, is_final=True)
    if isinstance(error, httpx.TimeoutException):
        return DownloadFailed("timeout", f"nothing complete came within {timeout_s:g} s", None, is_final=False)
    if isinstance(error, HostNotFound):
        return DownloadFailed("dns_failed", "the host's name cannot be resolved", None, is_final=False)
    if isinstance(error, TlsFailed):
        return DownloadFailed("tls_failed", "there is no secure connection to the host", None, is_final=False)
    if isinstance(error, httpx.TooManyRedirects):
        return DownloadFailed("too_many_redirects", "the server redirects in a circle", None, is_final=True)
    if isinstance(error, httpx.ConnectError):
        return DownloadFailed("connect_failed", "the host does not answer", None, is_final=False)
    return DownloadFailed("broken_answer", "the connection broke off, or no HTTP came", None, is_final=False)
