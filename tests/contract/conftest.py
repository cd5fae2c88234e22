"""A small shop with keys, and the document that describes the API over it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from catalog.access.keys import create_key
from catalog.models import ApiKey, Retailer
from tests.search_shop import open_shop


@dataclass(frozen=True)
class Keys:
    """One key of each kind."""

    secret: str
    publishable: str
    operator: str


@pytest.fixture
def document(client: Client) -> dict[str, Any]:
    """The OpenAPI document, as a client fetches it."""
    answer = client.get("/api/schema/", headers={"accept": "application/json"})
    assert answer.status_code == 200
    found: dict[str, Any] = answer.json()
    return found


@pytest.fixture
def shop_keys(settings: Settings, tmp_path: Path) -> Keys:
    """A described and indexed shop, `acme`, and its keys; nothing is open without one."""
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.VECTOR_INDEX_URL = f"faiss://{tmp_path / 'index'}"
    settings.SELVEDGE_ANONYMOUS = "none"
    open_shop("acme")
    retailer = Retailer.objects.get(slug="acme")
    unlimited = "1000000/second"
    return Keys(
        create_key(ApiKey.Kind.SECRET, "contract", retailer=retailer, rate=unlimited)[1],
        create_key(
            ApiKey.Kind.PUBLISHABLE, "page", retailer=retailer, allowed_origins=["https://shop.example"], rate=unlimited
        )[1],
        create_key(ApiKey.Kind.OPERATOR, "operator", rate=unlimited)[1],
    )
