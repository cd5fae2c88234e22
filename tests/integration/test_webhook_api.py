"""The resource of webhooks: made, changed, tried out over real HTTP, and seen by nobody else."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings
from standardwebhooks import Webhook

from catalog.access.keys import create_key
from catalog.models import ApiKey, AuditEntry, WebhookDelivery, WebhookEndpoint
from catalog.webhooks import announce
from catalog.webhooks.endpoints import MAX_ENDPOINTS
from catalog.webhooks.sending import send_due
from search.background import wait_for_background
from tests.factories import make_retailer
from tests.webhook_receiver import Answer, Receiver, allow, running_receiver

pytestmark = pytest.mark.django_db
JSON = "application/json"


@pytest.fixture
def receiver(settings: Settings) -> Iterator[Receiver]:
    with running_receiver() as running:
        allow(settings, running)
        yield running


def key_of(slug: str | None, kind: str = "secret") -> dict[str, str]:
    retailer = None if slug is None else make_retailer(slug)
    _, key = create_key(ApiKey.Kind(kind), "test", retailer=retailer)
    return {"HTTP_AUTHORIZATION": f"Bearer {key}"}


@pytest.fixture
def acme() -> dict[str, str]:
    return key_of("acme")


def make(client: Client, key: dict[str, str], url: str, **fields: Any) -> HttpResponse:
    wanted = {"url": url, "events": ["import.finished"]} | fields
    return client.post("/api/webhooks", wanted, JSON, **key)  # type: ignore[arg-type]


def test_a_webhook_is_made_tried_out_and_verified_with_the_secret_shown_once(
    client: Client, acme: dict[str, str], receiver: Receiver
) -> None:
    answer = make(client, acme, receiver.url())
    made = answer.json()
    assert (answer.status_code, answer["Location"]) == (201, f"/api/webhooks/{made['id']}")
    assert answer["Cache-Control"] == "no-store"
    secret = made.pop("secret")
    for address in ("/api/webhooks", "/api/webhooks/"):
        assert client.get(address, **acme).json()["results"] == [made]  # type: ignore[arg-type]
    tried = client.post(f"/api/webhooks/{made['id']}/test", **acme)  # type: ignore[arg-type]
    assert (tried.status_code, tried.json()["state"]) == (202, "pending")
    send_due()
    (message,) = receiver.messages
    assert Webhook(secret).verify(message.body, message.headers)["type"] == "ping"
    delivered = client.get(tried["Location"], **acme).json()  # type: ignore[arg-type]
    assert (delivered["state"], delivered["status_code"], delivered["attempts"]) == ("delivered", 200, 1)
    assert [entry.action for entry in AuditEntry.objects.order_by("pk")] == ["webhook.create", "webhook.test"]
    assert secret not in str(list(AuditEntry.objects.values()))


@pytest.mark.django_db(transaction=True)
def test_what_is_asked_for_is_sent_by_itself_after_the_answer(
    client: Client, acme: dict[str, str], receiver: Receiver
) -> None:
    made = make(client, acme, receiver.url()).json()
    client.post(f"/api/webhooks/{made['id']}/test", **acme)  # type: ignore[arg-type]
    assert wait_for_background(30)
    assert WebhookDelivery.objects.get().state == "delivered"


def test_a_new_secret_is_shown_once_and_signs_with_the_old_one(
    client: Client, acme: dict[str, str], receiver: Receiver
) -> None:
    made = make(client, acme, receiver.url()).json()
    rotated = client.post(f"/api/webhooks/{made['id']}/rotate-secret", **acme).json()  # type: ignore[arg-type]
    assert rotated["secret"].startswith("whsec_")
    assert rotated["secret"] != made["secret"]
    announce("import.finished", make_retailer(), {"import_id": "1"})
    send_due()
    (message,) = receiver.messages
    for secret in (made["secret"], rotated["secret"]):
        assert Webhook(secret).verify(message.body, message.headers)


def test_a_change_is_taken_over_and_what_waited_is_sent_when_it_is_switched_on(
    client: Client,
    acme: dict[str, str],
    receiver: Receiver,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    address = f"/api/webhooks/{make(client, acme, receiver.url()).json()['id']}"
    announce("import.finished", make_retailer(), {})
    off = client.patch(address, {"active": False}, JSON, **acme).json()  # type: ignore[arg-type]
    assert (off["active"], send_due().n_attempts) == (False, 0)
    refused = client.post(f"{address}/test", **acme)  # type: ignore[arg-type]
    assert (refused.status_code, refused.json()["code"]) == (409, "webhook_disabled")
    changed = {"active": True, "events": ["space.promoted"], "url": receiver.url("/new")}
    with django_capture_on_commit_callbacks() as on_commit:
        on = client.patch(address, changed, JSON, **acme).json()  # type: ignore[arg-type]
    assert {name: on[name] for name in changed} == changed
    assert on_commit
    send_due()
    assert [message.path for message in receiver.messages] == ["/new"]


def test_a_delivery_that_failed_is_listed_with_its_reason_and_sent_again_on_request(
    client: Client, acme: dict[str, str], receiver: Receiver
) -> None:
    receiver.answer = lambda _: Answer(500)
    address = f"/api/webhooks/{make(client, acme, receiver.url()).json()['id']}/deliveries"
    for number in range(3):
        announce("import.finished", make_retailer(), {"import_id": number})
    WebhookDelivery.objects.update(state="failed", next_attempt_at=None, error="the receiver answers 500")
    page = client.get(address, {"limit": 2, "state": "failed"}, **acme).json()  # type: ignore[arg-type]
    rest = client.get(page["next"], **acme).json()  # type: ignore[arg-type]
    listed = [*page["results"], *rest["results"]]
    assert {delivery["data"]["import_id"] for delivery in listed} == {0, 1, 2}
    assert {delivery["error"] for delivery in listed} == {"the receiver answers 500"}
    receiver.answer = lambda _: Answer(202)
    again = client.post(f"{address}/{listed[0]['id']}/retry/", **acme)  # type: ignore[arg-type]
    assert (again.status_code, again.json()["attempts"]) == (202, 0)
    send_due()
    assert receiver.ids == [listed[0]["id"]]


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("ftp://shop.example/x", "scheme_refused"),
        ("https://user:secret@shop.example/", "url_refused"),
        ("https://127.0.0.2/", "address_refused"),
        ("https://169.254.169.254/latest", "address_refused"),
        ("https://[::ffff:10.0.0.1]/", "address_refused"),
        ("https://2130706433/", "url_refused"),
        ("https://localhost/", "address_refused"),
        ("https://shop.example:22/", "port_refused"),
        ("https://shop.example/#part", "url_refused"),
        ("http://93.184.215.14/", "scheme_refused"),
        ("hello", "scheme_refused"),
        ("https://", "url_refused"),
        ("https://xn--/", "url_refused"),
    ],
)
def test_an_address_that_nothing_may_be_sent_to_is_refused_at_once(
    client: Client, acme: dict[str, str], url: str, code: str, settings: Settings
) -> None:
    settings.SELVEDGE_ALLOWED_NETWORKS = []
    answer = make(client, acme, url)
    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert answer.json()["errors"][0]["field"] == "url"
    assert not WebhookEndpoint.objects.exists()


@pytest.mark.parametrize(
    "fields",
    [
        {"events": []},
        {"events": ["import.ended"]},
        {"events": "import.finished"},
        {"url": None},
        {"url": "https://a.example/\0"},
        {"url": ["https://a.example/"]},
        {"url": "https://a.example/" + "x" * 3000},
        {"secret": "mine"},
    ],
)
def test_a_wrong_field_is_refused_with_its_name(client: Client, acme: dict[str, str], fields: dict[str, Any]) -> None:
    wanted = {"url": "https://shop.example/", "events": ["import.finished"]} | fields
    answer = client.post("/api/webhooks", wanted, JSON, **acme)  # type: ignore[arg-type]
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"].split(".")[0] == next(iter(fields))


@pytest.mark.parametrize(
    "body", [b"[1]", b"{", b"\xff", b"[" * 100_000, b'{"url": NaN}', b"1" * 5000, b"null", rb'{"url": "\ud800"}']
)
def test_a_body_that_is_no_object_is_refused(client: Client, acme: dict[str, str], body: bytes) -> None:
    assert client.post("/api/webhooks", body, JSON, **acme).status_code == 400  # type: ignore[arg-type]


def test_there_are_only_so_many(client: Client, acme: dict[str, str], receiver: Receiver) -> None:
    for number in range(MAX_ENDPOINTS):
        assert make(client, acme, receiver.url(f"/{number}")).status_code == 201
    assert make(client, acme, receiver.url("/more")).json()["code"] == "too_many_webhooks"


def test_another_retailers_webhook_is_not_there(client: Client, acme: dict[str, str], receiver: Receiver) -> None:
    other = key_of("other")
    address = f"/api/webhooks/{make(client, acme, receiver.url()).json()['id']}"
    delivery = client.post(f"{address}/test", **acme).json()["id"]  # type: ignore[arg-type]
    for method, path in (
        ("get", ""),
        ("patch", ""),
        ("delete", ""),
        ("post", "/rotate-secret"),
        ("post", "/test"),
        ("get", "/deliveries"),
        ("get", f"/deliveries/{delivery}"),
        ("post", f"/deliveries/{delivery}/retry"),
    ):
        answer = getattr(client, method)(f"{address}{path}", content_type=JSON, **other)
        assert (method, path, answer.status_code) == (method, path, 404)
    assert client.get("/api/webhooks", **other).json()["results"] == []  # type: ignore[arg-type]
    assert client.get("/api/webhooks", {"retailer": "acme"}, **other).status_code == 404  # type: ignore[arg-type]
    own = f"/api/webhooks/{make(client, other, receiver.url()).json()['id']}"
    assert client.get(f"{own}/deliveries/{delivery}", **other).status_code == 404  # type: ignore[arg-type]
    assert client.get(f"/api/webhooks/{uuid.uuid4()}", **acme).status_code == 404  # type: ignore[arg-type]
    assert client.get("/api/webhooks/%00", **acme).status_code == 404  # type: ignore[arg-type]
    assert client.delete(address, **acme).status_code == 204  # type: ignore[arg-type]
    assert WebhookEndpoint.objects.count() == 1


def test_an_operator_is_told_of_all_retailers_or_of_the_one_it_names(client: Client, receiver: Receiver) -> None:
    operator, make_retailer_ = key_of(None, "operator"), make_retailer("acme")
    assert make(client, operator, receiver.url("/all")).json()["retailer"] is None
    assert make(client, operator, receiver.url("/acme"), retailer="acme").json()["retailer"] == "acme"
    announce("import.finished", make_retailer("other"), {})
    announce("import.finished", make_retailer_, {})
    send_due()
    assert sorted(message.path for message in receiver.messages) == ["/acme", "/all", "/all"]


def test_without_a_key_nobody_sees_or_makes_any_even_where_all_may_read(client: Client, receiver: Receiver) -> None:
    make(client, key_of("acme"), receiver.url())
    assert client.get("/api/webhooks").status_code == 401
    assert make(client, {}, receiver.url()).status_code == 401
    assert make(client, key_of("acme", "publishable"), receiver.url()).status_code == 403
