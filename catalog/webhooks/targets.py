"""Where webhooks may go: https to public addresses, and what the settings allow besides."""

from __future__ import annotations

import ipaddress
import threading
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from urllib.parse import urlsplit

import httpx

from catalog.downloads.addresses import check_address, check_url, is_allowed
from catalog.downloads.guard import look_up
from catalog.errors import AddressRefused

LOOK_UP_TIMEOUT_S = 3.0


def check_target(url: str) -> None:
    """Refuses an address at once that no delivery could reach; every connection is checked again (`guarded_client`).

    A host that nobody can resolve now passes: it may be set up later, and until then deliveries wait.

    Args:
        url: https. http only into `SELVEDGE_ALLOWED_NETWORKS`: signatures keep nobody from reading along.

    Raises:
        AddressRefused: The reason is for whoever wants to be told.
    """
    try:
        parsed = httpx.URL(url)
    except (httpx.InvalidURL, UnicodeError) as error:
        raise AddressRefused("url_refused", "this is no web address") from error
    check_url(parsed)
    if urlsplit(url).fragment:
        raise AddressRefused("url_refused", "an address to send to has no fragment (#)")
    addresses = _addresses(parsed.host, 443 if parsed.port is None else parsed.port)
    checked = [check_address(address) for address in addresses]
    if parsed.scheme != "https" and not (checked and all(is_allowed(address) for address in checked)):
        raise AddressRefused("scheme_refused", "webhooks go to https addresses alone")


def _addresses(host: str, port: int) -> list[str]:
    """What the host means now; nothing where that cannot be said soon."""
    try:
        return [str(ipaddress.ip_address(host))]
    except ValueError:
        pass
    answer: Future[list[str]] = Future()

    def ask() -> None:
        try:
            answer.set_result(look_up(host, port))
        except (OSError, ValueError):
            answer.set_result([])

    # The system's resolver knows no time-out.
    threading.Thread(target=ask, name="resolve", daemon=True).start()
    try:
        return answer.result(timeout=LOOK_UP_TIMEOUT_S)
    except FutureTimeout:
        return []
