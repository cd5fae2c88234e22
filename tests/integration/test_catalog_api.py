"""GET /api/products/, /api/products/{id}/ and /api/retailers/ as a client sees them."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from catalog.api.serializers import ProductSerializer
from catalog.models import Availability, ProductImage
from tests.factories import jpeg_bytes, make_image, make_product, make_retailer

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def media(tmp_path: Path, settings: Settings) -> Path:
    settings.MEDIA_ROOT = tmp_path / "media"
    return tmp_path / "media"


def get(client: Client, path: str, **query: Any) -> Any:
    response = client.get(path, query)
    assert response.status_code == 200, response.content
    return response.json()


def ids(body: Any) -> list[str]:
    return [product["product_id"] for product in body["results"]]


def refused(client: Client, path: str, status: int, code: str, **query: Any) -> Any:
    response = client.get(path, query)
    body = response.json()
    assert (response.status_code, response["Content-Type"]) == (status, "application/problem+json")
    assert (body["status"], body["code"]) == (status, code)
    return body


def test_a_product_is_shown_with_everything_a_result_needs(client: Client) -> None:
    product = make_product(
        external_id="MH01", title="Hoodie", brand="Luma", color="Black", sale_price=Decimal("39.5"), item_group_id="MH"
    )
    image = make_image(product)
    [shown] = get(client, "/api/products/")["results"]
    assert shown == {
        "id": product.pk,
        "product_id": "MH01",
        "retailer": "acme",
        "title": "Hoodie",
        "brand": "Luma",
        "color": "Black",
        "price": "52.00",
        "sale_price": "39.50",
        "currency": "USD",
        "availability": "in_stock",
        "in_stock": True,
        "item_group_id": "MH",
        "product_type": "",
        "gender": "",
        "link": product.link,
        "image_url": f"http://testserver/media/{image.file.name}",
        "url": "http://testserver/api/products/MH01?retailer=acme",
    }
    assert get(client, shown["url"])["product_id"] == "MH01"


@pytest.mark.parametrize(
    ("price", "currency", "shown"),
    [
        (Decimal(5200), "JPY", "5200"),
        (Decimal("1.255"), "KWD", "1.255"),
        (Decimal(10), "EUR", "10.00"),
        (None, "", None),
    ],
)
def test_prices_have_the_decimals_of_their_currency(
    client: Client, price: Decimal | None, currency: str, shown: str | None
) -> None:
    product = make_product(price=price, currency=currency)
    assert get(client, f"/api/products/{product.pk}/")["price"] == shown


def test_the_detail_adds_description_images_and_the_feeds_other_columns(client: Client) -> None:
    product = make_product(description="Warm.", material="Wool", size="S/M", extra={"gtin": "0123"})
    make_image(product, position=1, data=jpeg_bytes((1, 2, 3)))
    ProductImage.objects.create(product=product, position=0, source="lost.jpg", status="failed", error="no file")
    shown = get(client, f"/api/products/{product.pk}/")
    assert (shown["description"], shown["material"], shown["size"]) == ("Warm.", "Wool", "S/M")
    assert shown["extra"] == {"gtin": "0123"}
    assert [(image["status"], image["url"] is None, image["error"]) for image in shown["images"]] == [
        ("failed", True, "no file"),
        ("ok", False, ""),
    ]
    assert shown["image_url"] == shown["images"][1]["url"]


def test_an_image_address_is_null_where_no_image_is_stored(client: Client) -> None:
    product = make_product()
    assert get(client, f"/api/products/{product.pk}/")["image_url"] is None


@pytest.mark.parametrize("path", ["/api/products", "/api/products/{pk}", "/api/retailers"])
def test_every_route_works_with_and_without_its_last_slash(client: Client, path: str) -> None:
    path = path.format(pk=make_product().pk)
    assert get(client, path) == get(client, f"{path}/")


@pytest.mark.parametrize("blank", ["", " "])
def test_an_empty_parameter_counts_as_not_given(client: Client, blank: str) -> None:
    make_product()
    everything = get(client, "/api/products/")
    for name in ("limit", "q", "retailer", "in_stock"):
        assert get(client, "/api/products/", **{name: blank}) == everything, name


def test_pages_hold_every_product_once_in_a_stable_order(client: Client) -> None:
    made = [make_product().external_id for _ in range(45)]
    body = get(client, "/api/products/")
    assert (len(body["results"]), body["previous"]) == (20, None)
    seen = ids(body)
    while body["next"]:
        body = get(client, body["next"])
        seen += ids(body)
    assert seen == made
    assert len(get(client, "/api/products/", limit=100)["results"]) == 45


def test_a_list_costs_as_many_queries_for_forty_products_as_for_two(
    client: Client, django_assert_num_queries: Any
) -> None:
    for _ in range(40):
        make_image(make_product())
    for limit in (2, 40):
        with django_assert_num_queries(2):  # products with retailers, images
            get(client, "/api/products/", limit=limit)


def test_filters_narrow_the_list(client: Client) -> None:
    make_product(external_id="A-1", title="Linen Shirt", brand="Nord")
    make_product(external_id="A-2", title="Wool Coat", brand="Nord", availability=Availability.OUT_OF_STOCK)
    make_product(make_retailer("other"), external_id="B-1", title="Linen Dress", availability=Availability.PREORDER)
    assert ids(get(client, "/api/products/", retailer="other")) == ["B-1"]
    assert ids(get(client, "/api/products/", retailer="")) == ["A-1", "A-2", "B-1"]
    assert ids(get(client, "/api/products/", in_stock="true")) == ["A-1"]
    assert ids(get(client, "/api/products/", in_stock="false")) == ["A-2", "B-1"]
    assert ids(get(client, "/api/products/", q="linen")) == ["A-1", "B-1"]
    assert ids(get(client, "/api/products/", q="NORD coat")) == ["A-2"]
    assert ids(get(client, "/api/products/", q="a-1")) == ["A-1"]
    assert ids(get(client, "/api/products/", q="100%")) == []
    assert ids(get(client, "/api/products/", q="linen", in_stock="true", retailer="other")) == []


def test_withdrawn_products_are_not_shown(client: Client) -> None:
    gone = make_product(withdrawn_at=timezone.now())
    assert get(client, "/api/products/")["results"] == []
    assert get(client, "/api/retailers/")["results"] == [{"slug": "acme", "name": "Acme", "products": 0}]
    refused(client, f"/api/products/{gone.pk}/", 404, "not_found")


def test_a_product_is_found_by_its_retailers_own_id(client: Client) -> None:
    mine = make_product(external_id="7")
    other = make_product(make_retailer("other"), external_id="7")
    assert get(client, "/api/products/7/", retailer="acme")["id"] == mine.pk
    assert get(client, "/api/products/7/", retailer="other")["id"] == other.pk


@pytest.mark.parametrize("reference", ["999999", "9" * 30, "MH01", "²", "-1", "1.5", "%00"])
def test_an_unknown_product_is_a_404_with_its_reason(client: Client, reference: str) -> None:
    refused(client, f"/api/products/{reference}/", 404, "not_found")
    make_retailer()
    refused(client, f"/api/products/{reference}/", 404, "not_found", retailer="acme")


@pytest.mark.parametrize("path", ["/api/products/", "/api/products/1/"])
def test_an_unknown_retailer_is_named(client: Client, path: str) -> None:
    body = refused(client, path, 404, "unknown_retailer", retailer="nobody")
    assert body["detail"] == 'There is no retailer "nobody".'


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("limit", "0"),
        ("limit", "101"),
        ("limit", "many"),
        ("page", "1"),
        ("currency", "ZZZ"),
        ("category", "spaceship"),
        ("availability", "maybe"),
        ("updated_since", "yesterday"),
        ("fields", "title,titel"),
        ("in_stock", "perhaps"),
        ("q", "x" * 201),
        ("q", "a\0b"),
        ("retailer", "no slug!"),
    ],
)
def test_an_improper_parameter_is_named_with_its_reason(client: Client, field: str, value: str) -> None:
    code = "unknown_category" if field == "category" else "invalid_parameter"
    body = refused(client, "/api/products/", 400, code, **{field: value})
    assert [error["field"] for error in body["errors"]] == [field]


def test_without_a_request_addresses_are_relative() -> None:
    product = make_product()
    assert ProductSerializer(product).data["url"] == f"/api/products/{product.external_id}?retailer=acme"


@pytest.mark.parametrize("page", ["retailer", "product", "productimage", "product/{pk}/change"])
def test_the_admin_shows_the_catalog(client: Client, page: str) -> None:
    client.force_login(User.objects.create_superuser("root"))
    product = make_product()
    image = make_image(product)
    response = client.get(f"/admin/catalog/{page.format(pk=product.pk)}/")
    assert response.status_code == 200
    if page != "retailer":
        assert image.file.url in response.content.decode()
