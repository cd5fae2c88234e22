"""API keys: made, used, rotated and revoked; what one cannot do, and where its secret never stands."""

from __future__ import annotations

import io
from datetime import timedelta
from unittest import mock

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from catalog.access.granting import MOST_LIVING
from catalog.access.keys import create_key, find_key
from catalog.models import ApiKey, AuditEntry, Retailer
from tests.access_cases import PAGE, bearing, operator, posted, prefix_of, publishable_of, secret_of
from tests.factories import make_product, make_retailer

pytestmark = pytest.mark.django_db
KEYS = "/api/api-keys"
PRODUCTS = "/api/products"


@pytest.fixture(autouse=True)
def keys_needed(settings: Settings) -> None:
    settings.SELVEDGE_ANONYMOUS = "none"


def made(key: str, **fields: object) -> dict[str, str]:
    answer = posted(bearing(key), KEYS, {"kind": "secret", "name": "second", **fields})
    assert answer.status_code == 201, answer.content
    body: dict[str, str] = answer.json()
    return body


def refused(key: str, **fields: object) -> tuple[int, str]:
    answer = posted(bearing(key), KEYS, {"kind": "secret", "name": "second", **fields})
    return answer.status_code, answer.json()["code"]


def test_a_key_is_shown_once_and_works() -> None:
    first = secret_of("acme")
    body = made(first)
    assert bearing(body["key"]).get(PRODUCTS).status_code == 200
    listed = bearing(first).get(KEYS)
    assert body["prefix"] in listed.content.decode()
    assert body["key"].partition(".")[2] not in listed.content.decode()
    record = ApiKey.objects.get(prefix=body["prefix"])
    assert record.hashed_key not in listed.content.decode(), "nor its hash"


def test_the_answer_that_shows_a_key_is_kept_by_nobody() -> None:
    answer = posted(bearing(secret_of()), KEYS, {"kind": "secret", "name": "second"})
    assert answer["Cache-Control"] == "no-store"
    assert bearing(secret_of()).get(answer["Location"]).json()["name"] == "second"


@pytest.mark.parametrize("header", ["Authorization: Bearer {}", "authorization: bearer {}", "X-Api-Key: {}"])
def test_a_key_is_sent_in_either_header(header: str) -> None:
    name, _, value = header.format(secret_of()).partition(": ")
    assert Client(headers={name: value}).get(PRODUCTS).status_code == 200


def test_a_proxys_own_password_does_not_hide_the_key() -> None:
    headers = {"Authorization": "Basic c3RhZmY6cGFzcw==", "X-Api-Key": secret_of()}
    assert Client(headers=headers).get(PRODUCTS).status_code == 200


@pytest.mark.parametrize(
    "wrong", ["", "slv_sk_", "slv_sk_abc", "slv_sk_\u00e4.\u00f6", "slv_op_{}", "{}x", "sk_{}", "{} {}"]
)
def test_an_altered_key_is_no_key(wrong: str) -> None:
    key = secret_of()
    answer = Client(headers={"X-Api-Key": wrong.format(key.removeprefix("slv_sk_"), key)}).get(PRODUCTS)
    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_api_key")
    assert answer["WWW-Authenticate"].startswith("Bearer")


def test_nobody_known_is_asked_for_a_key() -> None:
    answer = Client().get(PRODUCTS)
    assert (answer.status_code, answer.json()["code"]) == (401, "not_authenticated")


@pytest.mark.parametrize("name", ["api_key", "key", "q"])
def test_a_key_in_the_address_is_refused_whatever_its_name(name: str) -> None:
    answer = Client().get(PRODUCTS, {name: secret_of()})
    assert (answer.status_code, answer.json()["code"]) == (400, "key_in_address")
    assert "header" in answer.json()["detail"]


def test_an_expired_and_a_revoked_key_stop_working() -> None:
    now = timezone.now()
    assert bearing(secret_of(expires_at=now - timedelta(seconds=1))).get(PRODUCTS).status_code == 401
    key = secret_of(expires_at=now + timedelta(hours=1))
    assert bearing(key).get(PRODUCTS).status_code == 200
    assert bearing(key).delete(f"{KEYS}/{prefix_of(key)}").status_code == 204
    assert bearing(key).get(PRODUCTS).status_code == 401


