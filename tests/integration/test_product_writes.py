"""PUT, PATCH and DELETE /api/products/{id}, POST /api/products/bulk, and what follows them."""

from __future__ import annotations

import io
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.test import Client
from pytest_django import Settings

from catalog.models import AuditEntry, Product, ProductImage, Retailer
from tests.access_cases import bearing, operator, secret_of
from tests.factories import jpeg_bytes, make_image, make_product, make_retailer

pytestmark = pytest.mark.django_db

JACKET = {
    "title": "Orion Jacket",
    "link": "https://shop.example/orion",
    "price": "72.00 USD",
    "availability": "in_stock",
    "brand": "Luma",
}
COAT = JACKET | {"title": "Coat"}


@pytest.fixture(autouse=True)
def media(tmp_path: Path, settings: Settings) -> Path:
    settings.MEDIA_ROOT = tmp_path / "media"
    return tmp_path / "media"


@pytest.fixture
def acme() -> Retailer:
    return make_retailer()


@pytest.fixture
def shop(acme: Retailer) -> Client:
    """Acme's own client."""
    return bearing(secret_of(acme))


def put(client: Client, path: str, body: Any, **headers: str) -> Any:
    return client.put(path, body, content_type="application/json", headers=headers)


def patch(client: Client, path: str, body: Any, **headers: str) -> Any:
    return client.patch(path, body, content_type="application/json", headers=headers)


def post(client: Client, path: str, body: Any) -> Any:
    return client.post(path, body, content_type="application/json")


def fields_of(answer: Any, status: int = 400, code: str = "invalid_parameter") -> list[str]:
    body = answer.json()
    assert (answer.status_code, body["code"]) == (status, code), body
    return [error["field"] for error in body["errors"]]


def test_a_product_is_made_by_the_retailers_own_id_and_found_at_its_address(shop: Client) -> None:
    made = put(shop, "/api/products/MJ07-S", JACKET)
    assert made.status_code == 201, made.content
    assert made["Location"] == "http://testserver/api/products/MJ07-S?retailer=acme"
    shown = shop.get(made["Location"]).json()
    assert (shown["product_id"], shown["price"], shown["currency"]) == ("MJ07-S", "72.00", "USD")
    assert shop.get("/api/products/MJ07-S/").json() == shown
    [entry] = AuditEntry.objects.all()
    assert (entry.action, entry.target) == ("product.create", "MJ07-S")


@pytest.mark.parametrize("product_id", ["a/b", "a b", "Größe-ß", "100%", "a?b#c", "7", "x/images", "bulk2"])
def test_ids_may_hold_anything(shop: Client, product_id: str) -> None:
    make_product(external_id="other")
    product = make_product(external_id=product_id)
    [_, shown] = shop.get("/api/products").json()["results"]
    path = shown["url"].removeprefix("http://testserver")
    if product_id == "x/images":
        return  # the address of the images of x: to be had from the list alone
    assert shop.get(path).json()["id"] == product.pk
    assert patch(shop, path, {"brand": "Nord"}).status_code == 200
    assert shop.delete(path).status_code == 204


def test_what_is_put_replaces_all_but_the_images(shop: Client) -> None:
    product = make_product(external_id="A", description="old", brand="old", extra={"gtin": "1"}, material="wool")
    make_image(product)
    answer = put(shop, "/api/products/A", COAT | {"extra": {"mpn": "9"}})
    assert answer.status_code == 200
    product.refresh_from_db()
    assert (product.title, product.description, product.material) == ("Coat", "", "")
    assert product.extra == {"mpn": "9"}
    assert product.images.count() == 1


def test_what_is_patched_changes_and_the_rest_stays(shop: Client) -> None:
    product = make_product(external_id="A", description="old", brand="old", sale_price=Decimal("40"))
    answer = patch(shop, "/api/products/A", {"price": "49.90", "sale_price": None, "brand": ""})
    assert answer.status_code == 200, answer.content
    product.refresh_from_db()
    assert (product.price, product.sale_price, product.currency) == (Decimal("49.9"), None, "USD")
    assert (product.brand, product.description) == ("", "old")


def test_what_was_edited_by_hand_is_patched_back(shop: Client) -> None:
    put(shop, "/api/products/A", JACKET)
    Product.objects.update(price=Decimal("5"))
    assert patch(shop, "/api/products/A", {"price": "72.00"}).json()["price"] == "72.00"
    assert Product.objects.get().price == Decimal("72")


