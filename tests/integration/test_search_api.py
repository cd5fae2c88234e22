"""Photo search and similar products over HTTP, with the shipped model; and what clients get wrong."""

from __future__ import annotations

import contextlib
import io
import shutil
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import OperationalError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from PIL import Image
from pytest_django import Settings

from catalog.models import Product
from search.indexing import register_space, sync_index
from search.models import Garment, SearchedGarment, SearchLog
from tests.factories import jpeg_bytes, make_product
from tests.search_shop import N_PRODUCTS, SIZE_PX, open_shop, packshot

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _own_folders(settings: Settings, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.VECTOR_INDEX_URL = f"faiss://{tmp_path / 'index'}"


def upload(data: bytes, name: str = "photo.jpg") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, data, content_type="image/jpeg")


def search(client: Client, data: bytes, **parameters: Any) -> dict[str, Any]:
    answer = client.post("/api/search", {"image": upload(data), **parameters})
    assert answer.status_code == 200, answer.content
    reply: dict[str, Any] = answer.json()
    return reply


def product_ids(found: dict[str, Any]) -> list[str]:
    return [result["product"]["product_id"] for result in found["results"]]


def problem(answer: Any) -> tuple[int, str]:
    assert answer["Content-Type"].startswith("application/problem+json"), answer.content
    return answer.status_code, answer.json()["code"]


@pytest.mark.parametrize("number", range(N_PRODUCTS))
def test_a_products_own_photo_finds_it_first(client: Client, number: int) -> None:
    open_shop()
    reply = search(client, packshot(number))
    firsts = [found["results"][0] for found in reply["objects"]]
    assert f"T{number}" in [first["product"]["product_id"] for first in firsts]
    assert max(first["similarity"] for first in firsts) > 0.999
    assert "exact" in [found["verdict"] for found in reply["objects"]]


def test_the_reply_says_what_answered_and_where_each_thing_is(client: Client) -> None:
    space = open_shop()
    reply = search(client, packshot(0))
    assert reply["space"] == space.name
    assert reply["index_version"] == f"{space.name}#1"
    assert reply["image"] == {"width": SIZE_PX[0], "height": SIZE_PX[1]}
    assert set(reply["timings_ms"]) == {"decode", "segment", "embed", "search", "rank", "total"}
    for found in reply["objects"]:
        box, relative = found["box"], found["box_relative"]
        assert relative["x_max"] == pytest.approx(box["x_max"] / SIZE_PX[0])
        assert relative["y_min"] == pytest.approx(box["y_min"] / SIZE_PX[1])
        assert (found["category"] is None) == (found["kind"] != "garment")
        assert [result["rank"] for result in found["results"]] == list(range(1, len(found["results"]) + 1))
        scores = [result["score"] for result in found["results"]]
        assert scores == sorted(scores, reverse=True)
        assert len(set(product_ids(found))) == len(found["results"])


def test_images_of_the_reply_have_absolute_addresses_that_answer(client: Client) -> None:
    open_shop()
    result = search(client, packshot(1))["objects"][0]["results"][0]
    for address in (result["matched_image_url"], result["product"]["image_url"]):
        assert address.startswith("http://testserver/media/catalog/")
        with contextlib.closing(client.get(address)) as answer:
            assert answer.status_code == 200


def test_a_photo_without_garments_is_searched_as_a_whole(client: Client) -> None:
    open_shop()
    reply = search(client, jpeg_bytes((120, 130, 140), (300, 200)), verdict="none")
    (found,) = reply["objects"]
    assert (found["kind"], found["category"], found["mask"], found["polygons"]) == ("whole_image", None, None, [])
    assert found["box_relative"] == {"x_min": 0, "y_min": 0, "x_max": 1, "y_max": 1}
    assert len(found["results"]) == N_PRODUCTS


def test_the_same_route_answers_with_its_last_slash_and_with_parameters_in_the_address(client: Client) -> None:
    open_shop()
    answer = client.post("/api/search/?limit=2", {"image": upload(packshot(0))})
    assert all(len(found["results"]) == 2 for found in answer.json()["objects"])


def test_the_limit_and_the_least_score_are_kept(client: Client) -> None:
    open_shop()
    best = max(found["results"][0]["score"] for found in search(client, packshot(0))["objects"] if found["results"])
    reply = search(client, packshot(0), limit=1, min_score=best)
    assert [product_ids(found) for found in reply["objects"] if found["results"]] in ([["T0"]], [["T0"], ["T0"]])
    nothing = search(client, packshot(0), min_score=min(1.0, best + 0.001))
    assert [found["results"] for found in nothing["objects"]] == [[]] * len(nothing["objects"])


def test_a_region_answers_for_itself_in_pixels_and_in_fractions(client: Client) -> None:
    open_shop()
    in_pixels = search(client, packshot(0), box="60,60,180,160")
    in_fractions = search(client, packshot(0), box="0.25,0.1875,0.75,0.5")
    for reply in (in_pixels, in_fractions):
        (found,) = reply["objects"]
        assert found["kind"] in {"region", "garment"}
    assert in_pixels["objects"][0]["box"] == in_fractions["objects"][0]["box"]


