"""What goes between the parts of the fetch stage: an address to fetch, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass, field

import httpx

from catalog.models import FetchedUrl


@dataclass(slots=True)
class Order:
    """One web address, for all the images that name it: variants of a product share the fetch."""

    url: str
    image_ids: list[int] = field(default_factory=list)
    known: FetchedUrl | None = None
    """Its last good answer."""
    n_tries: int = 0
    """In this run."""

    @property
    def host(self) -> str:
        """Whose limits it is under; empty for an address that is none."""
        try:
            return httpx.URL(self.url).host.lower()
        except (httpx.InvalidURL, UnicodeError):
            return ""


@dataclass(frozen=True, slots=True)
class Arrived:
    """There is a copy in the media folder."""

    file: str
    sha256: str
    size: int
    """Bytes."""
    etag: str = ""
    last_modified: str = ""
    n_bytes: int = 0
    """That were sent for it; 0 where the copy was good still."""


@dataclass(frozen=True, slots=True)
class Failed:
    """There is no usable answer."""

    code: str
    reason: str
    is_final: bool
    wait_s: float | None = None
    """As the server asked for."""

    @property
    def is_of_host(self) -> bool:
        """Whether it tells of the host as a whole rather than of this address."""
        return self.code in _OF_HOST


Outcome = Arrived | Failed

_OF_HOST = frozenset(
    {"timeout", "dns_failed", "connect_failed", "tls_failed", "broken_answer"}
    | {f"http_{status}" for status in (429, 502, 503, 504)}
)
