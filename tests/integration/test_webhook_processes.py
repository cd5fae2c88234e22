"""Webhooks over processes: no message is sent by two at a time, and none is lost with a process that is killed."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.integration.services import wait_until
from tests.webhook_receiver import Answer, Message, Receiver, running_receiver

N_DELIVERIES = 40
PREPARE = """
from django.core.management import call_command
call_command("migrate", verbosity=0)
from catalog.models import Retailer, WebhookEndpoint
from catalog import webhooks
retailer = Retailer.objects.create(slug="acme", name="Acme")
WebhookEndpoint.objects.create(retailer=retailer, url=sys.argv[1], events=["import.finished"])
for number in range(int(sys.argv[2])):
    webhooks.announce("import.finished", retailer, {"import_id": number})
"""
SEND = """
from catalog.webhooks.sending import send_due
print(send_due().n_delivered)
"""
SEND_BEFORE_AND_AFTER_THE_CLAIM_ENDS = """
from django.db.models import F
from catalog.models import WebhookDelivery
from catalog.webhooks.sending import send_due
before = send_due().n_delivered
WebhookDelivery.objects.filter(state="pending").update(next_attempt_at=F("created_at"))
print(before, send_due().n_delivered)
"""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with running_receiver() as running:
        yield running


@pytest.fixture
def environment(tmp_path: Path, receiver: Receiver) -> dict[str, str]:
    unset = dict.fromkeys(("DATABASE_URL", "VECTOR_INDEX_URL", "CELERY_BROKER_URL"), "")
    return {
        **os.environ,
        **unset,
        "DJANGO_SETTINGS_MODULE": "deploy.settings",
        "SELVEDGE_DATA_DIR": str(tmp_path),
        "SELVEDGE_ALLOWED_NETWORKS": "127.0.0.1/32",
        "SELVEDGE_ALLOWED_PORTS": f"443,{receiver.port}",
    }


def start(repository: Path, environment: dict[str, str], code: str, *arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", f"import sys, django\ndjango.setup()\n{code}", *map(str, arguments)]
    return subprocess.Popen(command, cwd=repository, env=environment, stdout=subprocess.PIPE, text=True)


def printed(process: subprocess.Popen[str]) -> list[int]:
    told, _ = process.communicate(timeout=120)
    assert process.returncode == 0
    return [int(word) for word in told.split()]


def test_two_processes_send_every_message_once_and_a_killed_one_loses_none(
    repository: Path, environment: dict[str, str], receiver: Receiver, tmp_path: Path
) -> None:
    printed(start(repository, environment, PREPARE, receiver.url(), N_DELIVERIES))
    senders = [start(repository, environment, SEND) for _ in range(2)]
    assert sum(sum(printed(sender)) for sender in senders) == N_DELIVERIES
    assert set(Counter(receiver.ids).values()) == {1}
    assert len(receiver.messages) == N_DELIVERIES

    # Once more, to a receiver that takes the message and never answers: its sender is killed meanwhile.
    released = threading.Event()
    receiver.messages.clear()

    def hang(_: Message) -> Answer:
        released.wait(120)
        return Answer()

    receiver.answer = hang
    with closing(sqlite3.connect(tmp_path / "db.sqlite3")) as database, database:
        database.execute(
            "UPDATE catalog_webhookdelivery SET state = 'pending', next_attempt_at = created_at, n_attempts = 0 "
            "WHERE id = (SELECT min(id) FROM catalog_webhookdelivery)"
        )
    sender = start(repository, environment, SEND)
    wait_until(lambda: bool(receiver.messages), "the message", timeout_s=60)
    os.kill(sender.pid, signal.SIGKILL)
    sender.communicate()
    released.set()
    # While the dead one's claim lasts nobody sends it, so that nothing is sent twice at a time.
    assert printed(start(repository, environment, SEND_BEFORE_AND_AFTER_THE_CLAIM_ENDS)) == [0, 1]
    assert Counter(receiver.ids) == {receiver.ids[0]: 2}
