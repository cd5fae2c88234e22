"""Budgets of requests: whose they are, what they say, and that processes share them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from django.test import Client
from pytest_django import Settings

from catalog.access import limiting
from catalog.access.addresses import client_address
from catalog.access.limiting import spend
from tests.access_cases import PAGE, bearing, publishable_of, secret_of
from tests.integration.services import free_port

PRODUCTS = "/api/products"


@pytest.fixture(autouse=True)
def fresh_budgets() -> None:
    limiting._counters.cache_clear()


@pytest.fixture
def rates(settings: Settings) -> Callable[..., None]:
    def put(**changed: str) -> None:
        settings.SELVEDGE_RATES = settings.SELVEDGE_RATES | changed

    return put


def statuses(client: Client, n: int, **extra: str) -> list[int]:
    return [client.get(PRODUCTS, **extra).status_code for _ in range(n)]


@pytest.mark.django_db
def test_a_key_that_asked_too_often_is_told_when_to_come_back(rates: Callable[..., None]) -> None:
    rates(secret="2/minute")
    client = bearing(secret_of())
    assert statuses(client, 2) == [200, 200]
    answer = client.get(PRODUCTS)
    assert (answer.status_code, answer.json()["code"]) == (429, "throttled")
    assert 0 < int(answer["Retry-After"]) <= 60
    assert answer["RateLimit-Policy"] == '"key";q=2;w=60'
    assert answer["RateLimit"].startswith('"key";r=0;t=')
    assert bearing(secret_of()).get(PRODUCTS).status_code == 200, "another key has a budget of its own"


@pytest.mark.django_db
def test_an_answer_says_what_is_left(rates: Callable[..., None]) -> None:
    rates(secret="7/10 seconds")
    client = bearing(secret_of())
    left = [client.get(PRODUCTS)["RateLimit"].split(";")[1] for _ in range(3)]
    assert left == ["r=6", "r=5", "r=4"]
    assert client.get(PRODUCTS)["RateLimit-Policy"] == '"key";q=7;w=10'


@pytest.mark.django_db
def test_a_keys_own_rate_counts_before_its_kinds(rates: Callable[..., None]) -> None:
    rates(secret="1/minute")
    assert statuses(bearing(secret_of(rate="3/minute")), 4) == [200, 200, 200, 429]
    rates(secret="off")
    assert not bearing(secret_of()).get(PRODUCTS).has_header("RateLimit")


@pytest.mark.django_db
def test_a_photo_search_takes_as_much_as_ten_reads(rates: Callable[..., None]) -> None:
    rates(secret="25/minute")
    client = bearing(secret_of())
    assert [client.post("/api/search").status_code for _ in range(3)] == [400, 400, 429]
    assert statuses(client, 6) == [200] * 5 + [429]


@pytest.mark.django_db
def test_one_shopper_does_not_use_up_the_shops_key(rates: Callable[..., None], settings: Settings) -> None:
    rates(shopper="2/minute", publishable="5/minute")
    settings.SELVEDGE_TRUSTED_PROXIES = 1
    client = bearing(publishable_of(), PAGE)
    greedy, other, third = ({"HTTP_X_FORWARDED_FOR": f"198.51.100.{n}"} for n in (1, 2, 3))
    assert statuses(client, 3, **greedy) == [200, 200, 429]
    assert statuses(client, 2, **other) == [200, 200]
    assert statuses(client, 2, **third) == [200, 429], "all of them together have the key's budget"


@pytest.mark.django_db
def test_nobody_known_is_counted_by_address(rates: Callable[..., None]) -> None:
    rates(anonymous="1/minute")
    made_up = ({"REMOTE_ADDR": "203.0.113.7", "HTTP_X_FORWARDED_FOR": f"6.6.6.{n}"} for n in range(2))
    assert [Client().get(PRODUCTS, **extra).status_code for extra in made_up] == [200, 429], "no proxy vouches for it"
    assert Client().get(PRODUCTS, REMOTE_ADDR="203.0.113.8").status_code == 200
    assert Client().get("/healthz", REMOTE_ADDR="203.0.113.7").status_code == 200


@pytest.mark.parametrize(
    ("meta", "n_proxies", "address"),
    [
        ({"REMOTE_ADDR": "203.0.113.7", "HTTP_X_FORWARDED_FOR": "6.6.6.6"}, 0, "203.0.113.7"),
        ({"REMOTE_ADDR": "10.0.0.1", "HTTP_X_FORWARDED_FOR": "6.6.6.6, 203.0.113.7"}, 1, "203.0.113.7"),
        ({"REMOTE_ADDR": "10.0.0.1", "HTTP_X_FORWARDED_FOR": "6.6.6.6,203.0.113.7, 10.0.0.2"}, 2, "203.0.113.7"),
        ({"REMOTE_ADDR": "203.0.113.7", "HTTP_X_FORWARDED_FOR": "6.6.6.6"}, 2, "203.0.113.7"),
        ({"REMOTE_ADDR": "", "HTTP_X_FORWARDED_FOR": "203.0.113.7:4711"}, 1, "203.0.113.7"),
        ({"REMOTE_ADDR": "2001:db8:1:2:3:4:5:6"}, 0, "2001:db8:1:2::/64"),
        ({"REMOTE_ADDR": "", "HTTP_X_FORWARDED_FOR": "[2001:db8:1:2::9]:80"}, 1, "2001:db8:1:2::/64"),
        ({"REMOTE_ADDR": "::ffff:203.0.113.7"}, 0, "203.0.113.7"),
        ({"REMOTE_ADDR": "::1"}, 0, "::1"),
        ({"REMOTE_ADDR": "", "HTTP_X_FORWARDED_FOR": "'; drop"}, 1, "unknown"),
    ],
)
def test_a_clients_address_is_what_our_own_proxies_say(meta: dict[str, str], n_proxies: int, address: str) -> None:
    assert client_address(meta, n_proxies) == address


SPENDING = """
import django, json, sys
django.setup()
from catalog.access.limiting import spend
print(json.dumps(sum(spend("30/minute", "key", "shared").is_within for _ in range(25))))
"""


@pytest.mark.services
def test_processes_share_one_budget_over_redis(redis_url: str, repository: Path) -> None:
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "deploy.settings", "SELVEDGE_RATE_LIMIT_URL": redis_url}
    command = [sys.executable, "-c", SPENDING]
    running = [
        subprocess.Popen(command, cwd=repository, env=environment, stdout=subprocess.PIPE, text=True) for _ in range(2)
    ]
    allowed = [json.loads(process.communicate()[0]) for process in running]
    assert sum(allowed) == 30
    assert min(allowed) >= 5


@pytest.mark.django_db
def test_without_its_redis_a_process_counts_for_itself(
    rates: Callable[..., None], settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    settings.SELVEDGE_RATE_LIMIT_URL = f"redis://:hush@127.0.0.1:{free_port()}/0"
    rates(secret="3/minute")
    assert statuses(bearing(secret_of()), 4) == [200, 200, 200, 429]
    said = [entry.getMessage() for entry in caplog.records if entry.name == "catalog.access.limiting"]
    assert len(said) == 1, "once, not with every request"
    assert "this process alone" in said[0]
    assert "hush" not in caplog.text


@pytest.mark.services
def test_the_shared_count_is_taken_up_again(
    redis_url: str, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.SELVEDGE_RATE_LIMIT_URL = redis_url
    counters = limiting._counters(redis_url)
    spend("2/minute", "key", "returning")
    counters.away_until_s = float("inf")
    spend("2/minute", "key", "returning")
    counters.away_until_s = 0.0
    left = spend("2/minute", "key", "returning")
    assert left is not None
    assert (left.is_within, left.remaining) == (True, 0)
