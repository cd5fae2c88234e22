"""Completing a look over HTTP: what was seen beside a product, beside its look-alikes, and over all photos."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from catalog.access.keys import create_key
from catalog.models import ApiKey, Product
from search.models import SearchedGarment, SearchLog, SeenTogether, Space
from search.recommendations.counting import COUNT_EVERY, FIRST_LOOK, LOOK_AGAIN, count_together, count_when_due
from segmentation.types import Embedding, GarmentDescriptor
from tests.factories import jpeg_bytes, make_image, make_product, make_retailer
from tests.search_factories import JACKET, PANTS, SHOE, TOP, near, photo, seen, store, unit_vector
from tests.search_market import QUERY, Market, alike, colored

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("nobody_looks")]

SKIRT, HAT = 8, 14
BEIGE_PANTS, BLACK_PANTS, BOOTS = unit_vector(31), unit_vector(32), unit_vector(33)
TITLES = {JACKET: "Denim Jacket", PANTS: "Chino Pants", SHOE: "Leather Shoe", TOP: "T-Shirt", SKIRT: "Skirt"}


@pytest.fixture(autouse=True)
def _own_folders(settings: Settings, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.VECTOR_INDEX_URL = f"faiss://{tmp_path / 'index'}"


@pytest.fixture
def market() -> Market:
    return Market()


_files = count(1)


def sell(
    market: Market,
    name: str,
    category_id: int,
    vector: Embedding,
    beside: Sequence[GarmentDescriptor] = (),
    *,
    retailer: str = "acme",
    data: bytes | None = None,
    **values: Any,
) -> Product:
    """A product with one photo of its own, in which others are worn beside it."""
    title = TITLES.get(category_id, "Hat")
    product = make_product(make_retailer(retailer), **({"external_id": name, "title": title} | values))
    number = next(_files)
    image = make_image(product, jpeg_bytes((number % 16 * 16, number // 16 * 16, 90)) if data is None else data)
    store(market.space, [image], [photo(seen(category_id, vector), *beside)])
    return product


def ask(client: Client, product: Product, **parameters: Any) -> dict[str, Any]:
    answer = client.get(f"/api/products/{product.pk}/look", parameters)
    assert answer.status_code == 200, answer.content
    reply: dict[str, Any] = answer.json()
    return reply


def look(reply: dict[str, Any]) -> dict[int, list[str]]:
    """Product ids by category, in the slots' order."""
    return {
        slot["category"]["id"]: [each["product"]["product_id"] for each in slot["results"]] for slot in reply["slots"]
    }


def test_what_is_worn_in_its_own_photo_is_found_with_the_photo_as_evidence(client: Client, market: Market) -> None:
    jacket = sell(market, "jacket", JACKET, QUERY, [seen(PANTS, BEIGE_PANTS), seen(SHOE, BOOTS)])
    sell(market, "beige", PANTS, near(BEIGE_PANTS, 0.9))
    sell(market, "black", PANTS, near(BEIGE_PANTS, 0.3))
    sell(market, "sold out", PANTS, BEIGE_PANTS, availability="out_of_stock")
    sell(market, "boots", SHOE, near(BOOTS, 0.8))
    market.publish()
    reply = ask(client, jacket)
    assert reply["category"]["id"] == JACKET
    assert look(reply) == {PANTS: ["beige", "black"], SHOE: ["boots"]}
    slot = reply["slots"][0]
    assert slot["seen_together"] == {"own_photos": 1, "similar_photos": 0, "catalog_photos": 0, "shopper_photos": 0}
    assert [each["product_id"] for each in slot["evidence"]] == ["jacket"]
    assert slot["results"][0]["seen_on"]["product_id"] == "jacket"
    assert slot["results"][0]["similarity"] == pytest.approx(0.9, abs=1e-3)


