"""The address a request comes from, behind as many proxies as the operator vouches for."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_address

UNKNOWN = "unknown"
IPV6_NETWORK_BITS = 64
"""One household or office has at least this much of IPv6 to itself."""


def client_address(meta: Mapping[str, str], n_proxies: int) -> str:
    """The client's address, for counting; never for trusting.

    Each proxy appends to `X-Forwarded-For` whom it was asked by, so with `n_proxies` of our own the client is the
    n-th entry from the right; what stands left of it anybody may have made up.

    Args:
        meta: The request's WSGI environment.
        n_proxies: Proxies of our own before the server; 0 believes no header.

    Returns:
        The address; of IPv6 the network of 64 bits; "unknown" where it is none (a socket file).

    >>> client_address({"REMOTE_ADDR": "10.0.0.2", "HTTP_X_FORWARDED_FOR": "6.6.6.6, 203.0.113.9"}, 1)
    '203.0.113.9'
    """
    address = meta.get("REMOTE_ADDR", "")
    if n_proxies > 0:
        hops = [hop.strip() for hop in meta.get("HTTP_X_FORWARDED_FOR", "").split(",") if hop.strip()]
        # Fewer entries than proxies: the request came past one of them, so nothing in the header is vouched for.
        if len(hops) >= n_proxies:
            address = hops[-n_proxies]
    return _counted(address)


def _counted(text: str) -> str:
    bare = text[1:].partition("]")[0] if text.startswith("[") else text
    if bare.count(":") == 1:
        bare = bare.partition(":")[0]
    try:
        address = ip_address(bare)
    except ValueError:
        return UNKNOWN
    mapped = getattr(address, "ipv4_mapped", None)
    if mapped is not None:
        return str(mapped)
    if address.version == 4:
        return str(address)
    network = int(address) >> (128 - IPV6_NETWORK_BITS) << (128 - IPV6_NETWORK_BITS)
    return f"{ip_address(network)}/{IPV6_NETWORK_BITS}" if network else str(address)