def test_a_category_restricts_what_is_searched(client: Client) -> None:
    open_shop()
    Garment.objects.update(category_id=23)
    sync_index(register_space(), fresh=True)
    for name in ("shoe", "Shoe", "23"):
        (found,) = search(client, packshot(0), category=name)["objects"]
        assert len(found["results"]) == N_PRODUCTS
    assert all(found["results"] == [] for found in search(client, packshot(0), category="umbrella")["objects"])


def test_prices_and_stock_are_those_of_now_and_withdrawn_products_vanish(client: Client) -> None:
    open_shop()
    Product.objects.filter(external_id="T0").update(price="9.50", availability="out_of_stock")
    Product.objects.filter(external_id="T1").update(withdrawn_at="2026-11-01T00:00:00Z")
    reply = search(client, packshot(0))
    products = {result["product"]["product_id"]: result["product"] for result in reply["objects"][0]["results"]}
    assert "T1" not in products
    assert (products["T0"]["price"], products["T0"]["in_stock"]) == ("9.50", False)


def test_a_retailers_shoppers_see_its_products_alone(client: Client) -> None:
    open_shop("one")
    open_shop("two")
    for found in search(client, packshot(0), retailer="two")["objects"]:
        assert {result["product"]["retailer"] for result in found["results"]} == {"two"}


def test_a_turned_photo_is_described_as_displayed(client: Client) -> None:
    open_shop()
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = io.BytesIO()
    Image.open(io.BytesIO(packshot(0))).rotate(90, expand=True).save(turned, "JPEG", exif=exif, quality=95)
    assert search(client, turned.getvalue())["image"] == {"width": SIZE_PX[0], "height": SIZE_PX[1]}


def test_a_search_is_logged_without_its_photo(client: Client) -> None:
    open_shop()
    reply = search(client, packshot(0), retailer="acme")
    log = SearchLog.objects.get(search_id=reply["search_id"])
    assert log.retailer is not None
    assert log.retailer.slug == "acme"
    garments = [found for found in reply["objects"] if found["kind"] == "garment"]
    assert SearchedGarment.objects.filter(search=log).count() == len(garments) == len(reply["objects"]) - 1


def test_a_search_costs_the_same_queries_whatever_the_limit(client: Client) -> None:
    open_shop()
    search(client, packshot(0))
    counts = []
    for limit in (1, 5):
        with CaptureQueriesContext(connection) as captured:
            search(client, packshot(0), limit=limit)
        counts.append(len(captured))
    assert counts[0] == counts[1] <= 11


def test_similar_products_are_distinct_others_of_the_same_retailer(client: Client) -> None:
    open_shop("one")
    open_shop("two")
    product = Product.objects.get(retailer__slug="one", external_id="T0")
    for address in (f"/api/products/{product.pk}/similar/", "/api/products/T0/similar?retailer=one"):
        reply = client.get(address).json()
        assert reply["product"]["id"] == product.pk
        assert sorted(product_ids(reply)) == ["T1", "T2", "T3", "T4"]
        assert {result["product"]["retailer"] for result in reply["results"]} == {"one"}


def test_similar_products_can_be_those_in_stock_alone(client: Client) -> None:
    open_shop()
    Product.objects.filter(external_id__in=["T1", "T2"]).update(availability="out_of_stock")
    product = Product.objects.get(external_id="T0")
    reply = client.get(f"/api/products/{product.pk}/similar/?in_stock=true&limit=9").json()
    assert sorted(product_ids(reply)) == ["T3", "T4"]


def test_a_product_that_was_not_described_yet_has_no_similar_ones(client: Client) -> None:
    open_shop()
    product = make_product(title="New Tee")
    assert client.get(f"/api/products/{product.pk}/similar/").json()["results"] == []


def test_similar_products_of_nothing_are_not_found(client: Client) -> None:
    assert problem(client.get("/api/products/999999/similar/")) == (404, "not_found")


def test_a_search_without_a_photo_is_told_so(client: Client) -> None:
    assert problem(client.post("/api/search", {"limit": 3})) == (400, "image_missing")


def test_an_empty_file_is_told_apart_from_a_missing_one(client: Client) -> None:
    assert problem(client.post("/api/search", {"image": upload(b"")})) == (400, "empty_file")


def test_two_photos_are_refused(client: Client) -> None:
    answer = client.post("/api/search", {"image": [upload(packshot(0)), upload(packshot(1))]})
    assert problem(answer) == (400, "invalid_parameter")


def test_a_photo_beyond_the_limit_is_refused_by_its_size(client: Client, settings: Settings) -> None:
    settings.SELVEDGE_MAX_UPLOAD_BYTES = 1000
    assert problem(client.post("/api/search", {"image": upload(packshot(0))})) == (413, "file_too_large")


def gif_bytes() -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (40, 40)).save(buffer, "GIF")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"%PDF-1.7 this is no photo", "not_an_image"),
        (gif_bytes(), "unsupported_format"),
        (packshot(0)[:900], "truncated"),
        (jpeg_bytes(size=(4, 4)), "too_small"),
    ],
)
def test_a_file_that_is_no_usable_photo_is_refused_whatever_its_name_says(
    client: Client, data: bytes, code: str
) -> None:
    open_shop()
    assert problem(client.post("/api/search", {"image": upload(data)})) == (400, code)