def test_what_look_alikes_are_worn_with_goes_with_a_product_shown_alone(client: Client, market: Market) -> None:
    jacket = sell(market, "jacket", JACKET, QUERY)
    for number in range(3):
        sell(market, f"like {number}", JACKET, alike(0.9 - 0.1 * number), [seen(PANTS, BEIGE_PANTS)])
    sell(market, "beige", PANTS, near(BEIGE_PANTS, 0.9))
    market.publish()
    (slot,) = ask(client, jacket)["slots"]
    assert slot["seen_together"]["similar_photos"] == 3
    assert [each["product_id"] for each in slot["evidence"]] == ["like 0", "like 1", "like 2"]
    (result,) = slot["results"]
    assert result["seen_on"]["product_id"] == "like 0"
    assert result["score"] == pytest.approx(0.9 * 0.9, abs=1e-2)


def test_one_look_alikes_photo_alone_is_a_whim(client: Client, market: Market) -> None:
    jacket = sell(market, "jacket", JACKET, QUERY)
    sell(market, "like", JACKET, alike(0.9), [seen(HAT, unit_vector(5))])
    sell(market, "hat", HAT, unit_vector(5))
    market.publish()
    assert look(ask(client, jacket)) == {}


def test_sizes_that_share_a_photo_are_one_photo(client: Client, market: Market) -> None:
    jacket = sell(market, "jacket", JACKET, QUERY)
    same = jpeg_bytes((1, 2, 3))
    for size in "SML":
        sell(market, size, JACKET, alike(0.9), [seen(PANTS, BEIGE_PANTS)], data=same, size=size)
    sell(market, "other", JACKET, alike(0.8), [seen(PANTS, BEIGE_PANTS)])
    sell(market, "pants", PANTS, BEIGE_PANTS)
    market.publish()
    count_together()
    (slot,) = ask(client, jacket)["slots"]
    assert (slot["seen_together"]["similar_photos"], slot["seen_together"]["catalog_photos"]) == (2, 2)


def test_nothing_is_worn_twice_in_one_place(client: Client, market: Market) -> None:
    beside = [seen(PANTS, BEIGE_PANTS), seen(SKIRT, BLACK_PANTS), seen(SHOE, BOOTS)]
    trousers = sell(market, "trousers", PANTS, near(BEIGE_PANTS, 0.5), beside[1:])
    jacket = sell(market, "jacket", JACKET, QUERY, beside)
    sell(market, "pants", PANTS, BEIGE_PANTS)
    sell(market, "skirt", SKIRT, BLACK_PANTS)
    sell(market, "boots", SHOE, BOOTS)
    market.publish()
    assert set(look(ask(client, trousers))) == {SHOE}
    worn = set(look(ask(client, jacket)))
    assert SHOE in worn
    assert len(worn & {PANTS, SKIRT}) == 1


def test_a_kind_that_is_sold_out_leaves_its_place_to_the_next(client: Client, market: Market) -> None:
    jacket = sell(market, "jacket", JACKET, QUERY, [seen(PANTS, BEIGE_PANTS), seen(SKIRT, BLACK_PANTS)])
    sell(market, "pants", PANTS, BEIGE_PANTS, availability="out_of_stock")
    sell(market, "skirt", SKIRT, BLACK_PANTS)
    market.publish()
    assert look(ask(client, jacket)) == {SKIRT: ["skirt"]}


def shoppers_photo(*garments: tuple[int, str], retailer: str | None = "acme", source: str = "upload") -> None:
    log = SearchLog.objects.create(
        search_id=uuid.uuid4(),
        created_at=datetime.now(UTC),
        retailer=None if retailer is None else make_retailer(retailer),
        space=Space.objects.get(),
        segmenter_version="seg@1",
        n_garments=len(garments),
        source=source,
    )
    for category_id, color in garments:
        SearchedGarment.objects.create(search=log, category_id=category_id, score=0.9, color_name=color)


