"""Events become deliveries; deliveries are signed, sent over real HTTP, tried again, given up."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from django.db import transaction
from pytest_django import Settings
from standardwebhooks import Webhook, WebhookVerificationError

from catalog import webhooks
from catalog.models import AuditEntry, WebhookDelivery, WebhookEndpoint
from catalog.webhooks import claiming
from catalog.webhooks.endpoints import change_endpoint, ping, retry, rotate_secret
from catalog.webhooks.schedule import MAX_ATTEMPTS, RETRY_DELAYS_S
from catalog.webhooks.sending import send_due
from catalog.webhooks.signing import body_of, endpoint_secret, signed_headers
from catalog.webhooks.upkeep import forget_old_deliveries
from tests.factories import make_retailer
from tests.webhook_receiver import Answer, Message, Receiver, allow, running_receiver

pytestmark = pytest.mark.django_db


@pytest.fixture
def receiver(settings: Settings) -> Iterator[Receiver]:
    with running_receiver() as running:
        allow(settings, running)
        yield running


def endpoint(receiver: Receiver, path: str = "/hook", slug: str | None = "acme") -> WebhookEndpoint:
    retailer = None if slug is None else make_retailer(slug)
    return WebhookEndpoint.objects.create(retailer=retailer, url=receiver.url(path), events=list(webhooks.EVENTS))


def happened(slug: str = "acme", **payload: object) -> None:
    webhooks.announce("import.finished", make_retailer(slug), payload or {"import_id": "1"})


def due_now() -> None:
    WebhookDelivery.objects.filter(state="pending").update(next_attempt_at=datetime.now(UTC))


def the_delivery() -> WebhookDelivery:
    return WebhookDelivery.objects.select_related("endpoint").get()


def test_an_event_reaches_its_retailers_and_the_operators_endpoints_and_nobody_elses(receiver: Receiver) -> None:
    endpoint(receiver, "/own")
    endpoint(receiver, "/operators", slug=None)
    endpoint(receiver, "/other", slug="other")
    deaf = endpoint(receiver, "/deaf")
    change_endpoint(deaf, events=["space.promoted"])
    change_endpoint(endpoint(receiver, "/off"), is_active=False)
    happened(import_id="7", reason="a\0b\ud800")
    assert send_due().n_delivered == 2
    assert sorted(message.path for message in receiver.messages) == ["/operators", "/own"]
    told = json.loads(receiver.messages[0].body)
    assert (told["type"], told["data"]["import_id"]) == ("import.finished", "7")
    assert send_due().n_attempts == 0


def test_what_concerns_everybody_reaches_every_subscriber(receiver: Receiver) -> None:
    endpoint(receiver, "/a", slug="a")
    endpoint(receiver, "/b", slug="b")
    webhooks.announce("space.promoted", None, {"space": "new@1"})
    send_due()
    assert sorted(message.path for message in receiver.messages) == ["/a", "/b"]


def test_an_event_that_there_is_not_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(ValueError, match=r"import\.ended"):
        webhooks.announce("import.ended", make_retailer(), {})


def test_what_is_rolled_back_was_never_announced(receiver: Receiver) -> None:
    endpoint(receiver)
    with transaction.atomic():
        happened()
        transaction.set_rollback(True)
    assert not WebhookDelivery.objects.exists()


def test_a_receiver_verifies_the_message_with_the_librarys_own_check(receiver: Receiver) -> None:
    secret = endpoint_secret(endpoint(receiver))
    happened()
    send_due()
    (message,) = receiver.messages
    verified = Webhook(secret).verify(message.body, message.headers)
    assert verified["data"] == {"import_id": "1"}
    assert message.headers["content-type"] == "application/json"
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(message.body.replace(b'"1"', b'"2"'), message.headers)
    other = endpoint_secret(endpoint(receiver))
    with pytest.raises(WebhookVerificationError):
        Webhook(other).verify(message.body, message.headers)


def test_a_message_that_is_played_again_later_is_refused(receiver: Receiver) -> None:
    ping(endpoint(receiver))
    delivery, now = the_delivery(), datetime.now(UTC)
    body, check = body_of(delivery), Webhook(endpoint_secret(delivery.endpoint))
    assert check.verify(body, signed_headers(delivery, body, now - timedelta(minutes=4)))
    old = signed_headers(delivery, body, now - timedelta(minutes=6))
    with pytest.raises(WebhookVerificationError, match="too old"):
        check.verify(body, old)
    with pytest.raises(WebhookVerificationError, match="No matching"):
        check.verify(body, old | {"webhook-timestamp": str(int(now.timestamp()))})


def test_after_a_rotation_the_old_secret_verifies_for_a_day_and_the_new_one_from_now_on(receiver: Receiver) -> None:
    hook = endpoint(receiver)
    old = endpoint_secret(hook)
    new = endpoint_secret(rotate_secret(hook))
    ping(hook)
    delivery, now = the_delivery(), datetime.now(UTC)
    body = body_of(delivery)
    headers = signed_headers(delivery, body, now)
    assert Webhook(new).verify(body, headers) == Webhook(old).verify(body, headers)
    WebhookEndpoint.objects.update(secret_rotated_at=now - timedelta(days=2))
    headers = signed_headers(the_delivery(), body, now)
    with pytest.raises(WebhookVerificationError):
        Webhook(old).verify(body, headers)
    assert Webhook(new).verify(body, headers)


def test_what_is_not_accepted_is_tried_again_later_and_later_and_at_last_given_up(receiver: Receiver) -> None:
    receiver.answer = lambda _: Answer(500, b"x" * 100_000)
    endpoint(receiver)
    happened()
    waits = []
    while the_delivery().state == "pending":
        due_now()
        before = datetime.now(UTC)
        send_due()
        again = the_delivery().next_attempt_at
        if again is not None:
            waits.append((again - before).total_seconds())
    assert len(receiver.messages) == MAX_ATTEMPTS
    assert len(set(receiver.ids)) == 1
    assert all(0.8 * delay <= wait <= 1.2 * delay + 5 for delay, wait in zip(RETRY_DELAYS_S, waits, strict=True))
    given_up = the_delivery()
    assert (given_up.state, given_up.status_code, given_up.error) == ("failed", 500, "the receiver answers 500")
    receiver.answer = lambda _: Answer(204)
    retry(given_up)
    send_due()
    assert the_delivery().state == "delivered"
    assert WebhookEndpoint.objects.get().n_failures == 0


def test_a_busy_receiver_is_given_the_time_it_asks_for(receiver: Receiver) -> None:
    receiver.answer = lambda _: Answer(503, headers={"Retry-After": "120"})
    endpoint(receiver)
    happened()
    before = datetime.now(UTC)
    next_at = send_due().next_at
    assert next_at is not None
    assert next_at >= before + timedelta(seconds=120)


def test_a_receiver_that_is_gone_is_told_no_more_and_the_audit_log_says_so(receiver: Receiver) -> None:
    receiver.answer = lambda _: Answer(410)
    hook = endpoint(receiver)
    happened()
    assert send_due().next_at is None
    happened()
    hook.refresh_from_db()
    assert (hook.is_active, hook.disabled_reason) == (False, "the receiver answered 410 Gone")
    assert the_delivery().state == "failed"
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.target, entry.retailer) == ("webhook.disable", str(hook.pk), hook.retailer)


def test_an_endpoint_that_accepts_nothing_for_days_is_disabled_and_starts_afresh_when_switched_on(
    receiver: Receiver,
) -> None:
    receiver.answer = lambda _: Answer(500)
    hook = endpoint(receiver)
    happened()
    send_due()
    WebhookEndpoint.objects.update(failing_since=datetime.now(UTC) - timedelta(days=6))
    happened()
    due_now()
    send_due()
    hook.refresh_from_db()
    assert not hook.is_active
    assert "nothing was accepted for 5 days" in hook.disabled_reason
    assert {delivery.state for delivery in WebhookDelivery.objects.all()} == {"failed"}
    assert AuditEntry.objects.count() == 1
    change_endpoint(hook, is_active=True)
    happened()
    send_due()
    hook.refresh_from_db()
    assert (hook.is_active, hook.n_failures) == (True, 1)


def test_redirects_are_not_followed(receiver: Receiver) -> None:
    receiver.answer = lambda _: Answer(307, headers={"Location": receiver.url("/elsewhere")})
    endpoint(receiver)
    happened()
    send_due()
    assert [message.path for message in receiver.messages] == ["/hook"]
    assert "redirects are not followed" in the_delivery().error


def test_a_receiver_that_hangs_holds_up_nobody_else_for_longer_than_the_time_out(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    released = threading.Event()

    def answer(message: Message) -> Answer:
        if message.path == "/hangs":
            released.wait(60)
        return Answer()

    receiver.answer = answer
    for module in ("attempts", "sending"):
        monkeypatch.setattr(f"catalog.webhooks.{module}.TIMEOUT_S", 0.5)
    endpoint(receiver, "/hangs", slug="slow")
    endpoint(receiver, "/quick", slug="quick")
    for _ in range(12):
        happened("slow")
    for _ in range(3):
        happened("quick")
    try:
        sent = send_due()
    finally:
        released.set()
    assert sent.n_delivered == 3
    # One batch was at it when the first time-out came; the rest waits for the next run.
    assert sum(message.path == "/hangs" for message in receiver.messages) in range(1, 9)
    assert WebhookDelivery.objects.filter(n_attempts=0, state="pending").exists()


def test_an_address_inside_this_network_is_not_connected_to_whatever_its_record_says(
    receiver: Receiver, settings: Settings
) -> None:
    endpoint(receiver)
    happened()
    settings.SELVEDGE_ALLOWED_NETWORKS = []
    send_due()
    assert receiver.messages == []
    assert the_delivery().error.startswith("not sent:")


def test_no_two_senders_hold_the_same_delivery_and_a_dead_ones_comes_back(receiver: Receiver) -> None:
    endpoint(receiver)
    happened()
    one, other = the_delivery(), the_delivery()
    assert (claiming._take(one), claiming._take(other)) == (True, False)
    assert claiming.claim_due(8) == []
    # The first sender dies without a word. Its claim ends by itself.
    WebhookDelivery.objects.update(next_attempt_at=datetime.now(UTC) - timedelta(seconds=1))
    (again,) = claiming.claim_due(8)
    assert (again.pk, again.n_attempts) == (one.pk, 2)
    assert not claiming.still_claimed(one).exists()


def test_what_was_settled_long_ago_is_forgotten_and_what_is_due_never(receiver: Receiver) -> None:
    endpoint(receiver)
    happened()
    send_due()
    happened()
    WebhookDelivery.objects.update(created_at=datetime.now(UTC) - timedelta(days=31))
    assert forget_old_deliveries() == 1
    assert the_delivery().state == "pending"


def test_an_answer_without_end_is_not_read(receiver: Receiver) -> None:
    receiver.answer = lambda _: Answer(200, b"x" * 50_000_000)
    endpoint(receiver)
    happened()
    assert send_due().n_delivered == 1
    assert receiver.cut_off.wait(30)
