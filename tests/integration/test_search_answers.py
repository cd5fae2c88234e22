"""What a search answers, over HTTP, in markets of invented garments: filters, variants, verdicts, looks, steering."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from catalog.models import Product
from search import answering
from search.models import SearchedGarment
from search.space_traits import SpaceTraits
from segmentation.steering import SteeringAxes
from segmentation.types import Embedding, GarmentDescriptor
from tests.factories import jpeg_bytes
from tests.search_factories import DIM, JACKET, PANTS, SHOE, near, seen, unit_vector
from tests.search_market import QUERY, Market, alike, shopper_sees

pytestmark = pytest.mark.django_db

Sees = Callable[..., None]
PHOTO = jpeg_bytes(size=(200, 400))


@pytest.fixture(autouse=True)
def _own_folders(settings: Settings, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.VECTOR_INDEX_URL = f"faiss://{tmp_path / 'index'}"


@pytest.fixture
def market() -> Market:
    return Market()


@pytest.fixture
def sees(market: Market) -> Iterator[Sees]:
    """Decides what photos show."""
    with ExitStack() as stack:

        def see(*garments: GarmentDescriptor, whole: Embedding | None = None) -> None:
            stack.enter_context(shopper_sees(market, *garments, whole=whole))

        yield see


@pytest.fixture
def jacket(market: Market, sees: Sees) -> None:
    """Photos show one jacket."""
    sees(seen(JACKET, QUERY))


def ask(client: Client, address: str = "/api/search", **parameters: Any) -> dict[str, Any]:
    upload = SimpleUploadedFile("photo.jpg", PHOTO, content_type="image/jpeg")
    answer = client.post(address, {"image": upload, **parameters})
    assert answer.status_code == 200, answer.content
    reply: dict[str, Any] = answer.json()
    return reply


def names(found: dict[str, Any]) -> list[str]:
    return [result["product"]["product_id"] for result in found["results"]]


def found(client: Client, address: str = "/api/search", **parameters: Any) -> list[str]:
    return names(ask(client, address, **parameters)["objects"][0])


FAR: dict[str, Any] = {"brand": "Étoile & Co", "gender": "women", "price": Decimal("10"), "currency": "EUR"}


NARROW: list[dict[str, str]] = [
    {"retailer": "small"},
    {"brand": "étoile & co"},
    {"gender": "female"},
    {"color": "grey"},
    {"price_max": "10.00"},
    {"price_max": "11", "price_min": "9", "currency": "eur"},
    {"currency": "EUR"},
    {"in_stock": "true"},
    {"brand": "nobody,Étoile & Co", "gender": "women,male", "in_stock": "true", "color": "gray", "price_max": "50"},
]


def test_a_filter_brings_all_that_pass_it_though_many_others_are_nearer(
    client: Client, market: Market, jacket: None
) -> None:
    for number in range(30):
        market.sell(f"near{number}", alike(0.95, number), availability="out_of_stock", gender="male", brand="Big")
    for number in range(3):
        market.sell(f"far{number}", alike(0.5 - number / 10), retailer="small", seen_color="gray", **FAR)
    market.publish()
    for parameters in NARROW:
        assert found(client, limit=3, **parameters) == ["far0", "far1", "far2"], parameters


def test_what_is_repriced_sold_out_or_renamed_passes_the_filters_as_it_is_now(
    client: Client, market: Market, jacket: None
) -> None:
    for number in range(4):
        market.sell(f"J{number}", alike(0.9 - number / 10), brand="Acme")
    market.publish()
    Product.objects.filter(external_id="J0").update(price=500)
    Product.objects.filter(external_id="J1").update(availability="out_of_stock")
    Product.objects.filter(external_id="J2").update(brand="Other")
    assert found(client, price_max=100, in_stock="true", brand="ACME") == ["J3"]


def test_several_brands_are_given_by_comma_by_repetition_and_with_commas_in_quotes(
    client: Client, market: Market, jacket: None
) -> None:
    for number, brand in enumerate(["One", "Two", "Dolce, Gabbana", "Four"]):
        market.sell(brand, alike(0.9 - number / 10), brand=brand)
    market.publish()
    assert found(client, brand="one, TWO") == ["One", "Two"]
    assert found(client, brand=["one", "four"]) == ["One", "Four"]
    assert found(client, brand=["two", '"dolce, gabbana"']) == ["Two", "Dolce, Gabbana"]
    assert found(client, "/api/search?brand=two&brand=four") == ["Two", "Four"]


@pytest.mark.parametrize(
    ("parameters", "field"),
    [
        ({"price_min": "cheap"}, "price_min"),
        ({"price_min": "-1"}, "price_min"),
        ({"price_max": "nan"}, "price_max"),
        ({"price_max": "1e400"}, "price_max"),
        ({"price_min": "20", "price_max": "10"}, "price_min"),
        ({"currency": "bitcoin"}, "currency"),
        ({"in_stock": "perhaps"}, "in_stock"),
        ({"gender": "robots"}, "gender"),
        ({"color": "transparent"}, "color"),
        ({"color": "navy,transparent"}, "color"),
        ({"brand": " , "}, "brand"),
        ({"brand": "a\rb"}, "brand"),
        ({"brand": "a\0b"}, "brand"),
        ({"brand": "x" * 201}, "brand"),
        ({"brand": ",".join(map(str, range(51)))}, "brand"),
        ({"match": "smell"}, "match"),
        ({"verdict": "maybe"}, "verdict"),
        ({"diversity": "2"}, "diversity"),
        ({"group_variants": "some"}, "group_variants"),
        ({"combine": "7"}, "combine"),
    ],
)
def test_a_wrong_value_is_refused_with_its_field_and_a_reason(
    client: Client, market: Market, parameters: dict[str, str], field: str
) -> None:
    product = market.sell("J", alike(0.9))
    answers = [client.post("/api/search", {"image": SimpleUploadedFile("p.jpg", PHOTO), **parameters})]
    if field != "combine":
        answers.append(client.get(f"/api/products/{product.pk}/similar/", parameters))
    for answer in answers:
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_parameter")
        (told,) = answer.json()["errors"]
        assert told["field"] == field
        assert told["message"]


def test_a_category_or_a_group_says_what_is_searched_and_what_may_answer(
    client: Client, market: Market, sees: Sees
) -> None:
    sees(seen(JACKET, QUERY), seen(PANTS, unit_vector(7), score=0.8))
    market.sell("coat", alike(0.9), category_id=9)
    market.sell("jacket", alike(0.8))
    market.sell("trousers", near(unit_vector(7), 0.9), category_id=PANTS)
    market.publish()
    every = ask(client)["objects"]
    assert [names(each) for each in every] == [["coat", "jacket"], ["trousers"], ["coat", "jacket", "trousers"]]
    assert [names(each) for each in ask(client, category="jacket")["objects"]] == [["jacket"]]
    assert [names(each) for each in ask(client, category="upperbody")["objects"]] == [["jacket"]]
    assert [names(each) for each in ask(client, category="lowerbody")["objects"]] == [["trousers"]]


def test_variants_are_one_result_with_their_sizes_and_colors(client: Client, market: Market, jacket: None) -> None:
    blue: dict[str, Any] = {"item_group_id": "MJ07", "color": "Blue"}
    market.sell("blue-l", alike(0.9), size="L", availability="out_of_stock", **blue)
    market.sell("blue-s", alike(0.9), size="S", price=Decimal("40"), **blue)
    market.sell("red-s", alike(0.7), size="S", item_group_id="MJ07", color="Red")
    market.sell("gone", alike(0.9), item_group_id="MJ07", withdrawn_at="2026-01-01T00:00:00Z")
    market.sell("alone", alike(0.6))
    market.sell("theirs", alike(0.5), retailer="other", item_group_id="MJ07")
    market.publish()
    grouped = ask(client)["objects"][0]
    assert names(grouped) == ["blue-s", "alone", "theirs"]
    first, second, third = grouped["results"]
    assert (first["n_variants"], second["n_variants"], third["n_variants"]) == (3, 1, 1)
    assert [each["product_id"] for each in first["variants"]] == ["blue-s", "blue-l", "red-s"]
    assert second["variants"] == []
    small, large, _ = first["variants"]
    assert (small["price"], small["size"], small["color"], small["availability"]) == ("40.00", "S", "Blue", "in_stock")
    assert (large["availability"], large["in_stock"]) == ("out_of_stock", False)
    assert client.get(small["url"]).json()["product_id"] == "blue-s"
    apart = ask(client, group_variants="false")["objects"][0]
    assert names(apart) == ["blue-l", "blue-s", "red-s", "alone", "theirs"]
    assert {(result["n_variants"], len(result["variants"])) for result in apart["results"]} == {(1, 0)}


def test_as_many_groups_as_asked_for_are_found_behind_dozens_of_variants_of_one(
    client: Client, market: Market, jacket: None
) -> None:
    photos = [alike(0.9, number) for number in range(45)]
    for size in ("S", "M"):
        market.sell(size, *photos, item_group_id="G")
    for number in range(3):
        market.sell(f"other{number}", alike(0.5 - number / 10))
    market.publish()
    with CaptureQueriesContext(connection) as queries:
        assert found(client, limit=4) == ["S", "other0", "other1", "other2"]
    look_ups = [
        query["sql"] for query in queries if "item_group_id" in query["sql"] and "search_garment" in query["sql"]
    ]
    # 24 and 96 neighbours: a look-up for each round.
    assert len(look_ups) == 2


def test_a_search_costs_the_same_queries_whatever_its_options_find(
    client: Client, market: Market, jacket: None
) -> None:
    for number in range(30):
        market.sell(f"J{number}", alike(0.9 - number / 100), item_group_id=f"G{number % 12}")
    market.publish()
    counts = []
    for limit in (2, 10):
        with CaptureQueriesContext(connection) as queries:
            ask(client, limit=limit, diversity=0.5, color="navy", combine="true")
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_variety_is_chosen_from_all_that_is_alike(client: Client, market: Market, jacket: None) -> None:
    for number in range(5):
        market.sell(f"same{number}", alike(0.9))
    market.sell("another", alike(0.8, 1))
    market.publish()
    assert found(client, limit=2) == ["same0", "same1"]
    assert found(client, limit=2, diversity=0.5) == ["same0", "another"]
    assert sorted(found(client, limit=9, diversity=1)) == sorted(found(client, limit=9))


def test_verdicts_say_what_a_similarity_is_worth_and_noise_is_not_shown(
    client: Client, market: Market, jacket: None
) -> None:
    for similarity in (0.95, 0.6, 0.2):
        market.sell(f"at {similarity}", alike(similarity))
    market.publish()
    market.calibrate()
    reply = ask(client)["objects"][0]
    assert reply["verdict"] == "exact"
    assert [(each["verdict"], each["product"]["product_id"]) for each in reply["results"]] == [
        ("exact", "at 0.95"),
        ("similar", "at 0.6"),
    ]
    first, second = reply["results"]
    assert first["similarity"] == pytest.approx(0.95, abs=1e-5)
    assert first["score"] > 0.8 > second["score"] > 0.1
    assert found(client, verdict="exact") == ["at 0.95"]
    assert found(client, verdict="none") == ["at 0.95", "at 0.6", "at 0.2"]
    assert found(client, verdict="none", min_score=second["score"] - 0.001) == ["at 0.95", "at 0.6"]


def test_a_garment_without_a_good_match_says_so_and_is_counted_as_such(
    client: Client, market: Market, sees: Sees
) -> None:
    sees(seen(JACKET, QUERY), seen(SHOE, unit_vector(7), score=0.8))
    market.sell("shoe", near(unit_vector(7), 0.95), category_id=SHOE)
    market.sell("far", alike(0.2))
    market.publish()
    market.calibrate()
    none, exact, _ = ask(client)["objects"]
    assert (none["verdict"], none["results"]) == ("none", [])
    assert (exact["verdict"], names(exact)) == ("exact", ["shoe"])
    counted = SearchedGarment.objects.order_by("pk").values_list("category_id", "verdict")
    assert list(counted) == [(JACKET, "none"), (SHOE, "exact")]
    assert [(each["verdict"], names(each)) for each in ask(client, verdict="none")["objects"][:2]] == [
        ("none", ["far"]),
        ("exact", ["shoe"]),
    ]


def test_an_object_tells_the_nearest_verdict_though_more_was_asked_for(
    client: Client, market: Market, jacket: None
) -> None:
    market.sell("similar", alike(0.6))
    market.publish()
    market.calibrate()
    reply = ask(client, verdict="exact")["objects"][0]
    assert (reply["verdict"], reply["results"]) == ("similar", [])


def test_without_a_calibration_scores_are_similarities_and_everything_is_similar(
    client: Client, market: Market, jacket: None, caplog: pytest.LogCaptureFixture
) -> None:
    market.sell("near", alike(0.99))
    market.sell("far", alike(-0.5))
    market.publish()
    for calibration in (None, {"format": 1}):
        market.space.calibration = calibration
        market.space.save()
        reply = ask(client)["objects"][0]
        assert [each["verdict"] for each in reply["results"]] == ["similar", "similar"]
        assert [each["score"] for each in reply["results"]] == pytest.approx([0.99, 0.0], abs=1e-5)
    assert "cannot be used" in caplog.text


def test_the_whole_photo_is_searched_as_one_thing_after_its_garments(
    client: Client, market: Market, sees: Sees
) -> None:
    whole = unit_vector(9)
    sees(seen(SHOE, QUERY), whole=whole)
    market.sell("dress", near(whole, 0.95), category_id=10)
    market.sell("shoe", alike(0.2), category_id=SHOE)
    market.publish()
    market.calibrate()
    shoe, all_of_it = ask(client)["objects"]
    assert (shoe["kind"], shoe["verdict"], names(shoe)) == ("garment", "none", [])
    assert (all_of_it["kind"], all_of_it["verdict"], names(all_of_it)) == ("whole_image", "exact", ["dress"])
    assert all_of_it["results"][0]["matched_category"]["name"] == "dress"
    assert [each["kind"] for each in ask(client, category="shoe")["objects"]] == ["garment"]
    assert [each["kind"] for each in ask(client, category="bag")["objects"]] == ["whole_image"]


def test_a_look_is_what_one_retailer_sells_for_the_whole_photo(
    client: Client, market: Market, sees: Sees, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answering, "POOL", 3)
    trousers, shoe = unit_vector(7), unit_vector(8)
    sees(
        seen(JACKET, QUERY),
        seen(PANTS, trousers, score=0.8),
        seen(SHOE, shoe, score=0.7),
        seen(SHOE, near(shoe, 0.99), score=0.6),
    )
    for number in range(12):  # In front of what the complete retailer has for the jacket.
        market.sell(f"crowd{number}", alike(0.95, number), retailer="jackets-only")
    market.sell("J", alike(0.7), retailer="complete", price=Decimal("100"), sale_price=Decimal("79.90"))
    market.sell("P", near(trousers, 0.8), retailer="complete", category_id=PANTS, price=Decimal("30"))
    market.sell("S", near(shoe, 0.9), retailer="complete", category_id=SHOE, price=None)
    market.publish()
    assert ask(client)["looks"] is None
    complete, jackets = ask(client, combine="true", limit=1)["looks"]
    assert (complete["rank"], complete["retailer"], complete["coverage"]) == (1, "complete", 1.0)
    assert [(item["object_ids"], item["result"]["product"]["product_id"]) for item in complete["items"]] == [
        ([0], "J"),
        ([1], "P"),
        ([2, 3], "S"),
    ]
    assert complete["totals"] == [{"currency": "USD", "amount": "109.90"}]
    assert complete["n_unpriced"] == 1
    scores = [item["result"]["score"] for item in complete["items"]]
    assert complete["score"] == pytest.approx(np.prod(scores) ** (1 / 3))
    assert (jackets["rank"], jackets["retailer"]) == (2, "jackets-only")
    assert jackets["coverage"] == pytest.approx(1 / 3)
    assert jackets["score"] < complete["score"]


@pytest.fixture
def steerable(monkeypatch: pytest.MonkeyPatch) -> None:
    """A space whose first coordinate is color, whose last is pattern."""
    axes = np.eye(DIM, dtype=np.float32)
    steering = SteeringAxes(color_axes=axes[:1], pattern_axes=axes[-2:], center=np.zeros(DIM, np.float32))
    monkeypatch.setattr(answering, "read_traits", lambda _: SpaceTraits(axes=steering))


def mix(*coordinates: float) -> Embedding:
    vector = np.zeros(DIM, np.float32)
    vector[: len(coordinates)] = coordinates
    return np.asarray(vector / np.linalg.norm(vector), dtype=np.float32)


def test_another_color_is_the_same_shape_seen_in_that_color(
    client: Client, market: Market, sees: Sees, steerable: None
) -> None:
    sees(seen(JACKET, mix(0.8, 0.6)))
    market.sell("same", mix(0.8, 0.6), seen_color="navy")
    market.sell("red", mix(-0.6, 0.8), seen_color="red")
    market.sell("partly red", mix(-0.6, 0.8), seen_color="red", shares={"red": 0.5, "white": 0.5})
    market.sell("other shape", mix(0.8, 0.0, 0.6), seen_color="burgundy")
    market.publish()
    reply = ask(client, color="red")
    assert reply["match"] == "shape"
    assert names(reply["objects"][0]) == ["red", "partly red", "other shape"]
    assert {each["verdict"] for each in reply["objects"][0]["results"]} == {"similar"}
    plain = ask(client, color="red", match="garment")
    assert plain["match"] == "garment"
    assert names(plain["objects"][0])[0] == "other shape"
    assert found(client, match="shape")[-1] == "other shape"


def test_the_same_pattern_counts_whatever_the_rest_is(
    client: Client, market: Market, sees: Sees, steerable: None
) -> None:
    sees(seen(JACKET, mix(0.9, 0, 0, 0, 0, 0, 0.3, 0.1)))
    market.sell("look alike", mix(0.9, 0, 0, 0, 0, 0, 0.1, 0.3))
    market.sell("long", mix(0, 0, 0, 0, 0, 0, 0.9, 0.9))
    market.sell("same pattern", mix(0, 0.9, 0, 0, 0, 0, 0.3, 0.1))
    market.publish()
    reply = ask(client, match="pattern")
    assert reply["match"] == "pattern"
    assert names(reply["objects"][0]) == ["same pattern", "long", "look alike"]
    assert reply["objects"][0]["results"][0]["similarity"] == pytest.approx(1.0, abs=1e-3)
    assert found(client, match="pattern", min_score=0.99) == ["same pattern"]


def test_a_model_that_cannot_be_steered_says_so(client: Client, market: Market, jacket: None) -> None:
    market.sell("red", alike(0.9), seen_color="red")
    market.sell("navy", alike(0.95), seen_color="navy")
    market.publish()
    reply = ask(client, color="red")
    assert (reply["match"], names(reply["objects"][0])) == ("garment", ["red"])


def test_similar_products_leave_out_the_products_own_variants_unless_they_are_shown_apart(
    client: Client, market: Market
) -> None:
    product = market.sell("blue", QUERY, item_group_id="G")
    market.sell("red", alike(0.9), item_group_id="G")
    market.sell("near", alike(0.8), item_group_id="H", brand="Acme")
    market.sell("near-m", alike(0.8), item_group_id="H", brand="Acme")
    market.sell("far", alike(0.1))
    market.sell("theirs", alike(0.99), retailer="other")
    market.publish()
    market.calibrate()
    address = f"/api/products/{product.pk}/similar/"
    reply = client.get(address).json()
    assert names(reply) == ["near", "far"]
    assert (reply["match"], reply["verdict"]) == ("garment", "similar")
    assert reply["results"][0]["n_variants"] == 2
    apart = {"group_variants": "false", "exclude_item_group": "false"}
    assert names(client.get(address, apart).json()) == ["red", "near", "near-m", "far"]
    assert names(client.get(address, {"verdict": "similar", "brand": "acme"}).json()) == ["near"]


def test_similar_products_of_an_asked_category_are_found_though_it_is_another_one(
    client: Client, market: Market
) -> None:
    product = market.sell("jacket", QUERY)
    market.sell("another jacket", alike(0.9))
    market.sell("shoe", alike(0.3), category_id=SHOE)
    market.publish()
    address = f"/api/products/{product.pk}/similar/"
    assert names(client.get(address).json()) == ["another jacket"]
    assert names(client.get(address, {"category": "shoe"}).json()) == ["shoe"]
    assert names(client.get(address, {"category": "legs and feet"}).json()) == ["shoe"]
    answer = client.get(address, {"category": "spaceship"})
    assert (answer.status_code, answer.json()["code"]) == (400, "unknown_category")


def test_an_index_address_that_nothing_supports_is_an_operators_problem(
    client: Client, market: Market, jacket: None, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    settings.VECTOR_INDEX_URL = "oracle://secret-host/index"
    answer = client.post("/api/search", {"image": SimpleUploadedFile("p.jpg", PHOTO)})
    assert (answer.status_code, answer.json()["code"]) == (503, "index_misconfigured")
    assert "secret-host" not in answer.content.decode()
    assert "secret-host" in caplog.text