def test_a_written_answer_reads_back_as_a_request(shop: Client) -> None:
    make_product(external_id="A", sale_price=Decimal("40"), color="Red")
    shown = shop.get("/api/products/A").json()
    names = ("title", "link", "price", "sale_price", "currency", "availability", "color", "extra")
    before = Product.objects.get()
    assert put(shop, "/api/products/A", {name: shown[name] for name in names}).status_code == 200
    after = Product.objects.get()
    assert (after.price, after.sale_price, after.currency) == (before.price, before.sale_price, before.currency)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "title"),
        (JACKET | {"price": "cheap"}, "price"),
        (JACKET | {"price": "72.00"}, "price"),
        (JACKET | {"price": "-1 USD"}, "price"),
        (JACKET | {"price": True}, "price"),
        (JACKET | {"sale_price": "1 EUR"}, "sale_price"),
        (JACKET | {"availability": "perhaps"}, "availability"),
        (JACKET | {"link": "javascript:alert(1)"}, "link"),
        (JACKET | {"title": "x" * 501}, "title"),
        (JACKET | {"title": "a\0b"}, "title"),
        (JACKET | {"title": ["x"]}, "title"),
        (JACKET | {"titel": "x"}, "titel"),
        (JACKET | {"extra": {"a": {"b": 1}}}, "extra.a"),
        (JACKET | {"extra": {"a\0": "b"}}, "extra"),
        (JACKET | {"image_links": ["shirt.jpg"]}, "image_links.0"),
        (JACKET | {"image_links": ["https://a.example/1.jpg", "http://user:pw@a.example/"]}, "image_links.1"),
        (JACKET | {"image_links": "https://a.example/1.jpg"}, "image_links"),
        (JACKET | {"image_links": [f"https://a.example/{n}.jpg" for n in range(12)]}, "image_links"),
    ],
)
def test_what_a_feed_may_not_hold_is_refused_by_name(shop: Client, body: Any, field: str) -> None:
    assert field in fields_of(put(shop, "/api/products/A", body))
    assert not Product.objects.exists()


def test_new_image_links_are_told_to_be_pending(shop: Client) -> None:
    links = ["https://cdn.example/1.jpg", "https://cdn.example/2.jpg"]
    shown = put(shop, "/api/products/A", JACKET | {"image_links": links}).json()
    assert [(image["status"], image["source"]) for image in shown["images"]] == [("pending", link) for link in links]
    again = put(shop, "/api/products/A", JACKET | {"image_links": links[1:]}).json()
    assert [image["source"] for image in again["images"]] == links[1:]


def test_a_stale_write_is_refused_and_a_fresh_one_is_not(shop: Client) -> None:
    product = make_product(external_id="A")
    tag = shop.get("/api/products/A")["ETag"]
    assert shop.get("/api/products/A", headers={"if-none-match": tag}).status_code == 304
    changed = patch(shop, "/api/products/A", {"brand": "Nord"}, if_match=tag)
    assert changed.status_code == 200
    assert shop.get("/api/products/A", headers={"if-none-match": tag})["ETag"] == changed["ETag"]
    for refused in (
        put(shop, "/api/products/A", JACKET, if_match=tag),
        patch(shop, "/api/products/A", {"brand": "Sud"}, if_match=tag),
        shop.delete("/api/products/A", headers={"if-match": tag}),
        put(shop, "/api/products/A", JACKET, if_none_match="*"),
        put(shop, "/api/products/B", JACKET, if_match="*"),
    ):
        assert (refused.status_code, refused.json()["code"]) == (412, "precondition_failed")
    product.refresh_from_db()
    assert product.brand == "Nord"
    assert shop.delete("/api/products/A", headers={"if-match": changed["ETag"]}).status_code == 204


def test_an_image_that_arrives_changes_the_products_tag(shop: Client) -> None:
    product = make_product(external_id="A")
    tag = shop.get("/api/products/A")["ETag"]
    make_image(product)
    assert shop.get("/api/products/A", headers={"if-none-match": tag}).status_code == 200


def test_a_deleted_product_takes_the_files_along_that_nobody_else_uses(
    shop: Client, django_capture_on_commit_callbacks: Callable[..., Any]
) -> None:
    product, other = make_product(external_id="A"), make_product(make_retailer("other"))
    own, shared = make_image(product, jpeg_bytes((1, 2, 3))), make_image(product, position=1)
    make_image(other)
    with django_capture_on_commit_callbacks(execute=True):
        assert shop.delete("/api/products/A").status_code == 204
    assert not default_storage.exists(str(own.file))
    assert default_storage.exists(str(shared.file))
    assert shop.delete("/api/products/A").status_code == 404


