"""What an image link means on the web: itself, or the address that a setting puts in place of its beginning."""

from __future__ import annotations

import httpx
from django.conf import settings
from django.db.models import Q

from catalog.downloads.addresses import check_url
from catalog.errors import AddressRefused

WEB = ("http://", "https://")


def web_address(link: str) -> str | None:
    """The web address of an image link; None for a name of a file, and for a scheme that no setting maps.

    Args:
        link: As the feed writes it: `https://…`, or `gs://bucket/a.jpg` where `SELVEDGE_IMAGE_ROOTS` maps `gs://bucket`.
    """
    if link.lower().startswith(WEB):
        return link
    # The longest prefix is the most precise one.
    for prefix, root in sorted(settings.SELVEDGE_IMAGE_ROOTS.items(), key=lambda item: -len(item[0])):
        if link.startswith(prefix) and (prefix.endswith("/") or link[len(prefix) : len(prefix) + 1] in {"/", ""}):
            return str(root).rstrip("/") + "/" + link[len(prefix) :].lstrip("/")
    return None


def check_link(address: str) -> None:
    """Refuses at once what fetching would refuse without asking anybody.

    Raises:
        AddressRefused: The code says why.
    """
    try:
        url = httpx.URL(address)
    except (httpx.InvalidURL, UnicodeError) as error:
        raise AddressRefused("url_refused", "this is no web address") from error
    check_url(url)


def fetched_from_the_web() -> Q:
    """Images whose link means a web address."""
    condition = Q()
    for prefix in (*WEB, *settings.SELVEDGE_IMAGE_ROOTS):
        condition |= Q(source__istartswith=prefix)
    return condition
