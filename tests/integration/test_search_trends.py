"""Garments are counted by class and day, catalog and searches apart, in SQL."""

from __future__ import annotations

import uuid
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries, Settings

from catalog.models import Retailer
from search.models import ImageDescription, SearchedGarment, SearchLog
from search.trends import count_catalog_garments, count_trends
from tests.factories import make_image, make_product, make_retailer
from tests.search_factories import JACKET, PANTS, SHOE, make_space, photo, seen, store

pytestmark = pytest.mark.django_db
TODAY = date(2026, 11, 22)


@pytest.fixture(autouse=True)
def _own_folders(settings: Settings, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path


def describe(title: str, day: date, *categories: int, retailer: Retailer | None = None) -> None:
    image = make_image(make_product(retailer, title=title))
    store(make_space(), [image], [photo(*(seen(category) for category in categories))])
    noon = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
    ImageDescription.objects.filter(image=image).update(described_at=noon)


def search(moment: datetime, *categories: int | None, retailer: Retailer | None = None) -> None:
    log = SearchLog.objects.create(
        search_id=uuid.uuid4(),
        created_at=moment,
        retailer=retailer,
        space=make_space(),
        segmenter_version="seg@2",
        n_garments=len(categories),
    )
    for category in categories:
        SearchedGarment.objects.create(search=log, category_id=category, score=0.9, color_name="navy")


def test_only_what_is_for_sale_counts_and_only_within_the_period() -> None:
    describe("Jacket", TODAY, JACKET, PANTS)
    describe("Jacket", date(2026, 11, 20), JACKET)
    describe("Jacket", date(2026, 11, 19), JACKET)
    counted = count_trends(days=3, today=TODAY)
    assert [(day.date, day.category_id, day.count) for day in counted.catalog] == [
        (date(2026, 11, 20), JACKET, 1),
        (TODAY, JACKET, 1),
    ]
    assert (counted.first_day, counted.last_day) == (date(2026, 11, 20), TODAY)


def test_a_search_just_before_midnight_belongs_to_its_own_day_in_utc() -> None:
    search(datetime(2026, 11, 21, 23, 59, 59, tzinfo=UTC), SHOE)
    search(datetime(2026, 11, 22, 0, 0, 0, tzinfo=UTC), SHOE, SHOE, None)
    counted = count_trends(days=30, today=TODAY)
    assert [(day.date.day, day.count) for day in counted.searches] == [(21, 1), (22, 2)]


def test_totals_put_the_most_frequent_first_and_keep_catalog_and_searches_apart() -> None:
    describe("Jacket", TODAY, JACKET)
    search(datetime(2026, 11, 22, 9, tzinfo=UTC), SHOE, SHOE, JACKET)
    totals = count_trends(days=1, today=TODAY).totals
    assert [(total.category_id, total.catalog, total.searches) for total in totals] == [(JACKET, 1, 1), (SHOE, 0, 2)]


def test_a_retailer_sees_its_own_catalog_and_searches_alone() -> None:
    mine, other = make_retailer("mine"), make_retailer("other")
    describe("Jacket", TODAY, JACKET, retailer=mine)
    describe("Jacket", TODAY, JACKET, retailer=other)
    search(datetime(2026, 11, 22, 9, tzinfo=UTC), SHOE, retailer=other)
    search(datetime(2026, 11, 22, 9, tzinfo=UTC), SHOE)
    counted = count_trends(days=1, retailer=mine, today=TODAY)
    assert [day.count for day in counted.catalog] == [1]
    assert counted.searches == []


def test_every_count_names_the_models_behind_it() -> None:
    describe("Jacket", TODAY, JACKET)
    search(datetime(2026, 11, 22, 9, tzinfo=UTC), SHOE)
    assert count_trends(days=1, today=TODAY).model_versions == ["seg@1", "seg@2"]
    assert count_trends(days=1, today=date(2026, 1, 1)).model_versions == []


def test_a_catalog_described_again_by_a_new_model_is_not_counted_twice() -> None:
    image = make_image(make_product(title="Jacket"))
    for name in ("old@1", "new@2"):
        store(make_space(name), [image], [photo(seen(JACKET))])
    assert count_catalog_garments() == {JACKET: 1}
    assert sum(day.count for day in count_trends(days=1).catalog) == 1


def test_counting_takes_the_same_few_queries_however_many_garments(
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    for _ in range(5):
        describe("Jacket", TODAY, JACKET)
    with django_assert_max_num_queries(10):
        count_trends(days=30, today=TODAY)


def test_the_api_tells_days_categories_and_totals(client: Client) -> None:
    describe("Jacket", datetime.now(UTC).date(), JACKET)
    for address in ("/api/trends/?days=7", "/api/trends?days=7"):
        reply = client.get(address).json()
        assert list(reply) == ["from", "to", "retailer", "model_versions", "catalog", "searches", "totals", "rates"]
        jacket = {"id": 4, "name": "jacket", "slug": "jacket", "supercategory": "upperbody"}
        assert reply["catalog"] == [{"date": reply["to"], "category": jacket, "count": 1}]
        assert reply["totals"] == [{"category": jacket, "catalog": 1, "searches": 0}]


@pytest.mark.parametrize("days", ["0", "-1", "367", "soon"])
def test_a_wrong_number_of_days_is_refused_with_its_name(client: Client, days: str) -> None:
    answer = client.get("/api/trends/", {"days": days})
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == "days"


def test_an_unknown_retailer_is_not_found(client: Client) -> None:
    answer = client.get("/api/trends/?retailer=nobody")
    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_retailer")


def test_categories_are_listed_with_what_catalogs_hold(client: Client) -> None:
    describe("Jacket", TODAY, JACKET)
    rows = client.get("/api/categories/").json()["results"]
    assert len(rows) == 46
    assert rows[JACKET] == {
        "id": 4,
        "name": "jacket",
        "slug": "jacket",
        "supercategory": "upperbody",
        "catalog_garments": 1,
    }
    assert rows[SHOE]["catalog_garments"] == 0