def test_an_operator_names_the_retailer_of_a_new_product(acme: Retailer) -> None:
    by_operator = bearing(operator())
    assert fields_of(put(by_operator, "/api/products/A", JACKET), code="retailer_required") == ["retailer"]
    assert put(by_operator, "/api/products/A?retailer=acme", JACKET).status_code == 201
    product = Product.objects.get()
    assert by_operator.delete(f"/api/products/{product.pk}").status_code == 204


def test_each_item_of_a_bulk_request_succeeds_or_fails_by_itself(shop: Client) -> None:
    make_product(external_id="old", title="Old")
    make_product(external_id="gone")
    make_product(make_retailer("other"), external_id="theirs")
    items = [
        {"product_id": "new", "product": JACKET},
        {"product_id": "old", "action": "update", "product": {"availability": "out_of_stock"}},
        {"product_id": "gone", "action": "delete"},
        {"product_id": "bad", "product": JACKET | {"price": "free"}},
        {"product_id": "theirs", "action": "delete"},
        {"product_id": "new", "product": COAT},
        {"product_id": "", "product": JACKET},
        {"product_id": "odd", "product": [1]},
        {"product_id": "odd", "action": "explode"},
        {"product_id": 7, "product": JACKET, "colour": "red"},
        {"product_id": "late", "product": COAT},
    ]
    body = post(shop, "/api/products/bulk", {"items": items}).json()
    assert [result["status"] for result in body["results"]] == [201, 200, 204, 400, 404, 400, 400, 400, 400, 400, 201]
    assert [result["index"] for result in body["results"]] == list(range(len(items)))
    assert (body["succeeded"], body["failed"]) == (4, 7)
    assert body["results"][3]["errors"][0]["field"] == "price"
    kept = dict(Product.objects.filter(retailer__slug="acme").values_list("external_id", "availability"))
    assert kept == {"new": "in_stock", "old": "out_of_stock", "late": "in_stock"}
    assert Product.objects.get(external_id="old").title == "Old"
    assert Product.objects.filter(external_id="theirs").exists()


@pytest.mark.parametrize("body", [{}, {"items": []}, {"items": 7}, {"items": [7]}, [1], {"items": [{}] * 1001}])
def test_a_bulk_request_of_another_form_is_refused_as_a_whole(shop: Client, body: Any) -> None:
    assert post(shop, "/api/products/bulk", body).status_code == 400


def test_a_thousand_products_cost_few_queries(shop: Client, django_assert_max_num_queries: Any) -> None:
    items = [{"product_id": f"P{n}", "product": JACKET} for n in range(1000)]
    with django_assert_max_num_queries(100):  # ten transactions, each of a few statements
        assert post(shop, "/api/products/bulk", {"items": items}).json()["succeeded"] == 1000
    assert Product.objects.count() == 1000


def test_images_are_added_moved_and_deleted(shop: Client) -> None:
    product = make_product(external_id="A")
    make_image(product)
    upload = {"image": open_photo((9, 9, 9)), "position": "0"}
    made = shop.post("/api/products/A/images", upload)
    assert made.status_code == 201, made.content
    assert (made.json()["position"], made.json()["status"]) == (0, "ok")
    assert shop.get(made["Location"]).json() == made.json()
    linked = post(shop, "/api/products/A/images", {"url": "https://cdn.example/x.jpg"}).json()
    assert (linked["position"], linked["status"]) == (2, "pending")
    images = shop.get("/api/products/A/images").json()["results"]
    assert [image["position"] for image in images] == [0, 1, 2]
    path = f"/api/products/A/images/{linked['id']}"
    assert patch(shop, path, {"position": 0}).json()["position"] == 0
    assert shop.delete(f"/api/products/A/images/{made.json()['id']}").status_code == 204
    left = list(ProductImage.objects.order_by("position").values_list("pk", "position"))
    assert left == [(linked["id"], 0), (images[1]["id"], 1)]
    assert shop.delete(path.replace(str(linked["id"]), "999999")).status_code == 404


def open_photo(rgb: tuple[int, int, int]) -> Any:
    file = io.BytesIO(jpeg_bytes(rgb))
    file.name = "../../etc/passwd.txt"
    return file
