"""What every answer says in its headers: versions, privacy, what browsers may do, and to whose pages."""

from __future__ import annotations

import pytest
from django.test import Client
from pytest_django import Settings

from catalog.access.origins import forget_known_origins
from tests.access_cases import PAGE, bearing, posted, prefix_of, publishable_of, secret_of

pytestmark = pytest.mark.django_db
PRODUCTS = "/api/products"
PREFLIGHT = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "x-api-key,content-type"}


@pytest.fixture(autouse=True)
def fresh_origins() -> None:
    forget_known_origins()


@pytest.mark.parametrize("address", [PRODUCTS, "/api/products/nothing", "/api/nowhere", "/api/search"])
def test_every_answer_of_the_api_names_its_versions_and_is_kept_by_no_proxy(settings: Settings, address: str) -> None:
    answer = Client().get(address)
    assert answer["Selvedge-Version"] == settings.SELVEDGE_VERSION
    assert answer["Selvedge-Api-Version"] == "1"
    assert answer["X-Request-ID"]
    assert answer["Cache-Control"].startswith("private")
    assert {"authorization", "x-api-key", "cookie"} <= {name.strip().lower() for name in answer["Vary"].split(",")}


def test_another_version_of_the_contract_is_refused() -> None:
    answer = Client(headers={"Selvedge-Api-Version": "2"}).get(PRODUCTS)
    assert (answer.status_code, answer.json()["code"]) == (400, "unsupported_version")
    assert Client(headers={"Selvedge-Api-Version": "1"}).get(PRODUCTS).status_code == 200


@pytest.mark.parametrize("address", [PRODUCTS, "/", "/trends", "/healthz", "/admin/login/", "/api/docs", "/nowhere"])
def test_no_answer_may_be_framed_sniffed_or_left_without_a_policy(address: str) -> None:
    answer = Client().get(address)
    policy = dict(rule.strip().split(" ", 1) for rule in answer["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["frame-ancestors"] == "'none'"
    assert "'unsafe-inline'" not in policy.get("script-src", "")
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["X-Frame-Options"] == "DENY"
    assert answer["Referrer-Policy"] == "same-origin"
    assert answer["Cross-Origin-Opener-Policy"] == "same-origin"
    assert answer["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "geolocation=()" in answer["Permissions-Policy"]


def test_a_shops_page_may_ask_and_read_the_headers_it_needs() -> None:
    key = publishable_of()
    asked = Client(headers={"Origin": PAGE, **PREFLIGHT}).options("/api/search")
    assert asked.status_code == 200
    assert asked["Access-Control-Allow-Origin"] == PAGE
    assert "x-api-key" in asked["Access-Control-Allow-Headers"]
    assert "POST" in asked["Access-Control-Allow-Methods"]
    answer = bearing(key, PAGE).get(PRODUCTS)
    assert answer["Access-Control-Allow-Origin"] == PAGE
    assert "origin" in answer["Vary"].lower()
    exposed = answer["Access-Control-Expose-Headers"]
    assert all(name in exposed for name in ("X-Request-ID", "ETag", "Location", "Retry-After", "RateLimit"))
    assert not answer.has_header("Access-Control-Allow-Credentials")


def test_a_shops_page_reads_refusals_too() -> None:
    publishable_of()
    for answer in (
        Client(headers={"Origin": PAGE, "X-Api-Key": "slv_pk_wrong"}).get(PRODUCTS),
        Client(headers={"Origin": PAGE, "Selvedge-Api-Version": "9"}).get(PRODUCTS),
        Client(headers={"Origin": PAGE}).post(
            "/api/search", b"x" * 99, content_type="text/x", CONTENT_LENGTH="999999999"
        ),
    ):
        assert answer.status_code in {400, 401, 413}
        assert answer["Access-Control-Allow-Origin"] == PAGE


def test_other_pages_read_nothing() -> None:
    secret_of()
    publishable_of()
    for origin in ("https://evil.example", "null", "https://shop.example.evil.example"):
        for answer in (
            Client(headers={"Origin": origin}).get(PRODUCTS),
            Client(headers={"Origin": origin, **PREFLIGHT}).options("/api/search"),
        ):
            assert not answer.has_header("Access-Control-Allow-Origin")
    for address in ("/admin/login/", "/", "/healthz"):
        assert not Client(headers={"Origin": PAGE}).get(address).has_header("Access-Control-Allow-Origin")


def test_a_new_keys_page_may_ask_at_once_and_a_revoked_ones_no_longer(
    django_capture_on_commit_callbacks: object,
) -> None:
    secret = bearing(secret_of())
    page = "https://late.example"

    def may_ask() -> bool:
        return Client(headers={"Origin": page}).get(PRODUCTS).has_header("Access-Control-Allow-Origin")

    assert not may_ask()
    wish = {"kind": "publishable", "name": "late", "allowed_origins": [page]}
    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[operator]
        prefix = prefix_of(posted(secret, "/api/api-keys", wish).json()["key"])
    assert may_ask()
    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[operator]
        secret.delete(f"/api/api-keys/{prefix}")
    assert not may_ask()
