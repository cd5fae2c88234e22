"""Which addresses may be connected to: public ones, and what the settings allow besides.

Source: IANA IPv4 and IPv6 Special-Purpose Address Registries (2026-10); forms that embed an IPv4 address as in RFC 4291
(mapped, compatible), RFC 3056 (6to4), RFC 4380 (Teredo), RFC 6052 (NAT64), RFC 5214 (ISATAP).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

import httpx
from django.conf import settings

from catalog import limits
from catalog.errors import AddressRefused

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_NEVER_PUBLIC = tuple(
    ipaddress.ip_network(network)
    for network in (
        "100.64.0.0/10",  # carriers' NAT, and the metadata of Alibaba's cloud
        "192.0.0.0/24",  # protocol assignments, and the metadata of Oracle's cloud
        "192.88.99.0/24",  # relays of 6to4
        "168.63.129.16/32",  # the host of a virtual machine in Azure, in the guise of a public address
        "3fff::/20",  # documentation
        "2001::/23",  # protocol assignments but Teredo, which is unwrapped first
    )
)
_ISATAP = (0x00005EFE, 0x02005EFE)
"""The upper half of an interface identifier that ends in an IPv4 address."""


def check_address(text: str) -> Address:
    """The address, which may be connected to.

    Raises:
        AddressRefused: Neither public nor in `SELVEDGE_ALLOWED_NETWORKS`. The message does not repeat the address:
            whoever chose the name shall not learn what it means inside this network.
    """
    try:
        address = ipaddress.ip_address(text)
    except ValueError as error:
        raise AddressRefused("address_refused", "the host has no address") from error
    if not all(is_allowed(each) or is_public(each) for each in meanings(address)):
        raise AddressRefused("address_refused", "the host's address is not a public one")
    return address


def is_allowed(address: Address) -> bool:
    """Whether the settings allow an address that may be none of the public ones."""
    allowed = (ipaddress.ip_network(network, strict=False) for network in settings.SELVEDGE_ALLOWED_NETWORKS)
    return any(address in network for network in allowed)


def is_public(address: Address) -> bool:
    """Whether an address that embeds no other is a single host of the public internet.

    >>> is_public(ipaddress.ip_address("93.184.215.14")), is_public(ipaddress.ip_address("169.254.169.254"))
    (True, False)
    """
    if any(address in network for network in _NEVER_PUBLIC):
        return False
    if isinstance(address, ipaddress.IPv6Address) and (address not in _GLOBAL_UNICAST or address.scope_id is not None):
        return False
    return address.is_global and not (
        address.is_multicast or address.is_reserved or address.is_private or address.is_link_local
    )


def meanings(address: Address) -> list[Address]:
    """The addresses that connecting to this one may reach: itself, or those embedded in it.

    >>> meanings(ipaddress.ip_address("::ffff:127.0.0.1"))
    [IPv4Address('127.0.0.1')]
    >>> meanings(ipaddress.ip_address("2002:a00:1::"))
    [IPv6Address('2002:a00:1::'), IPv4Address('10.0.0.1')]
    """
    if isinstance(address, ipaddress.IPv4Address):
        return [address]
    if address.scope_id is not None:
        return [address]
    if address.ipv4_mapped is not None:
        return [address.ipv4_mapped]
    if address in _NAT64:
        return [_last_32_bits(address)]
    if address.teredo is not None:
        return list(address.teredo)
    return [address, *_embedded(address)]


def check_url(url: httpx.URL, *, was_https: bool = False) -> None:
    """Refuses what no address check would catch: other schemes, ports and logins, and hosts in disguise.

    Args:
        url: Where a request would go.
        was_https: An earlier hop of its chain of redirects was encrypted, so this one must be.

    Raises:
        AddressRefused: With a code that says which.
    """
    if url.scheme not in {"http", "https"}:
        raise AddressRefused("scheme_refused", "only http and https addresses are fetched")
    if was_https and url.scheme != "https":
        raise AddressRefused("scheme_refused", "the server leads from https to http")
    if url.userinfo:
        raise AddressRefused("url_refused", "an address must not carry a user name or a password")
    if len(str(url)) > limits.LINK_CHARS:
        raise AddressRefused("url_refused", f"the address has more than {limits.LINK_CHARS} characters")
    port = {"http": 80, "https": 443}[url.scheme] if url.port is None else url.port
    if port not in settings.SELVEDGE_ALLOWED_PORTS:
        raise AddressRefused("port_refused", f"port {port} is not allowed")
    try:
        host = url.host
    except UnicodeError as error:  # "xn--" with nothing behind it that is a name: httpx decodes it only now
        raise AddressRefused("url_refused", "the host is no name") from error
    _check_host(host)


def _check_host(host: str) -> None:
    """Refuses hosts that resolvers take for an IPv4 address though they are not written as one: 2130706433, 0x7f.1."""
    if not host:
        raise AddressRefused("url_refused", "the address names no host")
    last_label = host.rstrip(".").rpartition(".")[2].lower()
    if ":" in host or not (last_label.isdigit() or last_label.startswith("0x")):
        return
    try:
        ipaddress.IPv4Address(host)
    except ValueError as error:
        raise AddressRefused("url_refused", "the host is a number in disguise") from error


def _embedded(address: ipaddress.IPv6Address) -> Iterator[Address]:
    if address.sixtofour is not None:
        yield address.sixtofour
    if (int(address) >> 32) & 0xFFFFFFFF in _ISATAP:
        yield _last_32_bits(address)


def _last_32_bits(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address:
    return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
