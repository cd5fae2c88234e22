"""A Python client generated from the OpenAPI document, asking a real server."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pytest_django.live_server_helper import LiveServer

from tests.contract.conftest import Keys
from tests.search_shop import N_PRODUCTS, packshot

pytestmark = pytest.mark.django_db(transaction=True)

PACKAGE = "selvedge_client"


@pytest.fixture
def generated(document: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The client's package, importable."""
    written = tmp_path / "openapi.json"
    written.write_text(json.dumps(document), encoding="utf-8")
    config = tmp_path / "config.json"
    config.write_text(json.dumps({"package_name_override": PACKAGE, "post_hooks": []}), encoding="utf-8")
    out = tmp_path / "client"
    command = ["generate", "--path", written, "--config", config, "--meta", "none", "--output-path", out / PACKAGE]
    made = subprocess.run(
        [sys.executable, "-m", "openapi_python_client", *map(str, command), "--fail-on-warning"],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert made.returncode == 0, made.stdout + made.stderr
    monkeypatch.syspath_prepend(str(out))


def test_a_generated_client_lists_products_and_finds_one_by_photo(
    generated: None, live_server: LiveServer, shop_keys: Keys
) -> None:
    def part(name: str) -> Any:
        return importlib.import_module(f"{PACKAGE}.{name}")

    with part("client").AuthenticatedClient(base_url=live_server.url, token=shop_keys.secret) as client:
        products = part("api.products.products_list").sync(client=client)
        assert {product.product_id for product in products.results} == {f"T{n}" for n in range(N_PRODUCTS)}

        photo = part("types").File(payload=packshot(2), file_name="photo.jpg", mime_type="image/jpeg")
        form = part("models.search_form_request").SearchFormRequest(image=photo)
        found = part("api.search.search_by_photo").sync(client=client, body=form)
        assert hasattr(found, "objects"), found
        assert "T2" in {thing.results[0].product.product_id for thing in found.objects if thing.results}


def test_a_generated_client_tells_a_refusal_apart(generated: None, live_server: LiveServer, shop_keys: Keys) -> None:
    client = importlib.import_module(f"{PACKAGE}.client").AuthenticatedClient(
        base_url=live_server.url, token="slv_sk_no"
    )
    answer = importlib.import_module(f"{PACKAGE}.api.products.products_list").sync_detailed(client=client)
    assert answer.status_code == 401
    assert answer.parsed.code == "invalid_api_key"