def test_a_revoked_key_stays_in_the_list_and_can_be_revoked_again() -> None:
    first, second = secret_of(), secret_of()
    for _ in range(2):
        assert bearing(first).delete(f"{KEYS}/{prefix_of(second)}").status_code == 204
    assert bearing(first).get(f"{KEYS}/{prefix_of(second)}").json()["state"] == "revoked"


def test_a_rotated_key_works_for_the_overlap_beside_its_replacement() -> None:
    old = secret_of()
    answer = posted(bearing(old), f"{KEYS}/{prefix_of(old)}/rotate", {"overlap_h": 2})
    assert answer.status_code == 201
    new = answer.json()
    assert new["replaces"] == prefix_of(old)
    assert bearing(new["key"]).get(PRODUCTS).status_code == bearing(old).get(PRODUCTS).status_code == 200
    with mock.patch("django.utils.timezone.now", return_value=timezone.now() + timedelta(hours=2, minutes=1)):
        assert find_key(old) is None
        assert find_key(new["key"]) is not None


def test_a_replacement_opens_what_the_key_opened() -> None:
    old = publishable_of(rate="90/minute")
    answer = posted(bearing(secret_of()), f"{KEYS}/{prefix_of(old)}/rotate", {"overlap_h": 0})
    new = answer.json()
    assert (new["kind"], new["allowed_origins"], new["rate"]) == ("publishable", [PAGE], "90/minute")
    assert bearing(old, PAGE).get(PRODUCTS).status_code == 401, "no overlap was asked for"
    assert bearing(new["key"], PAGE).get(PRODUCTS).status_code == 200


def test_a_key_is_replaced_once() -> None:
    key = secret_of()
    address = f"{KEYS}/{prefix_of(key)}/rotate"
    assert posted(bearing(key), address).status_code == 201
    again = posted(bearing(key), address)
    assert (again.status_code, again.json()["code"]) == (409, "key_replaced")


def test_a_key_makes_none_that_opens_more_or_lasts_longer() -> None:
    make_retailer("other")
    soon = timezone.now() + timedelta(days=2)
    key = secret_of("acme", expires_at=soon)
    assert refused(key, kind="operator") == (403, "permission_denied")
    assert refused(key, retailer="other") == (404, "unknown_retailer")
    assert refused(key, rate="1000000/second") == (403, "permission_denied")
    assert refused(key, expires_at=(soon + timedelta(seconds=1)).isoformat()) == (403, "permission_denied")
    assert refused(publishable_of(origins=("*",))) == (403, "permission_denied")
    body = made(key)
    assert ApiKey.objects.get(prefix=body["prefix"]).expiry_date == soon, "without a word it ends with its maker's"


def test_a_retailer_has_only_so_many_living_keys_as_each_has_a_budget() -> None:
    acme = make_retailer()
    key = secret_of(acme)
    while ApiKey.objects.count() < MOST_LIVING:
        create_key(ApiKey.Kind.SECRET, "another", retailer=acme)
    assert refused(key, kind="secret", name="one more") == (409, "too_many_keys")
    assert posted(bearing(key), f"{KEYS}/{prefix_of(key)}/rotate", {}).json()["code"] == "too_many_keys"
    ApiKey.objects.exclude(prefix=prefix_of(key)).first().delete()
    assert made(key, kind="secret", name="one more")


