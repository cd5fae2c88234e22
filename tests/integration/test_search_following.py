"""Whoever changes the catalog, a feed or a person at the admin's pages, the index follows at once."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import Settings

from catalog.models import Product, ProductImage
from catalog.services import import_feed
from search.filters import Filters
from search.index.registry import open_reader
from search.indexing import sync_index
from search.models import Garment, ImageDescription, Space
from search.tasks import products_changing
from tests.factories import feed_row, jpeg_bytes, make_image, make_product, write_feed
from tests.search_factories import JACKET, make_space, photo, seen, store, unit_vector

# Not wrapped in a transaction of the test's: what is done on commit must be done.
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _own_folders(settings: Settings, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.VECTOR_INDEX_URL = f"faiss://{tmp_path / 'index'}"


@pytest.fixture
def images() -> list[ProductImage]:
    """Two products in stock for 52 dollars, indexed."""
    space, images = make_space(), [make_image(make_product()) for _ in range(2)]
    store(space, images, [photo(seen(JACKET)) for _ in images])
    sync_index(space)
    return images


@pytest.fixture
def staff(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("staff"))
    return client


def found(settings: Settings, filters: Filters = Filters()) -> set[int]:  # noqa: B008 - a value, not a list
    """The products that the index alone, without the records, would let pass."""
    space = Space.objects.get()
    index = open_reader(settings.VECTOR_INDEX_URL, space.name, space.dim)
    ids = index.search(unit_vector(1)[None], 50, filters.where()).ids
    known = dict(Garment.objects.values_list("pk", "product_id"))
    return {known.get(garment_id, -1) for garment_id in ids[ids >= 0].tolist()}


def admin_values(product: Product) -> dict[str, object]:
    shown = ("retailer_id", "external_id", "title", "currency", "availability", "price")
    values = {name.removesuffix("_id") if name == "retailer_id" else name: getattr(product, name) for name in shown}
    inline = {"TOTAL_FORMS": 1, "INITIAL_FORMS": 1, "MIN_NUM_FORMS": 0, "MAX_NUM_FORMS": 1000}
    image = product.images.get()
    forms = {f"images-{name}": value for name, value in inline.items()}
    return {**values, "extra": "{}", **forms, "images-0-id": image.pk, "images-0-product": product.pk}


def test_a_price_edited_by_hand_reaches_the_index(
    staff: Client, images: list[ProductImage], settings: Settings
) -> None:
    changed, other = (image.product for image in images)
    assert found(settings, Filters(price_max=Decimal(51))) == set()
    values = admin_values(changed) | {"price": "49.90"}
    reply = staff.post(f"/admin/catalog/product/{changed.pk}/change/", values)
    assert reply.status_code == 302, reply.context_data["errors"]
    assert found(settings, Filters(price_max=Decimal(51))) == {changed.pk}
    assert found(settings) == {changed.pk, other.pk}


def test_an_image_edited_by_hand_stays_with_its_product(staff: Client, images: list[ProductImage]) -> None:
    image, other = images
    shown = ("position", "source", "sha256", "source_size", "source_mtime_ns", "status")
    values = {name: getattr(image, name) for name in shown} | {"product": other.product_id, "source": "new.jpg"}
    reply = staff.post(f"/admin/catalog/productimage/{image.pk}/change/", values)
    assert reply.status_code == 302, reply.context_data["errors"]
    edited = ProductImage.objects.get(pk=image.pk)
    assert (edited.source, edited.product_id) == ("new.jpg", image.product_id)


@pytest.mark.parametrize("what", ["product", "ticked products", "image", "description", "retailer"])
def test_what_is_deleted_by_hand_leaves_the_index(
    what: str, staff: Client, images: list[ProductImage], settings: Settings
) -> None:
    gone, kept = images
    sure = {"post": "yes"}
    description = ImageDescription.objects.get(image=gone)
    pages = {
        "product": (f"/admin/catalog/product/{gone.product_id}/delete/", sure),
        "image": (f"/admin/catalog/productimage/{gone.pk}/delete/", sure),
        "description": (f"/admin/search/imagedescription/{description.pk}/delete/", sure),
        "retailer": (f"/admin/catalog/retailer/{gone.product.retailer_id}/delete/", sure),
        "ticked products": (
            "/admin/catalog/product/",
            sure | {"action": "delete_selected", "_selected_action": [gone.product_id]},
        ),
    }
    page, values = pages[what]
    assert staff.post(page, values).status_code == 302
    assert found(settings) == (set() if what == "retailer" else {kept.product_id})


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A folder with two pictures, and a feed of one product with both, described and indexed."""
    folder = tmp_path / "shop"
    (folder / "images").mkdir(parents=True)
    for name, color in (("front", (250, 0, 0)), ("back", (0, 250, 0))):
        (folder / "images" / f"{name}.jpg").write_bytes(jpeg_bytes(color))
    import_feed("acme", write_feed(folder / "feed.csv", [row()]))
    space, images = make_space(), list(ProductImage.objects.order_by("position"))
    store(space, images, [photo(seen(JACKET)) for _ in images])
    sync_index(space)
    return folder


def row(**cells: str) -> dict[str, str]:
    return feed_row(image_link="images/front.jpg", additional_image_link="images/back.jpg") | cells


def imported(shop: Path, **cells: str) -> None:
    import_feed("acme", write_feed(shop / "feed.csv", [row(**cells)]), changing=products_changing)


def test_a_feed_that_reprices_and_sells_out_reaches_the_index(shop: Path, settings: Settings) -> None:
    key = Product.objects.get().pk
    imported(shop, sale_price="9.00 USD")
    assert found(settings, Filters(price_max=Decimal(9))) == {key}
    imported(shop, availability="out_of_stock")
    assert found(settings, Filters(in_stock=True)) == set()
    assert found(settings, Filters(in_stock=False)) == {key}


def test_an_image_that_leaves_the_feed_leaves_the_index(shop: Path, settings: Settings) -> None:
    space = Space.objects.get()
    assert len(open_reader(settings.VECTOR_INDEX_URL, space.name, space.dim)) == 2
    imported(shop, additional_image_link="")
    assert len(open_reader(settings.VECTOR_INDEX_URL, space.name, space.dim)) == 1


def test_a_picture_that_was_replaced_leaves_the_index_until_it_is_described(shop: Path, settings: Settings) -> None:
    space = Space.objects.get()
    (shop / "images" / "front.jpg").write_bytes(jpeg_bytes((0, 0, 250)))
    imported(shop)
    assert len(open_reader(settings.VECTOR_INDEX_URL, space.name, space.dim)) == 1


def test_a_feed_that_changes_nothing_touches_no_index(shop: Path, settings: Settings) -> None:
    space = Space.objects.get()
    before = open_reader(settings.VECTOR_INDEX_URL, space.name, space.dim).generation
    imported(shop)
    assert open_reader(settings.VECTOR_INDEX_URL, space.name, space.dim).generation == before


def test_an_index_that_cannot_follow_is_no_reason_to_lose_a_feed(
    shop: Path, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    settings.VECTOR_INDEX_URL = "unknown://nowhere"
    imported(shop, price="99.00 USD")
    assert Product.objects.get().price == Decimal(99)
    assert "does not know of 1 changed products" in caplog.text


def test_only_spaces_that_still_may_serve_follow(images: list[ProductImage], settings: Settings) -> None:
    Space.objects.update(state=Space.State.RETIRED)
    with products_changing([images[0].product_id]):
        images[0].product.delete()
    assert -1 in found(settings)
