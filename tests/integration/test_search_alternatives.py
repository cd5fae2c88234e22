"""Alternatives to a product over HTTP: in stock, in its size, near in price, each with its reasons."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from catalog.access.keys import create_key
from catalog.models import ApiKey, Product
from tests.factories import make_product, make_retailer
from tests.search_factories import PANTS
from tests.search_market import QUERY, Market, alike

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("nobody_looks")]

GONE = {"availability": "out_of_stock"}


@pytest.fixture(autouse=True)
def _own_folders(settings: Settings, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.VECTOR_INDEX_URL = f"faiss://{tmp_path / 'index'}"


@pytest.fixture
def market() -> Market:
    return Market()


def ask(client: Client, product: Product, **parameters: Any) -> dict[str, Any]:
    answer = client.get(f"/api/products/{product.pk}/alternatives", parameters)
    assert answer.status_code == 200, answer.content
    reply: dict[str, Any] = answer.json()
    return reply


def names(reply: dict[str, Any]) -> list[str]:
    return [result["product"]["product_id"] for result in reply["results"]]


def codes(reply: dict[str, Any], name: str) -> list[str]:
    (result,) = [each for each in reply["results"] if each["product"]["product_id"] == name]
    return [reason["code"] for reason in result["reasons"]]


def test_the_same_item_in_another_color_and_the_same_size_comes_first_then_look_alikes(
    client: Client, market: Market
) -> None:
    product = market.sell("it", QUERY, item_group_id="G", color="blue", size="M", **GONE)
    market.sell("it-l", QUERY, item_group_id="G", color="Blue", size="L")
    market.sell("it-red-s", alike(0.4), item_group_id="G", color="red", size="S")
    market.sell("it-red-m", alike(0.4), item_group_id="G", color="red", size="M")
    market.sell("twin", alike(0.98), item_group_id="H", size="Medium")
    market.sell("sold out twin", alike(0.99), size="M", **GONE)
    market.publish()
    reply = ask(client, product)
    assert (reply["in_stock"], reply["size"], reply["size_in_stock"]) == (False, "M", False)
    assert reply["offer"]["sizes_in_stock"] == ["L"]
    assert names(reply) == ["it-red-m", "twin"]
    assert codes(reply, "it-red-m") == ["same_item_other_color", "same_size", "near_price", "in_stock"]
    assert codes(reply, "twin") == ["looks_alike", "same_size", "near_price", "in_stock"]
    first = reply["results"][0]
    assert first["parts"] == {"likeness": 1.0, "size": 1.0, "price": 1.0, "brand": 1.0}
    assert first["similarity"] == pytest.approx(0.4, abs=0.01)


def test_a_product_in_stock_is_answered_and_told_so(client: Client, market: Market) -> None:
    product = market.sell("it", QUERY, size="M")
    market.sell("other", alike(0.9), size="M")
    market.publish()
    reply = ask(client, product)
    assert (reply["in_stock"], reply["size_in_stock"], names(reply)) == (True, True, ["other"])


def test_of_a_look_alike_the_size_wanted_stands_for_its_item(client: Client, market: Market) -> None:
    product = market.sell("it", QUERY, size="38", **GONE)
    for size in ("EU 36", "EU 38", "EU 40"):
        market.sell(f"a {size}", alike(0.8), item_group_id="A", size=size)
    market.sell("b 36", alike(0.9), item_group_id="B", size="36")
    market.sell("b 38", alike(0.9), item_group_id="B", size="38", **GONE)
    market.sell("c", alike(0.7), size="One Size")
    market.sell("d", alike(0.78))
    market.publish()
    reply = ask(client, product)
    assert names(reply) == ["a EU 38", "c", "d", "b 36"]
    assert [result["parts"]["size"] for result in reply["results"]] == [1.0, 1.0, 0.8, 0.4]
    assert "size_available" in codes(reply, "c")
    assert names(ask(client, product, size="Gr. 36"))[:2] == ["b 36", "a EU 36"]


def test_prices_near_the_products_count_more_without_a_cliff(client: Client, market: Market) -> None:
    product = market.sell("it", QUERY, price="100")
    for name, price in {"a": "100", "b": "119", "c": "121", "d": "81", "e": "300"}.items():
        market.sell(name, alike(0.9), price=price)
    market.sell("f", alike(0.9), price=None)
    market.publish()
    reply = ask(client, product)
    assert names(reply) == ["a", "d", "b", "c", "f", "e"]
    by_name = {each["product"]["product_id"]: each["parts"]["price"] for each in reply["results"]}
    assert 0 < by_name["b"] - by_name["c"] < 0.05
    assert codes(reply, "d") == ["looks_alike", "cheaper", "in_stock"]
    assert codes(reply, "b") == ["looks_alike", "near_price", "in_stock"]
    assert [reason["text"] for reason in reply["results"][1]["reasons"]][-2] == "Costs 19% less."
    assert names(ask(client, product, price_band="0.2")) == ["a", "d", "b"]


def test_scores_are_the_product_of_their_parts_and_order_the_list(client: Client, market: Market) -> None:
    product = market.sell("it", QUERY, price="50", size="M", brand="Acme")
    for number in range(6):
        size, brand = "SML"[number % 3], ("Acme", "Bolt")[number % 2]
        market.sell(f"{number}", alike(0.95 - 0.1 * number), price=f"{40 + 7 * number}", size=size, brand=brand)
    market.publish()
    results = ask(client, product)["results"]
    assert len(results) == 6
    for result in results:
        parts = result["parts"]
        expected = parts["likeness"] * parts["size"] * parts["price"] * parts["brand"]
        assert result["score"] == pytest.approx(expected)
    scores = [result["score"] for result in results]
    assert scores == sorted(scores, reverse=True)


def test_alternatives_are_for_the_same_people(client: Client, market: Market) -> None:
    product = market.sell("it", QUERY, gender="Women", age_group="adult")
    market.sell("hers", alike(0.5), gender="female", age_group="adult")
    market.sell("anyones", alike(0.6), gender="unisex")
    market.sell("nobody said", alike(0.7))
    market.sell("his", alike(0.9), gender="men")
    market.sell("a girl's", alike(0.9), gender="female", age_group="kids")
    market.publish()
    assert names(ask(client, product)) == ["nobody said", "anyones", "hers"]


def test_other_kinds_of_garments_are_no_alternatives(client: Client, market: Market) -> None:
    product = market.sell("jacket", QUERY)
    market.sell("pants", QUERY, category_id=PANTS)
    market.publish()
    assert names(ask(client, product)) == []


def test_what_is_no_longer_sold_has_alternatives_too(client: Client, market: Market) -> None:
    product = market.sell("it", QUERY, item_group_id="G", color="blue", size="M")
    market.sell("red", alike(0.5), item_group_id="G", color="red", size="M")
    market.sell("other", alike(0.9))
    market.publish()
    Product.objects.filter(pk=product.pk).update(withdrawn_at=datetime.now(UTC))
    reply = ask(client, product)
    assert (reply["in_stock"], names(reply)) == (False, ["red", "other"])
    assert client.get(f"/api/products/{product.pk}/similar").status_code == 404


def test_a_product_whose_photos_were_not_described_still_has_its_other_colors(client: Client, market: Market) -> None:
    market.sell("something", QUERY)
    market.publish()
    product = make_product(item_group_id="G", color="blue", size="M", **GONE)
    make_product(external_id="red", item_group_id="G", color="red", size="M")
    reply = ask(client, product)
    assert names(reply) == ["red"]
    assert (reply["results"][0]["similarity"], reply["results"][0]["matched_image_url"]) == (None, None)


def test_shown_ones_and_other_brands_can_be_left_out_and_pages_follow(client: Client, market: Market) -> None:
    product = market.sell("it", QUERY, brand="Acme", item_group_id="G", color="blue")
    market.sell("red", alike(0.9), brand="Acme", item_group_id="G", color="red")
    for number in range(5):
        market.sell(f"{number}", alike(0.9 - 0.1 * number), brand="Acme" if number % 2 else "Bolt")
    market.publish()
    assert names(ask(client, product, same_brand="true")) == ["red", "1", "3"]
    red = Product.objects.get(external_id="red").pk
    assert names(ask(client, product, exclude=f"{red}")) == ["0", "1", "2", "3", "4"]
    assert names(ask(client, product, offset=2, limit=2)) == ["1", "2"]


def test_another_retailers_product_is_not_found_and_never_an_alternative(client: Client, market: Market) -> None:
    market.sell("it", QUERY, retailer="one")
    market.sell("theirs", alike(0.99), retailer="two")
    market.publish()
    _, key = create_key(ApiKey.Kind.SECRET, "shop", retailer=make_retailer("one"))
    headers = {"Authorization": f"Bearer {key}"}
    assert names(client.get("/api/products/it/alternatives/", headers=headers).json()) == []
    assert client.get("/api/products/theirs/alternatives", headers=headers).status_code == 404


def test_alternatives_cost_the_same_queries_whatever_their_number(client: Client, market: Market) -> None:
    product = market.sell("it", QUERY, item_group_id="G", color="blue")
    for number in range(12):
        market.sell(f"{number}", alike(0.9, number), item_group_id=f"H{number}", size="M")
    market.publish()
    counts = []
    for limit in (1, 12):
        with CaptureQueriesContext(connection) as captured:
            assert len(names(ask(client, product, limit=limit))) == limit
        counts.append(len(captured))
    assert counts[0] == counts[1] <= 18
