"""What shoppers did comes in by the batch: each event judged by itself, stored once, of nobody else's searches."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from catalog.access.keys import create_key
from catalog.models import ApiKey, Product, Retailer
from search.event_upkeep import forget_old_events
from search.events import MAX_EVENTS_OF_PAGES
from search.models import Event, SearchLog
from tests.factories import make_product, make_retailer
from tests.search_factories import make_space

pytestmark = pytest.mark.django_db
JSON = "application/json"
NOW = datetime.now(UTC)


@pytest.fixture
def acme() -> Retailer:
    return make_retailer("acme")


@pytest.fixture
def shirt(acme: Retailer) -> Product:
    return make_product(acme, external_id="SHIRT")


def key_of(retailer: Retailer | None, kind: str = "publishable") -> dict[str, str]:
    _, key = create_key(ApiKey.Kind(kind), "test", retailer=retailer, allowed_origins=["*"])
    return {"HTTP_AUTHORIZATION": f"Bearer {key}"}


def searched(retailer: Retailer | None, created_at: datetime = NOW, **fields: Any) -> SearchLog:
    return SearchLog.objects.create(
        search_id=uuid.uuid4(),
        created_at=created_at,
        retailer=retailer,
        space=make_space(),
        segmenter_version="seg@1",
        n_garments=1,
        **({"has_match": True} | fields),
    )


def event(**fields: Any) -> dict[str, Any]:
    return {"event_id": str(uuid.uuid4()), "type": "click", "product_id": "SHIRT"} | fields


def report(client: Client, key: dict[str, str], *events: Any) -> HttpResponse:
    return client.post("/api/events", {"events": list(events)}, JSON, **key)  # type: ignore[arg-type]


def codes(answer: HttpResponse) -> list[tuple[str, str]]:
    assert answer.status_code == 200, answer.content
    return [(result["status"], result["code"]) for result in json.loads(answer.content)["results"]]


def test_an_event_is_stored_with_all_it_says_and_nothing_about_the_person(
    client: Client, acme: Retailer, shirt: Product
) -> None:
    search = searched(acme)
    told = event(
        type="purchase",
        search_id=str(search.search_id),
        object_id=1,
        rank=3,
        quantity=2,
        value="104.5",
        currency="usd",
        occurred_at="2999-01-01T00:00:00Z",
    )
    told["occurred_at"] = (NOW - timedelta(days=1)).isoformat()
    assert codes(report(client, key_of(acme), told)) == [("accepted", "")]
    stored = Event.objects.get()
    assert (stored.retailer, stored.product, stored.search, stored.kind) == (acme, shirt, search, "purchase")
    assert (stored.object_id, stored.rank, stored.quantity) == (1, 3, 2)
    assert (stored.value, stored.currency, stored.occurred_at) == (Decimal("104.5"), "USD", NOW - timedelta(days=1))
    names = {field.name for field in Event._meta.get_fields()}
    assert not names & {"ip", "address", "user_agent", "session", "user"}


def test_the_same_event_counts_once_within_a_batch_and_over_batches(
    client: Client, acme: Retailer, shirt: Product
) -> None:
    key, one = key_of(acme), event()
    assert codes(report(client, key, one, one)) == [("accepted", ""), ("duplicate", "")]
    assert codes(report(client, key, one)) == [("duplicate", "")]
    other = make_retailer("other")
    make_product(other, external_id="SHIRT")
    assert codes(report(client, key_of(other), one)) == [("accepted", "")]
    assert Event.objects.count() == 2


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"product_id": "NONE"}, "unknown_product"),
        ({"search_id": str(uuid.uuid4())}, "unknown_search"),
        ({"retailer": "nobody"}, "unknown_retailer"),
        ({"occurred_at": (NOW + timedelta(minutes=30)).isoformat()}, "wrong_time"),
        ({"occurred_at": (NOW - timedelta(days=91)).isoformat()}, "wrong_time"),
        ({"occurred_at": "0001-01-01T00:00:00+14:00"}, "invalid_event"),
        ({"occurred_at": "yesterday"}, "invalid_event"),
        ({"type": "like"}, "invalid_event"),
        ({"event_id": ""}, "invalid_event"),
        ({"event_id": "x" * 65}, "invalid_event"),
        ({"event_id": "a\0b"}, "invalid_event"),
        ({"event_id": None}, "invalid_event"),
        ({"event_id": ["a"]}, "invalid_event"),
        ({"product_id": {"id": 1}}, "invalid_event"),
        ({"rank": 0}, "invalid_event"),
        ({"rank": 99999}, "invalid_event"),
        ({"object_id": -1}, "invalid_event"),
        ({"quantity": 10**12}, "invalid_event"),
        ({"value": "12.00"}, "invalid_event"),
        ({"currency": "USD"}, "invalid_event"),
        ({"value": "-1", "currency": "USD"}, "invalid_event"),
        ({"value": "1e400", "currency": "USD"}, "invalid_event"),
        ({"value": "1", "currency": "XXZ"}, "invalid_event"),
        ({"search_id": "7"}, "invalid_event"),
        ({"user_agent": "Mozilla"}, "invalid_event"),
    ],
)
def test_a_wrong_event_is_refused_with_its_reason_and_keeps_no_other_out(
    client: Client, acme: Retailer, shirt: Product, fields: dict[str, Any], code: str
) -> None:
    answer = report(client, key_of(acme), event(), event(**fields), event())
    assert codes(answer) == [("accepted", ""), ("rejected", code), ("accepted", "")]
    wrong = answer.json()["results"][1]
    assert wrong["errors"][0]["message"]
    if code == "invalid_event":
        assert wrong["errors"][0]["field"] in {*fields, "value", "currency"}
    assert Event.objects.count() == 2


@pytest.mark.parametrize("item", [None, 7, "event", [], {}])
def test_an_item_that_is_no_event_is_refused_by_itself(
    client: Client, acme: Retailer, shirt: Product, item: Any
) -> None:
    assert codes(report(client, key_of(acme), item, event())) == [("rejected", "invalid_event"), ("accepted", "")]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{}", 400),
        (b'{"events": []}', 400),
        (b'{"events": {}}', 400),
        (b'{"events": [1], "more": 1}', 400),
        (b'{"events": [' + b"0," * 1000 + b"0]}", 400),
        (b"[]", 400),
        (b"[" * 50_000, 400),
        (rb'{"events": ["\ud800"]}', 400),
        (b'{"events": ["' + b"x" * 1024 * 1024 + b'"]}', 413),
    ],
)
def test_a_batch_that_is_none_is_refused_as_a_whole(client: Client, acme: Retailer, body: bytes, status: int) -> None:
    answer = client.post("/api/events/", body, JSON, **key_of(acme))  # type: ignore[arg-type]
    assert answer.status_code == status, answer.content[:300]
    assert answer["Content-Type"] == "application/problem+json"


def test_a_key_reports_of_its_own_retailer_and_of_its_own_searches_alone(
    client: Client, acme: Retailer, shirt: Product
) -> None:
    other = make_retailer("other")
    make_product(other, external_id="THEIRS")
    theirs, everybodys = searched(other), searched(None)
    answer = report(
        client,
        key_of(acme),
        event(search_id=str(theirs.search_id)),
        event(search_id=str(everybodys.search_id)),
        event(retailer="other"),
        event(product_id="THEIRS"),
        event(retailer="acme"),
    )
    assert codes(answer) == [
        ("rejected", "unknown_search"),
        ("rejected", "unknown_search"),
        ("rejected", "unknown_retailer"),
        ("rejected", "unknown_product"),
        ("accepted", ""),
    ]


def test_who_belongs_to_no_retailer_says_whose_product_it_was_or_the_search_does(
    client: Client, acme: Retailer, shirt: Product
) -> None:
    other = make_retailer("other")
    own, everybodys, theirs = searched(acme), searched(None), searched(other)
    answer = report(
        client,
        {},
        event(),
        event(retailer="acme", search_id=str(everybodys.search_id)),
        event(search_id=str(own.search_id)),
        event(search_id=str(everybodys.search_id)),
        event(retailer="acme", search_id=str(theirs.search_id)),
    )
    assert codes(answer) == [
        ("rejected", "retailer_required"),
        ("accepted", ""),
        ("accepted", ""),
        ("rejected", "retailer_required"),
        ("rejected", "unknown_search"),
    ]
    assert set(Event.objects.values_list("retailer__slug", flat=True)) == {"acme"}


def test_nobody_reports_without_a_key_where_none_may_search(client: Client, settings: Settings) -> None:
    settings.SELVEDGE_ANONYMOUS = "none"
    assert report(client, {}, event()).status_code == 401


def test_a_key_that_stands_in_a_page_reports_few_events_at_a_time(
    client: Client, acme: Retailer, shirt: Product
) -> None:
    several = [event() for _ in range(MAX_EVENTS_OF_PAGES + 1)]
    refused = report(client, key_of(acme), *several)
    assert (refused.status_code, refused.json()["code"]) == (413, "body_too_large")
    assert not Event.objects.exists()
    assert report(client, key_of(acme), *several[1:]).json()["accepted"] == MAX_EVENTS_OF_PAGES
    assert report(client, key_of(acme, "secret"), *several).json()["accepted"] == 1


def test_a_thousand_events_take_no_more_queries_than_a_few_hundred_rows_need(
    client: Client, acme: Retailer, shirt: Product
) -> None:
    key, search = key_of(acme, "secret"), str(searched(acme).search_id)

    def queries(number: int) -> int:
        with CaptureQueriesContext(connection) as captured:
            answer = report(client, key, *(event(search_id=search) for _ in range(number)))
        assert set(codes(answer)) == {("accepted", "")}
        # SQLite takes only so many values a statement.
        return sum(not query["sql"].startswith("INSERT") for query in captured)

    queries(1)  # Remembers when the key was used.
    assert queries(1000) <= queries(10) + 1


def test_events_that_are_too_old_to_keep_are_forgotten(acme: Retailer, settings: Settings) -> None:
    for days in (399, 401):
        Event.objects.create(
            retailer=acme,
            event_id=str(days),
            kind="click",
            external_id="SHIRT",
            occurred_at=NOW - timedelta(days=days),
            received_at=NOW,
        )
    assert forget_old_events() == 1
    assert Event.objects.get().event_id == "399"
    searched(acme).delete()


def test_events_of_a_deleted_search_go_with_it(client: Client, acme: Retailer, shirt: Product) -> None:
    search = searched(acme)
    report(client, key_of(acme), event(search_id=str(search.search_id)), event())
    search.delete()
    assert Event.objects.count() == 1


def test_the_summary_counts_by_day_and_type_and_adds_up_what_was_bought(
    client: Client, acme: Retailer, shirt: Product
) -> None:
    found, key = searched(acme), key_of(acme)
    searched(acme)
    searched(acme, has_match=False)
    bought = {"type": "purchase", "search_id": str(found.search_id), "quantity": 2}
    report(
        client,
        key,
        event(search_id=str(found.search_id)),
        event(search_id=str(found.search_id)),
        event(type="view"),
        event(**bought, value="10.10", currency="EUR"),
        event(**bought, value="20.20", currency="EUR"),
        event(**bought, value="500", currency="JPY"),
        event(type="purchase"),
    )
    make_product(make_retailer("other"), external_id="SHIRT")
    report(client, key_of(make_retailer("other")), event())
    for address in ("/api/events/summary?days=7", "/api/events/summary/?days=7"):
        summary = client.get(address, **key_of(acme, "secret")).json()  # type: ignore[arg-type]
        assert summary["totals"] == {"view": 1, "click": 2, "cart": 0, "purchase": 4}
    assert sum(day["count"] for day in summary["by_day"]) == 7
    assert (summary["click_through"]["count"], summary["click_through"]["of"]) == (1, 2)
    assert (summary["conversion"]["count"], summary["conversion"]["rate"]) == (1, 0.5)
    assert summary["revenue"] == [
        {"currency": "EUR", "amount": "30.30", "purchases": 2, "quantity": 4},
        {"currency": "JPY", "amount": "500", "purchases": 1, "quantity": 2},
    ]
    assert client.get("/api/events/summary?retailer=other", **key_of(acme, "secret")).status_code == 404  # type: ignore[arg-type]
    assert client.get("/api/events/summary", **key).status_code == 403  # type: ignore[arg-type]