def test_an_operator_makes_keys_for_anybody() -> None:
    make_retailer("other")
    key = operator()
    assert made(key, retailer="other")["retailer"] == "other"
    assert made(key, kind="operator")["retailer"] is None
    assert refused(key, kind="secret") == (400, "invalid_parameter")
    assert refused(key, kind="operator", retailer="other") == (400, "invalid_parameter")


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"kind": "publishable"}, "allowed_origins"),
        ({"kind": "publishable", "allowed_origins": ["shop.example"]}, "allowed_origins"),
        ({"kind": "publishable", "allowed_origins": ["https://*.example"]}, "allowed_origins"),
        ({"kind": "publishable", "allowed_origins": ["https://shop.example/basket"]}, "allowed_origins"),
        ({"allowed_origins": [PAGE]}, "allowed_origins"),
        ({"expires_at": "2020-01-01T00:00:00Z"}, "expires_at"),
        ({"rate": "many"}, "rate"),
        ({"rate": "0/minute"}, "rate"),
        ({"name": " \t"}, "name"),
        ({"name": "a\x00b"}, "name"),
        ({"kind": "master"}, "kind"),
        ({"allowed_origin": [PAGE]}, "allowed_origin"),
    ],
)
def test_a_wrong_field_of_a_new_key_is_named(fields: dict[str, object], named: str) -> None:
    answer = posted(bearing(secret_of()), KEYS, {"kind": "secret", "name": "n"} | fields)
    assert answer.status_code == 400
    assert [error["field"].split(".")[0] for error in answer.json()["errors"]] == [named]


def test_another_retailers_key_is_not_there() -> None:
    theirs, ours = secret_of("other"), secret_of("acme")
    for answer in (
        bearing(ours).get(f"{KEYS}/{prefix_of(theirs)}"),
        bearing(ours).delete(f"{KEYS}/{prefix_of(theirs)}"),
        posted(bearing(ours), f"{KEYS}/{prefix_of(theirs)}/rotate"),
        bearing(ours).get(KEYS, {"retailer": "other"}),
    ):
        assert answer.status_code == 404
    assert prefix_of(theirs) not in bearing(ours).get(KEYS).content.decode()
    assert prefix_of(theirs) in bearing(operator()).get(KEYS).content.decode()
    assert bearing(theirs).get(PRODUCTS).status_code == 200


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": PAGE}, 200),
        ({"Origin": "https://SHOP.example:443"}, 200),
        ({"Origin": "https://de.shop.example"}, 200),
        ({"Referer": f"{PAGE}/dresses?size=38"}, 200),
        ({}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://shop.example"}, 403),
        ({"Origin": "https://shop.example:8443"}, 403),
        ({"Origin": "https://shop.example.evil.example"}, 403),
        ({"Origin": "https://evilshop.example"}, 403),
        ({"Origin": "https://evil.example", "Referer": PAGE}, 403),
        ({"Referer": "https://evil.example/?https://shop.example"}, 403),
        ({"Referer": "https://shop.example@evil.example/"}, 403),
        ({"Origin": "https://[shop"}, 403),
    ],
)
def test_a_publishable_key_works_on_its_own_pages_alone(headers: dict[str, str], status: int) -> None:
    key = publishable_of(origins=(PAGE, "https://*.shop.example"))
    answer = Client(headers={"X-Api-Key": key, **headers}).get(PRODUCTS)
    assert answer.status_code == status
    if status == 403:
        assert answer.json()["code"] == "origin_refused"


def test_a_publishable_key_for_everywhere_needs_no_page() -> None:
    assert bearing(publishable_of(origins=("*",))).get(PRODUCTS).status_code == 200


def test_a_publishable_key_reads_products_and_writes_nothing() -> None:
    make_product(make_retailer("acme"), title="Ours")
    client = bearing(publishable_of(), PAGE)
    assert "Ours" in client.get(PRODUCTS).content.decode()
    assert posted(client, KEYS, {"kind": "secret", "name": "n"}).status_code == 403
    assert client.get(KEYS).status_code == 403


def test_the_use_of_a_key_is_written_once_a_minute() -> None:
    key = secret_of()
    client = bearing(key)
    client.get(PRODUCTS)
    first = ApiKey.objects.get(prefix=prefix_of(key)).last_used_at
    assert first is not None
    assert first.second == 0
    with CaptureQueriesContext(connection) as asked:
        client.get(PRODUCTS)
    assert not [query for query in asked if query["sql"].startswith("UPDATE")]
    ApiKey.objects.update(last_used_at=first - timedelta(minutes=2))
    client.get(PRODUCTS)
    assert ApiKey.objects.get(prefix=prefix_of(key)).last_used_at >= first


