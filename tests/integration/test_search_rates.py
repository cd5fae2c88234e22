"""What comes of searches: found or not, clicked, bought; each with its counts and how sure that is."""

from __future__ import annotations

import uuid
from datetime import UTC, date, datetime, timedelta
from itertools import count

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from catalog.access.keys import create_key
from catalog.models import ApiKey, Retailer
from search.models import Event, SearchedGarment, SearchLog
from search.periods import period_of
from search.proportions import Proportion, wilson_interval
from search.trend_rates import Rates, count_rates
from tests.factories import make_retailer
from tests.search_factories import JACKET, SHOE, make_space

pytestmark = pytest.mark.django_db
TODAY = date(2026, 11, 22)
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
_numbers = count()


def search(
    *verdicts: str,
    at: datetime = NOON,
    retailer: Retailer | None = None,
    image_id: uuid.UUID | None = None,
    source: str = "upload",
    category: int = JACKET,
) -> SearchLog:
    log = SearchLog.objects.create(
        search_id=uuid.uuid4(),
        created_at=at,
        retailer=retailer,
        space=make_space(),
        segmenter_version="seg@1",
        n_garments=len(verdicts),
        source=source,
        image_id=image_id,
        has_match=any(verdict != "none" for verdict in verdicts) if verdicts else None,
    )
    for verdict in verdicts:
        SearchedGarment.objects.create(search=log, category_id=category, score=0.9, color_name="navy", verdict=verdict)
    return log


def did(kind: str, log: SearchLog | None, *, at: datetime = NOON, retailer: Retailer | None = None) -> None:
    Event.objects.create(
        retailer=make_retailer() if retailer is None else retailer,
        event_id=str(next(_numbers)),
        kind=kind,
        search=log,
        external_id="A1",
        occurred_at=at,
        received_at=at,
    )


def rates(days: int = 7, retailer: Retailer | None = None) -> Rates:
    return count_rates(period_of(days, TODAY), retailer)


def test_a_search_counts_as_clicked_once_however_often_and_only_where_it_had_an_answer() -> None:
    found, also_found, missed = search("similar", "none"), search("exact"), search("none")
    for log in (found, found, missed):
        did("click", log)
    did("view", also_found)
    did("click", None)
    counted = rates()
    assert counted.searches == 3
    assert counted.click_through == Proportion(1, 2)
    assert counted.no_match == Proportion(1, 3)
    assert counted.events == {"view": 1, "click": 4, "cart": 0, "purchase": 0}


def test_carts_and_purchases_are_shares_of_the_answered_searches() -> None:
    logs = [search("exact") for _ in range(4)]
    for log in logs[:2]:
        did("cart", log)
    did("purchase", logs[0])
    counted = rates()
    assert (counted.cart, counted.purchase) == (Proportion(2, 4), Proportion(1, 4))


def test_what_was_done_days_later_counts_on_the_day_of_the_search() -> None:
    log = search("exact", at=NOON - timedelta(days=3))
    did("purchase", log, at=NOON)
    (day,) = rates().by_day
    assert (day.date, day.answered, day.purchased) == (TODAY - timedelta(days=3), 1, 1)
    assert rates(days=2).purchase == Proportion(0, 0)


def test_a_photo_that_is_asked_again_counts_once_a_day() -> None:
    image_id = uuid.uuid4()
    search("none", image_id=image_id)
    again = search("similar", image_id=image_id, source="image_id")
    did("click", again)
    counted = rates()
    assert counted.searches == 1
    assert (counted.click_through, counted.no_match) == (Proportion(1, 1), Proportion(0, 1))
    assert [rate.no_match for rate in counted.by_category] == [Proportion(1, 1)]


def test_a_search_of_which_nothing_is_known_is_neither_a_match_nor_none() -> None:
    search()
    search("none")
    counted = rates()
    assert (counted.searches, counted.no_match) == (2, Proportion(1, 1))


def test_classes_are_sorted_by_the_garments_that_found_no_good_match() -> None:
    search("none", "similar")
    search("none", "none", "exact", category=SHOE)
    assert [(rate.category_id, rate.no_match) for rate in rates().by_category] == [
        (SHOE, Proportion(2, 3)),
        (JACKET, Proportion(1, 2)),
    ]


def test_a_retailer_sees_what_came_of_the_searches_in_its_own_catalog_alone(client: Client) -> None:
    mine, other = make_retailer("mine"), make_retailer("other")
    now = datetime.now(UTC)
    for owner in (mine, other, None):
        did("click", search("exact", at=now, retailer=owner), at=now, retailer=owner or mine)
    search("none", at=now, retailer=other)
    _, key = create_key(ApiKey.Kind.SECRET, "test", retailer=mine)
    headers = {"Authorization": f"Bearer {key}"}
    reply = client.get("/api/trends?days=2", headers=headers).json()
    shown = reply["rates"]
    assert (reply["retailer"], shown["searches"]) == ("mine", 1)
    assert (shown["click_through"]["count"], shown["click_through"]["of"]) == (1, 1)
    assert shown["no_match"]["of"] == 1
    assert client.get("/api/trends?retailer=other", headers=headers).status_code == 404
    _, publishable = create_key(ApiKey.Kind.PUBLISHABLE, "test", retailer=mine, allowed_origins=["*"])
    assert client.get("/api/trends", headers={"Authorization": f"Bearer {publishable}"}).status_code == 403
    assert client.get("/api/trends").json()["rates"]["searches"] == 4


def test_the_api_gives_every_rate_with_counts_and_interval_and_null_of_nothing(client: Client) -> None:
    nothing = client.get("/api/trends").json()["rates"]
    assert nothing["click_through"] == {"count": 0, "of": 0, "rate": None, "low": None, "high": None}
    search("none", at=datetime.now(UTC))
    shown = client.get("/api/trends").json()["rates"]
    assert shown["no_match"]["rate"] == shown["no_match"]["high"] == 1.0
    assert 0 < shown["no_match"]["low"] < 1
    (jacket,) = shown["no_match_by_category"]
    assert (jacket["category"]["name"], jacket["no_match"]["count"]) == ("jacket", 1)
    (day,) = shown["by_day"]
    assert list(day) == ["date", "searches", "judged", "answered", "clicked", "carted", "purchased"]


@pytest.mark.parametrize(("hits", "of"), [(0, 1), (1, 1), (1, 3), (50, 1000), (999, 1000)])
def test_the_interval_holds_the_rates_it_does_not_reject(hits: int, of: int) -> None:
    """Wilson's interval is the set of rates that a score test at 5 % does not reject."""
    low, high = wilson_interval(hits, of)
    assert 0 <= low <= hits / of <= high <= 1

    def z(rate: float) -> float:
        return abs(hits / of - rate) / (rate * (1 - rate) / of) ** 0.5

    for end, inside, outside in ((low, 1.001, 0.999), (high, 0.999, 1.001)):
        if 0 < end < 1:
            assert z(end) == pytest.approx(1.96, abs=0.001)
            assert z(end * inside) < z(end) < z(min(end * outside, 1 - 1e-9))


def test_no_rate_reads_a_table_from_end_to_end() -> None:
    for retailer in (None, make_retailer()):
        with CaptureQueriesContext(connection) as captured:
            count_rates(period_of(30, TODAY), retailer)
        plans = []
        with connection.cursor() as cursor:
            for query in captured.captured_queries:
                cursor.execute(f"EXPLAIN QUERY PLAN {query['sql']}")
                plans += [row[3] for row in cursor.fetchall()]
        assert [step for step in plans if step.startswith("SCAN search_")] == []
        assert any("USING" in step for step in plans)