def test_what_shoppers_wear_together_speaks_where_no_photo_of_the_catalog_does(client: Client, market: Market) -> None:
    jacket = sell(market, "jacket", JACKET, QUERY)
    beige = colored(seen(PANTS, BEIGE_PANTS), "beige")
    for name, garment in {"beige": beige, "red": colored(seen(PANTS, BLACK_PANTS), "red")}.items():
        product = make_product(external_id=name, title="Chino Pants")
        store(market.space, [make_image(product, jpeg_bytes((200, 1, len(name))))], [photo(garment)])
    market.publish()
    for _ in range(5):
        shoppers_photo((JACKET, "navy"), (PANTS, "beige"), (PANTS, "beige"))
    shoppers_photo((JACKET, "navy"), (PANTS, "red"), source="image_id")
    shoppers_photo((JACKET, "navy"), (PANTS, "red"), retailer="other")
    assert look(ask(client, jacket)) == {}
    count_together()
    reply = ask(client, jacket)
    assert look(reply) == {PANTS: ["beige"]}
    (slot,) = reply["slots"]
    assert slot["seen_together"]["shopper_photos"] == 5
    assert [(color["name"], color["n_photos"]) for color in slot["colors"]] == [("beige", 5)]
    assert slot["results"][0]["seen_on"] is None
    assert reply["counted_at"] is not None


def test_too_few_photos_count_for_nothing(client: Client, market: Market) -> None:
    jacket = sell(market, "jacket", JACKET, QUERY)
    sell(market, "pants", PANTS, BEIGE_PANTS)
    market.publish()
    for _ in range(4):
        shoppers_photo((JACKET, "navy"), (PANTS, "navy"))
    count_together()
    assert look(ask(client, jacket)) == {}
    shoppers_photo((JACKET, "navy"), (PANTS, "navy"), retailer=None)
    count_together()
    assert look(ask(client, jacket)) == {PANTS: ["pants"]}


def test_what_is_particular_comes_before_what_goes_with_everything(client: Client, market: Market) -> None:
    jacket = sell(market, "jacket", JACKET, QUERY)
    sell(market, "boots", SHOE, BOOTS)
    sell(market, "hat", HAT, unit_vector(5))
    market.publish()
    for number in range(40):
        others = [(HAT, "navy")] if number < 10 else [(TOP, "white")]
        kind = JACKET if number < 10 else PANTS
        shoppers_photo((kind, "navy"), (SHOE, "navy"), *others)
    count_together()
    slots = ask(client, jacket)["slots"]
    assert [slot["category"]["id"] for slot in slots] == [HAT, SHOE]
    assert slots[0]["lift"] > 2 > 1.1 > slots[1]["lift"] > 0.9
    assert slots[0]["strength"] == pytest.approx((slots[0]["support"] * slots[0]["lift"]) ** 0.5)


def test_a_look_keeps_to_one_retailer_and_to_those_the_product_is_made_for(client: Client, market: Market) -> None:
    beside = [seen(PANTS, BEIGE_PANTS)]
    jacket = sell(market, "jacket", JACKET, QUERY, beside, retailer="one", gender="male")
    sell(market, "his", PANTS, near(BEIGE_PANTS, 0.5), retailer="one", gender="male")
    sell(market, "hers", PANTS, BEIGE_PANTS, retailer="one", gender="female")
    sell(market, "theirs", PANTS, BEIGE_PANTS, retailer="two", gender="male")
    market.publish()
    assert look(ask(client, jacket)) == {PANTS: ["his"]}
    _, key = create_key(ApiKey.Kind.SECRET, "shop", retailer=make_retailer("two"))
    headers = {"Authorization": f"Bearer {key}"}
    for reference in ("jacket", str(jacket.pk)):
        assert client.get(f"/api/products/{reference}/look", headers=headers).status_code == 404


