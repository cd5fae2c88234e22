"""On which pages a publishable key works: origins, as browsers send them (RFC 6454: scheme, host and port)."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable
from urllib.parse import urlsplit

from django.db.models import Q
from django.utils import timezone

from catalog.errors import InvalidKey
from catalog.models import ApiKey

ANYWHERE = "*"
"""Allows every page, and callers that are none, such as an app."""
WILDCARD = "*."
KNOWN_FOR_S = 30.0
"""How long this process remembers which origins there are; a new key's pages may wait this long for CORS."""
MAX_ORIGINS = 50
MAX_ORIGIN_CHARS = 255
DEFAULT_PORTS = {"http": 80, "https": 443}

_known: tuple[float, frozenset[str]] = (0.0, frozenset())


def normal_origin(text: str) -> str:
    """An allowed origin as it is stored and compared.

    >>> normal_origin("HTTPS://Shop.Example:443/"), normal_origin("https://*.shop.example")
    ('https://shop.example', 'https://*.shop.example')

    Raises:
        InvalidKey: It is none.
    """
    given = text.strip()
    if given == ANYWHERE:
        return ANYWHERE
    origin = _normal(given)
    if origin is None or len(origin) > MAX_ORIGIN_CHARS:
        raise InvalidKey("allowed_origins", f'"{text[:100]}" is no origin such as "https://shop.example"')
    host = origin.partition("://")[2]
    if "*" in host and ("*" in host.removeprefix(WILDCARD) or host.removeprefix(WILDCARD).count(".") < 1):
        raise InvalidKey("allowed_origins", f'"{text[:100]}" is too wide; such as "https://*.shop.example" is allowed')
    return origin


def normal_origins(texts: Iterable[str]) -> list[str]:
    """Several, each once, in their order.

    Raises:
        InvalidKey: One is none, or they are too many.
    """
    origins = list(dict.fromkeys(map(normal_origin, texts)))
    if len(origins) > MAX_ORIGINS:
        raise InvalidKey("allowed_origins", f"give at most {MAX_ORIGINS} origins")
    return origins


def asking_origin(origin: str | None, referer: str | None) -> str | None:
    """The page that asks: its `Origin`, else the origin of its `Referer` (same-origin GETs send that one alone).

    None where neither says so: not a browser, a file, or a page that hides it ("null").
    """
    return _normal(origin) if origin else _normal_of_address(referer)


def is_allowed(origin: str | None, allowed: Collection[str]) -> bool:
    """Whether a key with these allowed origins works for that page.

    >>> is_allowed("https://de.shop.example", ["https://*.shop.example"])
    True
    >>> is_allowed("https://shop.example.evil.example", ["https://shop.example"]), is_allowed(None, ["*"])
    (False, True)
    """
    if ANYWHERE in allowed:
        return True
    return origin is not None and any(_matches(origin, each) for each in allowed)


def is_known_origin(origin: str) -> bool:
    """Whether any living publishable key works for that page: asked before a browser shows its key."""
    global _known
    if not _known[0] or time.monotonic() - _known[0] > KNOWN_FOR_S:
        _known = (time.monotonic(), _living_origins())
    return is_allowed(_normal(origin), _known[1])


def forget_known_origins() -> None:
    """Makes this process look again: called where it made or revoked a key itself."""
    global _known
    _known = (0.0, frozenset())


def _living_origins() -> frozenset[str]:
    alive = Q(expiry_date__isnull=True) | Q(expiry_date__gt=timezone.now())
    keys = ApiKey.objects.filter(alive, kind=ApiKey.Kind.PUBLISHABLE, revoked=False)
    return frozenset(origin for origins in keys.values_list("allowed_origins", flat=True) for origin in origins)


def _matches(origin: str, allowed: str) -> bool:
    scheme, _, host = allowed.partition("://")
    if not host.startswith(WILDCARD):
        return origin == allowed
    return origin.startswith(f"{scheme}://") and origin.endswith(host.removeprefix("*"))


def _normal_of_address(address: str | None) -> str | None:
    if not address:
        return None
    scheme, separator, rest = address.partition("://")
    end = next((place for place, sign in enumerate(rest) if sign in "/?#"), len(rest))
    return _normal(f"{scheme}{separator}{rest[:end]}")


def _normal(origin: str) -> str | None:
    """Scheme, host and a port that is not the scheme's own, in lower case; None for what is no origin."""
    try:
        parts = urlsplit(origin)
        port = parts.port
    except ValueError:
        return None
    is_bare = parts.path in {"", "/"} and not parts.query and not parts.fragment and "@" not in parts.netloc
    if parts.scheme not in DEFAULT_PORTS or not parts.hostname or not is_bare or not origin.isascii():
        return None
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}" + ("" if port in {None, DEFAULT_PORTS[parts.scheme]} else f":{port}")
