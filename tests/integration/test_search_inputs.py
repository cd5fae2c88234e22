"""What a search can come with, over HTTP: a file, a web address, an earlier photo, a product; and what can be asked."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from pytest_django import Settings

from catalog.access.keys import create_key
from catalog.models import ApiKey
from search.models import QueryImage, SearchLog
from segmentation.types import Embedding, GarmentDescriptor
from tests.factories import jpeg_bytes, make_retailer
from tests.search_factories import JACKET, PANTS, near, photo, seen, unit_vector
from tests.search_market import CURVE, QUERY, Market, Seer, alike
from tests.web_server import ALLOWED, Site, running_site
from workers import runtime

pytestmark = pytest.mark.django_db

PHOTO = jpeg_bytes(size=(200, 400))
SLEEVE = 31
TROUSERS = unit_vector(7)


class Eyes(Seer):
    """A model that counts the photos it is shown."""

    n_shown = 0

    def describe(self, photos: Any) -> Any:
        """As told."""
        self.n_shown += len(photos)
        return super().describe(photos)


@pytest.fixture(autouse=True)
def _own_folders(settings: Settings, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.VECTOR_INDEX_URL = f"faiss://{tmp_path / 'index'}"


@pytest.fixture
def market() -> Market:
    return Market()


@pytest.fixture
def eyes(market: Market) -> Iterator[Callable[..., Eyes]]:
    """Decides what photos show, and counts how many were looked at."""
    with ExitStack() as stack:

        def see(*garments: GarmentDescriptor, whole: Embedding | None = None) -> Eyes:
            shown = photo(*garments, whole=unit_vector(2000) if whole is None else whole)
            model = Eyes(market.space.name, shown)
            stack.enter_context(runtime.lent(model))
            return model

        yield see


def post(client: Client, headers: dict[str, str] | None = None, **parameters: Any) -> Any:
    """A JSON body, or a form where a photo is sent."""
    if "image" in parameters:
        upload = SimpleUploadedFile("photo.jpg", parameters.pop("image"), content_type="image/jpeg")
        return client.post("/api/search", {"image": upload, **parameters}, headers=headers)
    return client.post("/api/search", parameters, content_type="application/json", headers=headers)


def ask(client: Client, **parameters: Any) -> dict[str, Any]:
    answer = post(client, **parameters)
    assert answer.status_code == 200, answer.content
    reply: dict[str, Any] = answer.json()
    return reply


def refused(answer: Any) -> tuple[int, str, str | None]:
    assert answer["Content-Type"].startswith("application/problem+json"), answer.content
    problem = answer.json()
    return answer.status_code, problem["code"], problem.get("errors", [{"field": None}])[0]["field"]


def names(found: dict[str, Any]) -> list[str]:
    return [result["product"]["product_id"] for result in found["results"]]


def without_times(reply: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in reply.items() if name not in ("search_id", "timings_ms")}


def key_of(slug: str, kind: ApiKey.Kind = ApiKey.Kind.SECRET) -> dict[str, str]:
    return {"Authorization": f"Bearer {create_key(kind, 'test', retailer=make_retailer(slug))[1]}"}


def stock(market: Market) -> None:
    """Jackets J0.. and trousers P0.., each less alike than the one before."""
    for number in range(12):
        market.sell(f"J{number:02}", alike(0.95 - number / 100, number), price=Decimal(10 + 10 * number))
        market.sell(f"P{number:02}", near(TROUSERS, 0.9 - number / 100, number), category_id=PANTS)
    market.publish()


def test_an_image_id_answers_as_the_photo_did_without_looking_at_it_again(
    client: Client, market: Market, eyes: Callable[..., Eyes]
) -> None:
    stock(market)
    model = eyes(seen(JACKET, QUERY), seen(PANTS, TROUSERS, score=0.8))
    first = ask(client, image=PHOTO, combine="true", in_stock="true")
    again = ask(client, image_id=first["image_id"], combine=True, in_stock=True)
    assert without_times(again) == without_times(first)
    assert again["search_id"] != first["search_id"]
    assert {again["timings_ms"][stage] for stage in ("decode", "segment", "embed")} == {0.0}
    assert model.n_shown == 1


def test_pages_follow_each_other_without_gaps_and_ranks_go_on(
    client: Client, market: Market, eyes: Callable[..., Eyes]
) -> None:
    stock(market)
    model = eyes(seen(JACKET, QUERY), seen(PANTS, TROUSERS, score=0.8))
    reply = ask(client, image=PHOTO, limit=5)
    whole = ask(client, image_id=reply["image_id"], limit=12)
    shown, ranks = names(reply["objects"][0]), [result["rank"] for result in reply["objects"][0]["results"]]
    while reply["next_offset"] is not None:
        reply = ask(client, image_id=reply["image_id"], limit=5, offset=reply["next_offset"], objects=[0])
        (jacket,) = reply["objects"]
        shown, ranks = shown + names(jacket), ranks + [result["rank"] for result in jacket["results"]]
    assert shown == names(whole["objects"][0]) == [f"J{number:02}" for number in range(12)]
    assert ranks == list(range(1, 13))
    assert not jacket["has_more"]
    assert model.n_shown == 1


@pytest.mark.parametrize("parameters", [{"diversity": 0.6}, {"color": ["navy"]}, {"color": "navy", "diversity": 0.3}])
def test_pages_of_an_arranged_list_show_everything_once(
    client: Client, market: Market, eyes: Callable[..., Eyes], parameters: dict[str, Any]
) -> None:
    for number in range(40):
        market.sell(f"J{number:02}", alike(0.95 - number / 100, number % 7))
    market.publish()
    eyes(seen(JACKET, QUERY))
    first = ask(client, image=PHOTO, limit=7, **parameters)
    assert names(ask(client, image_id=first["image_id"], limit=7, **parameters)["objects"][0]) == names(
        first["objects"][0]
    )
    shown: list[str] = []
    for offset in range(0, 42, 7):
        page = ask(client, image_id=first["image_id"], limit=7, offset=offset, objects="0", **parameters)
        shown += names(page["objects"][0])
    assert shown[:7] == names(first["objects"][0])
    assert sorted(shown) == [f"J{number:02}" for number in range(40)]


def test_objects_keep_their_ids_whatever_else_is_asked(
    client: Client, market: Market, eyes: Callable[..., Eyes]
) -> None:
    stock(market)
    eyes(seen(JACKET, QUERY), seen(SLEEVE, unit_vector(5), score=0.85), seen(PANTS, TROUSERS, score=0.8))
    image_id = (reply := ask(client, image=PHOTO))["image_id"]
    assert [(each["object_id"], each["kind"]) for each in reply["objects"]] == [
        (0, "garment"),
        (1, "garment"),
        (2, "whole_image"),
    ]
    (pants,) = ask(client, image_id=image_id, category="pants")["objects"]
    assert (pants["object_id"], pants["category"]["slug"]) == (1, "pants")
    (sleeve,) = ask(client, image_id=image_id, category="sleeve")["objects"]
    assert sleeve["object_id"] == 3
    chosen = ask(client, image_id=image_id, objects=[3, 1])["objects"]
    assert [each["object_id"] for each in chosen] == [1, 3]
    looks = ask(client, image_id=image_id, objects="1", combine=True)["looks"]
    assert [item["object_ids"] for item in looks[0]["items"]] == [[1]]
    answer = post(client, image_id=image_id, objects="0,4")
    assert refused(answer) == (400, "invalid_parameter", "objects")
    assert answer.json()["detail"] == "There is no object 4; there are: 0, 1, 2, 3."


def test_a_product_searches_with_its_own_photos_and_is_no_answer_itself(
    client: Client, market: Market, eyes: Callable[..., Eyes]
) -> None:
    model = eyes()
    product = market.sell("J", QUERY, TROUSERS, item_group_id="G", retailer="one")
    market.sell("other size", QUERY, item_group_id="G", retailer="one")
    market.sell("near", alike(0.9), retailer="one")
    market.sell("theirs", alike(0.95), retailer="two")
    market.publish()
    reply = ask(client, product_id="J", retailer="one")
    assert [(each["object_id"], each["kind"]) for each in reply["objects"]] == [(0, "garment"), (1, "garment")]
    assert names(reply["objects"][0])[0] == "near"
    assert (reply["image_id"], reply["image"]) == (None, None)
    assert reply["objects"][0]["image_url"].startswith("http://testserver/media/catalog/")
    assert reply["objects"][0]["box_relative"]["x_max"] == pytest.approx(110 / 200)
    assert names(ask(client, product_id=product.pk)["objects"][0])[:2] == ["theirs", "near"]
    assert "other size" in names(ask(client, product_id=product.pk, group_variants=False)["objects"][0])
    assert SearchLog.objects.filter(source="product").count() == 3
    assert model.n_shown == 0
    assert refused(post(client, product_id="J", retailer="two")) == (404, "not_found", None)
    assert refused(post(client, product_id="J", retailer="one", box=[0, 0, 1, 1]))[1:] == ("invalid_parameter", "box")
    assert refused(post(client, product_id="J", retailer="one", combine=True))[2] == "combine"


@pytest.fixture
def site(settings: Settings) -> Iterator[Site]:
    """A web server at an address that is allowed."""
    with running_site() as running:
        settings.SELVEDGE_ALLOWED_NETWORKS = [f"{ALLOWED}/32"]
        settings.SELVEDGE_ALLOWED_PORTS = [running.port]
        yield running


def test_a_photo_is_fetched_from_the_web_through_the_guard(
    client: Client, market: Market, eyes: Callable[..., Eyes], settings: Settings, site: Site
) -> None:
    stock(market)
    model = eyes(seen(JACKET, QUERY))
    photo_url = site.serve("/photo.jpg", PHOTO, Content_Type="text/plain")
    assert names(ask(client, image_url=photo_url)["objects"][0])[0] == "J00"
    inside = site.redirect("/inside", f"http://127.0.0.1:{site.port}/photo.jpg")
    for refused_url in (site.url("/photo.jpg", "127.0.0.1"), inside):
        assert refused(post(client, image_url=refused_url)) == (400, "address_refused", "image_url")
    page = site.serve("/page.jpg", b"<html>no photo</html>", Content_Type="image/jpeg")
    assert refused(post(client, image_url=page)) == (400, "not_an_image", "image_url")
    assert refused(post(client, image_url=site.url("/nothing"))) == (400, "download_failed", "image_url")
    settings.SELVEDGE_MAX_UPLOAD_BYTES = 20_000
    assert refused(post(client, image_url=site.serve("/large.jpg", b"x" * 20_001)))[:2] == (413, "file_too_large")
    assert refused(post(client, image_url="file:///etc/passwd")) == (400, "scheme_refused", "image_url")
    assert refused(post(client, image_url="http://[::1"))[:2] == (400, "url_refused")
    assert SearchLog.objects.get().source == "image_url"
    assert (site.hits["/photo.jpg"], model.n_shown) == (1, 1)


def test_a_server_that_does_not_answer_in_time_is_told(client: Client, settings: Settings, site: Site) -> None:
    settings.SELVEDGE_IMAGE_URL_TIMEOUT_S = 0.3
    over = threading.Event()
    site.routes["/slow.jpg"] = lambda _: over.wait(10)
    assert refused(post(client, image_url=site.url("/slow.jpg"))) == (400, "download_timeout", "image_url")
    over.set()


def test_exactly_one_thing_is_searched_with(client: Client) -> None:
    one = str(uuid.uuid4())
    assert refused(post(client)) == (400, "image_missing", "image")
    assert refused(post(client, image=PHOTO, image_id=one)) == (400, "invalid_parameter", "image_id")
    assert refused(post(client, image_id=one, product_id="J"))[2] == "product_id"
    assert refused(post(client, image_url="http://photos.example/a.jpg", image_id=one))[2] == "image_id"
    form = client.post("/api/search", "limit=3", content_type="application/x-www-form-urlencoded")
    assert refused(form) == (400, "image_missing", "image")
    other = SimpleUploadedFile("photo.jpg", PHOTO)
    assert refused(client.post("/api/search", {"photo": other})) == (400, "image_missing", "image")


def test_a_form_without_files_can_name_what_to_search_with(
    client: Client, market: Market, eyes: Callable[..., Eyes]
) -> None:
    stock(market)
    eyes(seen(JACKET, QUERY))
    image_id = ask(client, image=PHOTO)["image_id"]
    answer = client.post(
        "/api/search?limit=2", f"image_id={image_id}&objects=0", content_type="application/x-www-form-urlencoded"
    )
    assert names(answer.json()["objects"][0]) == ["J00", "J01"]


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"limit": "many"}, "limit"),
    ({"limit": 2.5}, "limit"),
    ({"limit": True}, "limit"),
    ({"limit": [3]}, "limit"),
    ({"limit": None}, "limit"),
    ({"limit": 101}, "limit"),
    ({"offset": -1}, "offset"),
    ({"offset": 995, "limit": 10}, "offset"),
    ({"offset": 10**30}, "offset"),
    ({"objects": []}, "objects"),
    ({"objects": [-1]}, "objects"),
    ({"objects": [0.5]}, "objects"),
    ({"objects": "a"}, "objects"),
    ({"objects": [[0]]}, "objects"),
    ({"objects": {"0": 1}}, "objects"),
    ({"box": [0, 0, 1]}, "box"),
    ({"box": [0, 0, 1, "1"]}, "box"),
    ({"box": [0, 0, 1, True]}, "box"),
    ({"box": [0, 0, 1, 10**400]}, "box"),
    ({"box": {}}, "box"),
    ({"min_score": []}, "min_score"),
    ({"price_max": {}}, "price_max"),
    ({"price_max": True}, "price_max"),
    ({"brand": [["Acme"]]}, "brand"),
    ({"brand": ["a\x00b"]}, "brand"),
    ({"brand": 7.5 * 10**300}, "image"),
    ({"verdict": ["none"]}, "verdict"),
    ({"category": 99}, "category"),
    ({"category": []}, "category"),
    ({"in_stock": "perhaps"}, "in_stock"),
    ({"image_id": "7"}, "image_id"),
    ({"image_id": 7}, "image_id"),
    ({"image_id": []}, "image_id"),
    ({"image_url": 3}, "image_url"),
    ({"image_url": "http://a.example/\x00.jpg"}, "image_url"),
    ({"product_id": "x" * 300}, "product_id"),
    ({"product_id": ["J"]}, "product_id"),
    ({"retailer": {"slug": "acme"}}, "retailer"),
    ({"fields": "title,prise"}, "fields"),
    ({"fields": 5}, "fields"),
    ({"facets": "some"}, "facets"),
    ({"colour": "navy"}, "colour"),
    ({"image": "aGVsbG8="}, "image"),
]


@pytest.mark.parametrize(("parameters", "field"), WRONG)
def test_a_wrong_value_in_a_json_body_is_refused_by_its_name(
    client: Client, parameters: dict[str, Any], field: str
) -> None:
    status, _, named = refused(client.post("/api/search", parameters, content_type="application/json"))
    assert (status, named) == (400, field)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"7",
        b'"image_id"',
        b"{",
        b'{"min_score": NaN}',
        b'{"min_score": 1e999}',
        b'{"price_max": -Infinity}',
        b'{"limit": 1, "limit": 2}',
        b'{"brand": "\\ud800"}',
        b'{"\\ud800": 1}',
        b"\xff\xfe{}",
        b"[" * 100_000,
        b'{"limit": ' + b"9" * 10_000 + b"}",
    ],
)
def test_a_body_that_is_no_message_is_refused(client: Client, body: bytes) -> None:
    answer = client.post("/api/search", body, content_type="application/json")
    assert refused(answer)[0] == 400


@pytest.mark.parametrize(
    ("address", "form"),
    [
        ("/api/search?limit=2&limit=3", {}),
        ("/api/search?limit=2", {"limit": "3"}),
        ("/api/search", {"limit": ["2", "3"]}),
    ],
)
def test_a_parameter_is_given_once(client: Client, address: str, form: dict[str, Any]) -> None:
    answer = client.post(address, {"image": SimpleUploadedFile("a.jpg", PHOTO), **form})
    assert refused(answer) == (400, "invalid_parameter", "limit")


def test_names_of_a_json_list_mean_themselves(client: Client, market: Market, eyes: Callable[..., Eyes]) -> None:
    for brand in ("Dolce, Gabbana", 'The "Best"', "Other"):
        market.sell(brand, alike(0.9), brand=brand)
    market.publish()
    eyes(seen(JACKET, QUERY))
    image_id = ask(client, image=PHOTO)["image_id"]
    reply = ask(client, image_id=image_id, brand=["Dolce, Gabbana", 'The "Best"'])
    assert sorted(names(reply["objects"][0])) == ["Dolce, Gabbana", 'The "Best"']


def test_facets_count_what_the_nearest_could_be_narrowed_to(
    client: Client, market: Market, eyes: Callable[..., Eyes]
) -> None:
    market.sell("A", alike(0.95), brand="Acme", gender="women", price=Decimal("59.50"))
    market.sell("A2", alike(0.94), brand="ACME ", gender="female", price=Decimal("120"), sale_price=Decimal("99.99"))
    market.sell("B", alike(0.93), brand="Bolt", gender="men", price=Decimal("5200"), currency="JPY", seen_color="red")
    market.sell("C", alike(0.1), brand="Far", gender="men")
    for size in ("S", "M"):
        market.sell(f"G{size}", alike(0.9), item_group_id="G", price=None)
    market.publish()
    market.calibrate(CURVE)
    eyes(seen(JACKET, QUERY))
    reply = ask(client, image=PHOTO, limit=1)
    assert reply["objects"][0]["facets"] is None
    facets = ask(client, image_id=reply["image_id"], limit=1, facets=True)["objects"][0]["facets"]
    assert (facets["n_counted"], facets["complete"]) == (4, True)
    assert facets["brand"] == [{"value": "ACME", "count": 2}, {"value": "Bolt", "count": 1}]
    assert facets["gender"] == [{"value": "female", "count": 2}, {"value": "male", "count": 1}]
    assert facets["color"] == [{"value": "navy", "count": 3}, {"value": "red", "count": 1}]
    assert facets["category"] == [{"value": "jacket", "count": 4}]
    assert facets["price"] == [
        {"currency": "JPY", "price_min": "5000", "price_max": "9999", "count": 1},
        {"currency": "USD", "price_min": "50.00", "price_max": "99.99", "count": 2},
    ]
    band = {name: facets["price"][1][name] for name in ("currency", "price_min", "price_max")}
    assert names(ask(client, image_id=reply["image_id"], **band)["objects"][0]) == ["A", "A2"]


def test_only_the_asked_members_of_products_are_shown(
    client: Client, market: Market, eyes: Callable[..., Eyes]
) -> None:
    stock(market)
    eyes(seen(JACKET, QUERY))
    reply = ask(client, image=PHOTO, fields="product_id,price", combine="true")
    assert set(reply["objects"][0]["results"][0]["product"]) == {"product_id", "price"}
    assert set(reply["looks"][0]["items"][0]["result"]["product"]) == {"product_id", "price"}


def test_a_key_of_a_retailer_searches_its_products_alone_and_counts_no_others(
    client: Client, market: Market, eyes: Callable[..., Eyes]
) -> None:
    eyes(seen(JACKET, QUERY))
    for retailer in ("one", "two"):
        market.sell(f"of {retailer}", alike(0.9), retailer=retailer)
    market.publish()
    one = key_of("one")
    reply = ask(client, image=PHOTO, headers=one)
    assert names(reply["objects"][0]) == ["of one"]
    assert names(ask(client, image_id=reply["image_id"], headers=one)["objects"][0]) == ["of one"]
    assert refused(post(client, image=PHOTO, retailer="two", headers=one)) == (404, "unknown_retailer", None)
    assert refused(post(client, image=PHOTO, retailer="nobody", headers=one)) == (404, "unknown_retailer", None)
    assert refused(post(client, product_id="of two", headers=one))[:2] == (404, "not_found")
    log = SearchLog.objects.get(search_id=reply["search_id"])
    assert (log.retailer.slug, str(log.image_id), log.has_match) == ("one", reply["image_id"], True)
    counts = {
        each["slug"]: each["catalog_garments"] for each in client.get("/api/categories/", headers=one).json()["results"]
    }
    assert counts["jacket"] == 1
    assert client.get("/api/categories/?retailer=two", headers=one).status_code == 404
    every = {each["slug"]: each["catalog_garments"] for each in client.get("/api/categories/").json()["results"]}
    assert every["jacket"] == 2
    assert QueryImage.objects.get(image_id=reply["image_id"]).retailer.slug == "one"