def test_whoever_guesses_keys_is_not_listened_to_while_others_go_on(settings: Settings) -> None:
    settings.SELVEDGE_RATE_WRONG_KEYS = "3/minute"
    known, unseen = secret_of(), secret_of()
    here = {"REMOTE_ADDR": "203.0.113.5"}
    assert bearing(known).get(PRODUCTS, **here).status_code == 200
    guesses = [bearing(f"slv_sk_guess{n}.x").get(PRODUCTS, **here) for n in range(4)]
    assert [answer.status_code for answer in guesses] == [401, 401, 401, 429]
    assert int(guesses[3]["Retry-After"]) > 0
    assert bearing(unseen).get(PRODUCTS, **here).status_code == 429, "not even a right guess is told"
    assert bearing(known).get(PRODUCTS, **here).status_code == 200, "who was right before is no guesser"
    assert bearing(unseen).get(PRODUCTS, REMOTE_ADDR="203.0.113.6").status_code == 200


def test_making_rotating_and_revoking_keys_is_audited_without_a_secret() -> None:
    key = secret_of()
    body = made(key, name="third")
    rotated = posted(bearing(key), f"{KEYS}/{body['prefix']}/rotate").json()
    bearing(key).delete(f"{KEYS}/{rotated['prefix']}", headers={"X-Request-ID": "asked-1"})
    entries = list(AuditEntry.objects.order_by("pk"))
    assert [(entry.action, entry.target) for entry in entries] == [
        ("api_key.create", body["prefix"]),
        ("api_key.rotate", body["prefix"]),
        ("api_key.revoke", rotated["prefix"]),
    ]
    assert {entry.actor for entry in entries} == {f"key {prefix_of(key)} (test)"}
    assert {entry.retailer.slug for entry in entries if entry.retailer} == {"acme"}
    assert entries[2].request_id == "asked-1"
    written = str([entry.__dict__ for entry in entries])
    assert not any(each.partition(".")[2] in written for each in (key, body["key"], rotated["key"]))


def run(*words: str) -> str:
    out = io.StringIO()
    call_command(*words, stdout=out, stderr=io.StringIO())
    return out.getvalue()


def test_commands_make_list_and_revoke_keys() -> None:
    key = run("create_api_key", "--retailer", "new-shop", "--create-retailer", "--name", "first").strip()
    assert Retailer.objects.get().name == "New Shop"
    assert bearing(key).get(PRODUCTS).status_code == 200
    master = run("create_api_key", "--operator", "--name", "us").strip()
    assert bearing(master).get(KEYS).status_code == 200
    front = ("--kind", "publishable", "--origin", PAGE, "--name", "front", "--days", "30")
    shop = run("create_api_key", "--retailer", "new-shop", *front).strip()
    assert bearing(shop, PAGE).get(PRODUCTS).status_code == 200
    listed = run("list_api_keys")
    assert all(prefix_of(each) in listed and each.partition(".")[2] not in listed for each in (key, master, shop))
    run("revoke_api_key", prefix_of(key))
    assert bearing(key).get(PRODUCTS).status_code == 401


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("create_api_key", "--retailer", "nobody", "--name", "x"), "--create-retailer"),
        (("create_api_key", "--retailer", "no body", "--create-retailer", "--name", "x"), "letters"),
        (("create_api_key", "--operator", "--name", "x", "--days", "-1"), "past"),
        (("create_api_key", "--operator", "--name", "x", "--days", "1e99"), "too large|range"),
        (("revoke_api_key", "unknown1"), "no API key"),
    ],
)
def test_a_command_says_why_it_made_nothing(words: tuple[str, ...], said: str) -> None:
    with pytest.raises(CommandError, match=said):
        run(*words)
    assert not ApiKey.objects.exists()
    assert not Retailer.objects.exists()
