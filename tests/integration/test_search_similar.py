"""Similar products over HTTP: brands, price bands, pages, what was shown already; and that nothing is looked at."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from catalog.access.keys import create_key
from catalog.models import ApiKey, Product
from search import neighbours
from search.recommendations import similar
from tests.factories import make_retailer
from tests.search_market import QUERY, Market, alike

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("nobody_looks")]


@pytest.fixture(autouse=True)
def _own_folders(settings: Settings, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.VECTOR_INDEX_URL = f"faiss://{tmp_path / 'index'}"


@pytest.fixture
def market() -> Market:
    return Market()


def ask(client: Client, product: Product, **parameters: Any) -> dict[str, Any]:
    answer = client.get(f"/api/products/{product.pk}/similar", parameters)
    assert answer.status_code == 200, answer.content
    reply: dict[str, Any] = answer.json()
    return reply


def names(reply: dict[str, Any]) -> list[str]:
    return [result["product"]["product_id"] for result in reply["results"]]


def test_the_brand_can_be_the_same_or_another_one(client: Client, market: Market) -> None:
    product = market.sell("it", QUERY, brand="Acme & Söhne")
    market.sell("same", alike(0.7), brand=" ACME &  söhne ")
    market.sell("other", alike(0.8), brand="Bolt")
    market.sell("none", alike(0.6))
    market.publish()
    assert names(ask(client, product, same_brand="true")) == ["same"]
    assert names(ask(client, product, same_brand="false")) == ["other", "none"]
    assert names(ask(client, product, same_brand="true", brand="bolt")) == []
    assert names(ask(client, product)) == ["other", "same", "none"]


def test_a_product_without_a_brand_shares_it_with_none(client: Client, market: Market) -> None:
    product = market.sell("it", QUERY)
    market.sell("also none", alike(0.7))
    market.publish()
    assert names(ask(client, product, same_brand="true")) == []
    assert names(ask(client, product, same_brand="false")) == ["also none"]


def test_a_price_band_lies_around_what_a_shopper_pays_now_and_in_the_same_currency(
    client: Client, market: Market
) -> None:
    product = market.sell("it", QUERY, price="90", sale_price="50")
    for number, (name, values) in enumerate(
        {
            "at the edge": {"price": "60"},
            "below": {"price": "39.99"},
            "reduced into it": {"price": "99", "sale_price": "40"},
            "above": {"price": "60.01"},
            "euros": {"price": "50", "currency": "EUR"},
            "unpriced": {"price": None},
        }.items()
    ):
        market.sell(name, alike(0.9 - 0.1 * number), **values)
    market.publish()
    assert names(ask(client, product, price_band="0.2")) == ["at the edge", "reduced into it"]
    assert names(ask(client, product, price_band="0.2", price_max="59")) == ["reduced into it"]
    assert names(ask(client, product, price_band="0.2", currency="EUR")) == []


@pytest.mark.parametrize("values", [{"price": None}, {"currency": ""}, {"currency": "XQX"}])
def test_nothing_is_near_a_price_that_nobody_knows(client: Client, market: Market, values: dict[str, Any]) -> None:
    product = market.sell("it", QUERY, **values)
    market.sell("other", alike(0.9))
    market.publish()
    assert names(ask(client, product, price_band="1")) == []


def test_its_own_variants_come_when_asked_for_and_the_product_itself_never(client: Client, market: Market) -> None:
    product = market.sell("blue-s", QUERY, item_group_id="G", color="blue", size="S")
    market.sell("blue-m", QUERY, item_group_id="G", color="blue", size="M")
    market.sell("red", alike(0.9), item_group_id="G", color="red")
    market.sell("far", alike(0.3))
    market.publish()
    assert names(ask(client, product)) == ["far"]
    assert names(ask(client, product, group_variants="false")) == ["far"]
    assert names(ask(client, product, exclude_item_group="false")) == ["blue-m", "far"]
    apart = ask(client, product, exclude_item_group="false", group_variants="false")
    assert names(apart) == ["blue-m", "red", "far"]


def test_what_was_shown_does_not_come_again_nor_do_its_variants(client: Client, market: Market) -> None:
    product = market.sell("it", QUERY)
    market.sell("a-s", alike(0.9), item_group_id="A")
    market.sell("a-m", alike(0.9), item_group_id="A")
    market.sell("b,1", alike(0.8))
    market.sell("c", alike(0.7))
    market.publish()
    key = {each.external_id: each.pk for each in Product.objects.all()}
    assert names(ask(client, product, exclude=[str(key["a-s"]), "0", "nonsense"])) == ["b,1", "c"]
    assert names(ask(client, product, exclude=f"{key['a-s']},{key['b,1']}")) == ["c"]
    own = client.get("/api/products/it/similar", {"retailer": "acme", "exclude": ["a-m", '"b,1"', "\x01"]}).json()
    assert names(own) == ["c"]
    shown_apart = {"retailer": "acme", "exclude": "a-m", "group_variants": "false"}
    assert names(client.get("/api/products/it/similar", shown_apart).json()) == ["a-s", "b,1", "c"]


def test_pages_follow_each_other_without_gaps(client: Client, market: Market) -> None:
    product = market.sell("it", QUERY)
    for number in range(7):
        market.sell(f"{number}", alike(0.9 - 0.1 * number))
    market.publish()
    pages = [ask(client, product, limit=3, offset=offset) for offset in (0, 3, 6, 9)]
    assert [name for page in pages for name in names(page)] == [str(number) for number in range(7)]
    assert [result["rank"] for result in pages[1]["results"]] == [4, 5, 6]


@pytest.mark.parametrize(
    ("parameters", "field"),
    [
        ({"offset": "-1"}, "offset"),
        ({"offset": "950", "limit": "51"}, "offset"),
        ({"price_band": "nan"}, "price_band"),
        ({"price_band": "1.5"}, "price_band"),
        ({"same_brand": "perhaps"}, "same_brand"),
        ({"exclude": ",".join(map(str, range(201)))}, "exclude"),
        ({"exclude": "a\0b"}, "exclude"),
        ({"in_stok": "true"}, "in_stok"),
    ],
)
def test_a_wrong_parameter_is_refused_with_its_name(client: Client, parameters: dict[str, str], field: str) -> None:
    answer = client.get("/api/products/1/similar", parameters)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_parameter")
    assert answer.json()["errors"][0]["field"] == field


def test_a_retailers_key_names_products_by_its_own_ids_and_sees_no_others(client: Client, market: Market) -> None:
    product = market.sell("shirt/red", QUERY, retailer="one")
    market.sell("near", alike(0.9), retailer="one")
    market.sell("theirs", alike(0.99), retailer="two")
    market.publish()
    _, key = create_key(ApiKey.Kind.SECRET, "shop", retailer=make_retailer("one"))
    headers = {"Authorization": f"Bearer {key}"}
    for address in ("/api/products/shirt/red/similar", "/api/products/shirt%2Fred/similar/"):
        assert names(client.get(address, headers=headers).json()) == ["near"]
    for reference, query in ((product.pk, {}), ("theirs", {}), ("theirs", {"retailer": "two"})):
        answer = client.get(f"/api/products/{reference}/similar", query, headers=headers)
        assert answer.status_code == 404, reference


def test_a_search_that_the_index_cannot_narrow_ends_somewhere(
    client: Client, market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(similar, "MOST_NEIGHBOURS", 16)
    looked_up: list[int] = []
    sources = neighbours.garment_sources

    def counted(ids: set[int], filters: Any) -> Any:
        looked_up.append(len(ids))
        return sources(ids, filters)

    monkeypatch.setattr(neighbours, "garment_sources", counted)
    product = market.sell("it", QUERY, brand="Only")
    for number in range(40):
        market.sell(f"{number}", alike(0.9, number), brand="Only")
    market.publish()
    assert names(ask(client, product, same_brand="false", limit=1)) == []
    assert sum(looked_up) <= 16