def test_variants_come_once_and_what_was_shown_not_again(client: Client, market: Market) -> None:
    jacket = sell(market, "jacket", JACKET, QUERY, [seen(PANTS, BEIGE_PANTS)])
    for size in "SML":
        sell(market, f"a-{size}", PANTS, near(BEIGE_PANTS, 0.9), item_group_id="A", size=size)
    for number in range(4):
        sell(market, f"b{number}", PANTS, near(BEIGE_PANTS, 0.8 - 0.1 * number))
    market.publish()
    assert look(ask(client, jacket, limit=3)) == {PANTS: ["a-S", "b0", "b1"]}
    shown = Product.objects.get(external_id="a-M").pk
    assert look(ask(client, jacket, limit=2, exclude=shown)) == {PANTS: ["b0", "b1"]}


def test_a_product_of_which_nothing_is_known_has_no_look(client: Client, market: Market) -> None:
    sell(market, "jacket", JACKET, QUERY)
    market.publish()
    reply = ask(client, make_product(title="Gift Card"))
    assert (reply["category"], reply["slots"]) == (None, [])


def test_a_look_costs_the_same_queries_whatever_there_is(client: Client, market: Market) -> None:
    beside = [seen(PANTS, BEIGE_PANTS), seen(SHOE, BOOTS)]
    jacket = sell(market, "jacket", JACKET, QUERY, beside)
    for number in range(6):
        sell(market, f"like {number}", JACKET, alike(0.9, number), beside)
        sell(market, f"pants {number}", PANTS, near(BEIGE_PANTS, 0.9, number))
        sell(market, f"shoe {number}", SHOE, near(BOOTS, 0.9, number))
    market.publish()
    count_together()
    counts = []
    for parameters in ({"limit": 1, "slots": 1}, {"limit": 6, "slots": 9}):
        with CaptureQueriesContext(connection) as captured:
            ask(client, jacket, **parameters)
        counts.append(len(captured))
    assert counts[0] == counts[1] <= 22


def test_counts_are_made_anew_when_they_are_old_and_forget_what_is_no_longer_sold(market: Market) -> None:
    jacket = sell(market, "jacket", JACKET, QUERY, [seen(PANTS, BEIGE_PANTS)])
    now = datetime.now(UTC)
    assert count_when_due(now) > 0
    Product.objects.filter(pk=jacket.pk).update(withdrawn_at=now)
    assert count_when_due(now + COUNT_EVERY / 2) == 0
    assert SeenTogether.objects.filter(n_photos=1).exists()
    assert count_when_due(now + COUNT_EVERY) == 0
    assert not SeenTogether.objects.filter(n_photos=1).exists()


def test_where_there_was_nothing_to_count_it_is_soon_counted_again_but_not_at_once(market: Market) -> None:
    now = datetime.now(UTC)
    assert count_when_due(now) == 0
    sell(market, "jacket", JACKET, QUERY, [seen(PANTS, BEIGE_PANTS)])
    assert count_when_due(now + FIRST_LOOK / 2) == 0
    assert count_when_due(now + FIRST_LOOK) > 0


def test_photos_described_since_are_counted_long_before_the_counts_are_old(market: Market) -> None:
    sell(market, "jacket", JACKET, QUERY, [seen(PANTS, BEIGE_PANTS)])
    now = datetime.now(UTC)
    assert count_when_due(now) > 0
    sell(market, "another", JACKET, QUERY, [seen(PANTS, BLACK_PANTS)])
    assert count_when_due(now + LOOK_AGAIN / 2) == 0
    assert count_when_due(now + LOOK_AGAIN) > 0
    assert SeenTogether.objects.filter(n_photos=2).exists()


@pytest.mark.parametrize("parameters", [{"slots": "0"}, {"slots": "11"}, {"limit": "21"}, {"offset": "1"}])
def test_wrong_parameters_are_named(client: Client, parameters: dict[str, str]) -> None:
    answer = client.get("/api/products/1/look", parameters)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, next(iter(parameters)))
