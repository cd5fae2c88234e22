"""GET /api/products: filters, facets, pages and sparse answers, over what feeds tell and photos show."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from catalog.models import Availability, Product
from search.listing.filters import ListFilters, list_products
from search.models import Space
from tests.access_cases import bearing, publishable_of, secret_of
from tests.factories import jpeg_bytes, make_image, make_product, make_retailer
from tests.search_factories import JACKET, PANTS, make_space, photo, seen, store

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def media(tmp_path: Path, settings: Settings) -> None:
    settings.MEDIA_ROOT = tmp_path / "media"


@pytest.fixture
def shop() -> Client:
    return bearing(secret_of("acme"))


def listed(client: Client, **query: Any) -> list[str]:
    return [product["product_id"] for product in asked(client, **query)["results"]]


def asked(client: Client, **query: Any) -> Any:
    response = client.get("/api/products", query)
    assert response.status_code == 200, response.content
    return response.json()


def counts(facet: list[dict[str, Any]]) -> dict[str, int]:
    return {each["value"].lower(): each["count"] for each in facet}


def open_shop() -> None:
    """Four products on sale: a jacket in two colors, pants, and one whose photo was not described."""
    space = make_space()
    Space.objects.filter(pk=space.pk).update(state=Space.State.SERVING)
    prices = {"J1": ("40", "Luma", "men"), "J2": ("60", "LUMA", "male"), "P1": ("90", "Nord", "female")}
    for number, (name, (price, brand, gender)) in enumerate(prices.items()):
        product = make_product(
            external_id=name, price=Decimal(price), brand=brand, gender=gender, item_group_id=name[0]
        )
        Product.objects.filter(pk=product.pk).update(title="Jacket" if name[0] == "J" else "Pants")
        image = make_image(product, jpeg_bytes((number, 0, 0)))
        store(space, [image], [photo(seen(JACKET if name[0] == "J" else PANTS))])
    Product.objects.filter(external_id="J2").update(availability=Availability.OUT_OF_STOCK, sale_price=Decimal("30"))
    make_product(external_id="U1", price=None, currency="", brand="Nord")


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"brand": "luma"}, ["J1", "J2"]),
        ({"brand": ["luma", "NORD"]}, ["J1", "J2", "P1", "U1"]),
        ({"brand": '"luma",nord'}, ["J1", "J2", "P1", "U1"]),
        ({"gender": "male"}, ["J1", "J2"]),
        ({"category": "jacket"}, ["J1", "J2"]),
        ({"category": "pants", "color": "navy"}, ["P1"]),
        ({"category": "pants", "color": "red"}, []),
        ({"price_max": "40"}, ["J1", "J2"]),
        ({"price_min": "40"}, ["J1", "P1"]),
        ({"price_min": "30", "price_max": "35", "currency": "usd"}, ["J2"]),
        ({"currency": "EUR"}, []),
        ({"availability": "out_of_stock,preorder"}, ["J2"]),
        ({"in_stock": "false"}, ["J2"]),
        ({"item_group_id": "J"}, ["J1", "J2"]),
        ({"q": "pants", "brand": "nord", "price_min": "1"}, ["P1"]),
    ],
)
def test_filters_narrow_the_list_all_at_once(shop: Client, query: dict[str, Any], found: list[str]) -> None:
    open_shop()
    assert listed(shop, **query) == found


def test_what_changed_since_is_found(shop: Client) -> None:
    open_shop()
    then = timezone.now() + timedelta(seconds=1)
    Product.objects.filter(external_id="P1").update(updated_at=then)
    assert listed(shop, updated_since=then.isoformat()) == ["P1"]


def test_each_facet_counts_what_the_other_filters_leave(shop: Client) -> None:
    open_shop()
    facets = asked(shop, facets="true", brand="luma", in_stock="true")["facets"]
    assert counts(facets["brand"]) == {"nord": 2, "luma": 1}
    assert counts(facets["availability"]) == {"in_stock": 1, "out_of_stock": 1}
    assert counts(facets["category"]) == {"jacket": 1}
    assert counts(facets["gender"]) == {"male": 1}
    assert facets["price"] == [{"currency": "USD", "price_min": "20.00", "price_max": "49.99", "count": 1}]
    everything = asked(shop, facets="true")["facets"]
    assert counts(everything["brand"]) == {"luma": 2, "nord": 2}
    assert counts(everything["category"]) == {"jacket": 2, "pants": 1}
    assert counts(everything["color"]) == {"navy": 3}
    assert [(band["price_min"], band["count"]) for band in everything["price"]] == [("20.00", 2), ("50.00", 1)]
    assert "facets" not in asked(shop)


def test_every_band_of_prices_is_a_filter_that_finds_what_it_counts(shop: Client) -> None:
    for price in ("0", "0.99", "1", "49.99", "50", "5000000", "9999999999"):
        make_product(price=Decimal(price))
    for band in asked(shop, facets="true")["facets"]["price"]:
        query = {name: band[name] for name in ("price_min", "price_max", "currency")}
        assert len(listed(shop, **query)) == band["count"]


def test_facets_cost_as_many_queries_for_many_products_as_for_few(
    shop: Client, django_assert_num_queries: Any, django_assert_max_num_queries: Any
) -> None:
    open_shop()
    asked(shop, facets="true")
    for _ in range(30):
        make_product(brand="Sud")
    with django_assert_max_num_queries(12):  # the key, the page, its images, seven counts
        asked(shop, facets="true", limit=100)


def test_pages_stay_right_while_products_come_and_go(shop: Client) -> None:
    made = [make_product() for _ in range(50)]
    first = asked(shop, limit=20)
    made[3].delete()
    make_product(external_id="new")
    second = shop.get(first["next"]).json()
    third = shop.get(second["next"]).json()
    seen_ids = [product["id"] for page in (first, second, third) for product in page["results"]]
    assert seen_ids[:50] == [
        product.pk if product.pk else made_id for product, made_id in zip(made, seen_ids, strict=False)
    ]
    assert third["results"][-1]["product_id"] == "new"
    assert third["next"] is None
    back = shop.get(third["previous"]).json()
    assert back["results"] == second["results"]


@pytest.mark.parametrize(
    "cursor", ["%", "cD1hYmM=", "cD05OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk=", "bz0tMQ==", "x" * 600, "é"]
)
def test_a_damaged_cursor_is_refused(shop: Client, cursor: str) -> None:
    make_product()
    answer = shop.get("/api/products", {"cursor": cursor})
    assert answer.status_code == 400, answer.content
    assert [error["field"] for error in answer.json()["errors"]] == ["cursor"]


def test_only_the_members_that_are_asked_for_are_answered(shop: Client) -> None:
    make_product(external_id="A")
    assert asked(shop, fields="product_id, price")["results"] == [{"product_id": "A", "price": "52.00"}]
    assert set(shop.get("/api/products/A?fields=title,images").json()) == {"title", "images"}
    answer = shop.get("/api/products/A?fields=titel")
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "fields")
    assert "title" in answer.json()["errors"][0]["message"]


def test_an_unchanged_list_is_not_sent_again(shop: Client) -> None:
    product = make_product()
    tag = shop.get("/api/products")["ETag"]
    unchanged = shop.get("/api/products", headers={"if-none-match": tag})
    assert (unchanged.status_code, unchanged.content) == (304, b"")
    Product.objects.filter(pk=product.pk).update(title="Other")
    assert shop.get("/api/products", headers={"if-none-match": tag}).status_code == 200


def test_a_retailers_key_lists_its_own_products_alone(shop: Client) -> None:
    make_product(external_id="mine")
    make_product(make_retailer("other"), external_id="theirs", brand="Secret")
    for client in (shop, bearing(publishable_of("acme"), origin="https://shop.example")):
        body = asked(client, facets="true")
        assert [product["product_id"] for product in body["results"]] == ["mine"]
        assert counts(body["facets"]["brand"]) == {}
        assert client.get("/api/products?retailer=other").status_code == 404


@pytest.mark.parametrize("filters", [{}, {"brands": ["Luma"]}, {"item_group_id": "J"}])
def test_a_page_is_read_from_an_index(filters: dict[str, Any]) -> None:
    acme = make_retailer()
    page = list_products(ListFilters(retailer=acme, **filters)).filter(pk__gt=10).order_by("pk")[:21]
    plan = page.explain()
    assert "INDEX" in plan.upper()
    if connection.vendor == "sqlite":
        assert "SCAN catalog_product" not in plan
        assert bool(filters) or "TEMP B-TREE" not in plan
