"""Keys and requests that the tests of access share."""

from __future__ import annotations

import json
from typing import Any

from django.test import Client

from catalog.access.keys import create_key
from catalog.models import ApiKey, Retailer
from tests.factories import make_retailer

PAGE = "https://shop.example"


def secret_of(retailer: Retailer | str = "acme", **values: Any) -> str:
    owner = make_retailer(retailer) if isinstance(retailer, str) else retailer
    return create_key(ApiKey.Kind.SECRET, "test", retailer=owner, **values)[1]


def publishable_of(retailer: str = "acme", origins: tuple[str, ...] = (PAGE,), **values: Any) -> str:
    owner = make_retailer(retailer)
    return create_key(ApiKey.Kind.PUBLISHABLE, "test", retailer=owner, allowed_origins=origins, **values)[1]


def operator(**values: Any) -> str:
    return create_key(ApiKey.Kind.OPERATOR, "test", **values)[1]


def bearing(key: str, origin: str | None = None, **options: Any) -> Client:
    """A client that sends the key with every request; with `origin`, as a browser on that page."""
    headers = {"Authorization": f"Bearer {key}"} | ({} if origin is None else {"Origin": origin})
    return Client(headers=headers, **options)


def posted(client: Client, address: str, body: Any = None, **extra: Any) -> Any:
    return client.post(address, json.dumps({} if body is None else body), content_type="application/json", **extra)


def prefix_of(key: str) -> str:
    return key.split("_", 2)[2].partition(".")[0]
