"""Availability over sizes: what can be bought in any size is found, shown in that size, and says which there are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from pytest_django import Settings

from catalog.models import Product
from search.filters import Filters
from search.index.registry import open_reader
from search.indexing import index_is_whole
from search.models import Garment
from search.tasks import products_changing
from tests.factories import jpeg_bytes, make_product
from tests.search_factories import JACKET, seen
from tests.search_market import QUERY, Market, alike, shopper_sees

pytestmark = pytest.mark.django_db

GONE = {"availability": "out_of_stock"}


@pytest.fixture(autouse=True)
def _own_folders(settings: Settings, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.VECTOR_INDEX_URL = f"faiss://{tmp_path / 'index'}"


@pytest.fixture
def market() -> Market:
    return Market()


def search(client: Client, market: Market, **parameters: Any) -> list[dict[str, Any]]:
    photo = SimpleUploadedFile("p.jpg", jpeg_bytes(size=(200, 400)))
    with shopper_sees(market, seen(JACKET, QUERY)):
        answer = client.post("/api/search", {"image": photo, "category": "jacket", "verdict": "none", **parameters})
    assert answer.status_code == 200, answer.content
    results: list[dict[str, Any]] = answer.json()["objects"][0]["results"]
    return results


def names(results: list[dict[str, Any]]) -> list[str]:
    return [result["product"]["product_id"] for result in results]


def tagged_in_stock(settings: Settings, market: Market) -> set[str]:
    """Whose garments the index alone would let pass."""
    index = open_reader(settings.VECTOR_INDEX_URL, market.space.name, market.space.dim)
    ids = index.search(QUERY[None], 50, Filters(in_stock=True).where()).ids
    return set(Garment.objects.filter(pk__in=ids[ids >= 0].tolist()).values_list("product__external_id", flat=True))


def test_a_sold_out_size_with_a_photo_answers_for_one_in_stock_without(
    client: Client, market: Market, settings: Settings
) -> None:
    market.sell("s", alike(0.9), item_group_id="G", color="Blue", size="S", price="30", **GONE)
    make_product(external_id="xl", item_group_id="G", color="Blue", size="XL", price="40")
    make_product(external_id="m", item_group_id="G", color="Blue", size="M", price="35", **GONE)
    make_product(external_id="red", item_group_id="G", color="Red", size="M", price="99")
    market.sell("alone", alike(0.5), **GONE)
    market.publish()
    (result,) = search(client, market, in_stock="true")
    assert (result["product"]["product_id"], result["product"]["in_stock"]) == ("xl", True)
    assert result["similarity"] == pytest.approx(0.9, abs=1e-3)
    assert result["offer"] == {
        "in_stock_any": True,
        "sizes": ["S", "M", "XL"],
        "sizes_in_stock": ["XL"],
        "colors": ["Blue", "Red"],
        "colors_in_stock": ["Blue", "Red"],
        "price_min": "30.00",
        "price_max": "40.00",
        "currency": "USD",
    }
    assert tagged_in_stock(settings, market) == {"s"}
    assert names(search(client, market)) == ["s", "alone"]


def test_another_color_in_stock_is_no_size_in_stock(client: Client, market: Market) -> None:
    market.sell("blue", alike(0.9), item_group_id="G", color="Blue", **GONE)
    market.sell("red", alike(0.5), item_group_id="G", color="Red")
    market.publish()
    (result,) = search(client, market, in_stock="true")
    assert (result["product"]["product_id"], result["offer"]["colors_in_stock"]) == ("red", ["Red"])
    (nearest,) = search(client, market)
    assert (nearest["product"]["product_id"], nearest["offer"]["in_stock_any"]) == ("blue", False)


def test_the_size_shown_is_in_stock_where_sizes_share_a_picture(client: Client, market: Market) -> None:
    market.sell("s", alike(0.9), item_group_id="G", size="S", **GONE)
    market.sell("m", alike(0.9), item_group_id="G", size="M")
    market.publish()
    assert names(search(client, market)) == ["m"]
    assert names(search(client, market, in_stock="true", group_variants="false")) == ["m"]


def test_the_size_that_stands_in_keeps_to_the_prices_asked_for(client: Client, market: Market) -> None:
    market.sell("s", alike(0.9), item_group_id="G", size="S", price="30", **GONE)
    make_product(external_id="dear", item_group_id="G", size="M", price="50")
    make_product(external_id="euros", item_group_id="G", size="L", price="35", currency="EUR")
    market.publish()
    assert names(search(client, market, in_stock="true", price_max="40", currency="USD")) == []
    assert names(search(client, market, in_stock="true", price_max="40")) == ["euros"]
    assert names(search(client, market, in_stock="true", price_max="60", currency="USD")) == ["dear"]


def test_the_index_follows_when_another_size_sells_out_comes_back_moves_or_goes(
    market: Market, settings: Settings, django_capture_on_commit_callbacks: Any
) -> None:
    market.sell("s", alike(0.9), item_group_id="G", color="Blue", **GONE)
    other = make_product(external_id="m", item_group_id="G", color="Blue")
    market.publish()

    def change(**values: Any) -> set[str]:
        with django_capture_on_commit_callbacks(execute=True), products_changing([other.pk]):
            Product.objects.filter(pk=other.pk).update(**values)
        assert index_is_whole(market.space)
        return tagged_in_stock(settings, market)

    assert tagged_in_stock(settings, market) == {"s"}
    assert change(availability="out_of_stock") == set()
    assert change(availability="in_stock") == {"s"}
    assert change(color="Red") == set()
    assert change(color="Blue") == {"s"}
    assert change(item_group_id="") == set()
    assert change(item_group_id="G") == {"s"}
    with django_capture_on_commit_callbacks(execute=True), products_changing([other.pk]):
        other.delete()
    assert tagged_in_stock(settings, market) == set()
    assert index_is_whole(market.space)


def test_database_and_index_agree_on_what_is_in_stock(market: Market, settings: Settings) -> None:
    for number in range(24):
        group, color = ("", "G", "H")[number % 3], ("Blue", "Red")[number // 3 % 2]
        stock = ("out_of_stock", "preorder", "in_stock", "backorder")[number // 6]
        market.sell(f"{number}", alike(0.9, number), item_group_id=group, color=color, availability=stock)
    market.publish()
    products = {each.external_id: each for each in Product.objects.all()}

    def can_be_bought(product: Product) -> bool:
        return product.is_in_stock or any(
            other.is_in_stock
            for other in products.values()
            if product.item_group_id and (other.item_group_id, other.color) == (product.item_group_id, product.color)
        )

    expected = {name for name, product in products.items() if can_be_bought(product)}
    assert 0 < len(expected) < len(products)
    garments = Garment.objects.all()
    for in_stock, wanted in ((True, expected), (False, products.keys() - expected)):
        found = garments.filter(Filters(in_stock=in_stock).garments(), is_product=True)
        assert set(found.values_list("product__external_id", flat=True)) == wanted
    assert tagged_in_stock(settings, market) == expected