def test_a_decompression_bomb_is_refused_before_it_is_decoded(client: Client) -> None:
    open_shop()
    bomb = io.BytesIO()
    Image.new("L", (9000, 9000)).save(bomb, "PNG")
    assert problem(client.post("/api/search", {"image": upload(bomb.getvalue())})) == (413, "too_many_pixels")


@pytest.mark.parametrize(
    ("parameters", "field"),
    [
        ({"limit": "0"}, "limit"),
        ({"limit": "101"}, "limit"),
        ({"limit": "many"}, "limit"),
        ({"min_score": "1.5"}, "min_score"),
        ({"min_score": "nan"}, "min_score"),
        ({"box": "1,2,3"}, "box"),
        ({"box": "a,b,c,d"}, "box"),
        ({"box": "0,0,inf,1"}, "box"),
        ({"retailer": "no such shop!"}, "retailer"),
    ],
)
def test_a_wrong_parameter_is_refused_with_its_name(client: Client, parameters: dict[str, str], field: str) -> None:
    answer = client.post("/api/search", {"image": upload(packshot(0)), **parameters})
    assert problem(answer) == (400, "invalid_parameter")
    assert answer.json()["errors"][0]["field"] == field


def test_a_box_outside_of_the_photo_is_refused(client: Client) -> None:
    open_shop()
    answer = client.post("/api/search", {"image": upload(packshot(0)), "box": "900,900,950,950"})
    assert problem(answer) == (400, "invalid_parameter")


def test_an_unknown_category_or_retailer_is_named(client: Client) -> None:
    answer = client.post("/api/search", {"image": upload(packshot(0)), "category": "spaceship"})
    assert problem(answer) == (400, "unknown_category")
    answer = client.post("/api/search", {"image": upload(packshot(0)), "retailer": "nobody"})
    assert problem(answer) == (404, "unknown_retailer")


def test_a_missing_and_an_empty_index_have_their_own_answers(client: Client) -> None:
    answer = client.post("/api/search", {"image": upload(packshot(0))})
    assert problem(answer) == (503, "index_missing")
    assert "index_catalog" in answer.json()["detail"]
    sync_index(register_space())
    assert problem(client.post("/api/search", {"image": upload(packshot(0))})) == (503, "index_empty")


def test_a_damaged_index_is_told_and_the_log_says_what_is_wrong(
    client: Client, settings: Settings, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    open_shop()
    # A copy: the first may be open in this process, and files are checked when they are opened.
    shutil.copytree(tmp_path / "index", tmp_path / "copy")
    settings.VECTOR_INDEX_URL = f"faiss://{tmp_path / 'copy'}"
    for file in (tmp_path / "copy").rglob("vectors.npy"):
        file.write_bytes(file.read_bytes()[:-4])
    answer = client.post("/api/search", {"image": upload(packshot(0))})
    assert problem(answer) == (503, "index_damaged")
    assert str(tmp_path) not in answer.content.decode()
    assert "vectors.npy was cut short" in caplog.text


def test_a_missing_model_is_told_without_naming_folders(
    client: Client, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("SELVEDGE_SEGMENTER", str(tmp_path / "nothing.safetensors"))
    answer = client.post("/api/search", {"image": upload(packshot(0))})
    assert problem(answer) == (503, "model_missing")
    assert str(tmp_path) not in answer.content.decode()
    assert "nothing.safetensors" in caplog.text


def test_other_methods_and_other_bodies_are_refused(client: Client) -> None:
    assert problem(client.get("/api/search")) == (405, "method_not_allowed")
    assert client.post("/api/search", b"{}", content_type="text/plain").status_code == 415


def test_the_schema_describes_the_search(client: Client) -> None:
    schema = client.get("/api/schema/", headers={"accept": "application/json"}).json()
    operation = schema["paths"]["/api/search/"]["post"]
    assert "image" in str(schema["components"]["schemas"]["SearchFormRequest"]["properties"])
    assert operation["operationId"] == "search_by_photo"
    assert {"400", "404", "413", "415", "503"} <= set(operation["responses"])
    for path in schema["paths"].values():
        for status, response in ((s, r) for each in path.values() for s, r in each["responses"].items()):
            assert (set(response.get("content", {})) == {"application/problem+json"}) == (status >= "400")
    assert {"/api/trends/", "/api/categories/", "/api/products/{product_id}/similar/"} <= set(schema["paths"])


def test_a_bad_photo_is_told_even_where_there_is_no_index(client: Client) -> None:
    assert problem(client.post("/api/search", {"image": upload(b"no photo")})) == (400, "not_an_image")


def test_a_search_that_cannot_be_counted_is_answered_all_the_same(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_shop()

    def full_disk(*_: object, **__: object) -> None:
        raise OperationalError("database or disk is full")

    monkeypatch.setattr(SearchLog.objects, "create", full_disk)
    assert search(client, packshot(0))["objects"]
    assert not SearchedGarment.objects.exists()
