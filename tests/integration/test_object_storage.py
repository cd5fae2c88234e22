"""Catalog images in a bucket: a real S3 server over HTTP, from the feed to the picture in an answer."""

from __future__ import annotations

import io
import logging
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.files.storage import default_storage
from moto.server import ThreadedMotoServer
from pytest_django import Settings
from rest_framework.test import APIClient

from catalog.downloads.stage import fetch_images
from catalog.errors import StorageUnavailable
from catalog.images import is_stored, read_stored, store, take_link
from catalog.models import ProductImage
from deploy.storage import image_roots, media_url_of, storages_from
from search.catalog_photos import in_messages
from segmentation.types import EncodedPhoto
from tests.factories import feed_row, jpeg_bytes, make_image, make_product, write_feed
from tests.pretend_models import PretendModel
from tests.search_shop import packshot
from tests.spaces_shop import first_found, run
from tests.web_server import ALLOWED, running_site
from workers.codec import PhotoReference
from workers.model_files import configured_pair

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    running = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    running.start()
    host, port = running.get_host_and_port()
    yield f"http://{host}:{port}"
    running.stop()


@pytest.fixture
def bucket(server: str, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Any:
    """An empty bucket, which is the storage of images."""
    for name, value in {"AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "secret"}.items():
        monkeypatch.setenv(name, value)
    opened = boto3.resource("s3", endpoint_url=server, region_name="eu-central-1").Bucket("photos")
    opened.create(CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    settings.STORAGES = storages_from(f"s3://photos/shop/one?endpoint_url={server}&region=eu-central-1&addressing=path")
    yield opened
    opened.objects.all().delete()
    opened.delete()


def keys(bucket: Any) -> list[str]:
    return sorted(entry.key for entry in bucket.objects.all())


def test_a_feed_is_imported_described_and_searched_with_its_photos_in_a_bucket(
    bucket: Any, lend: Callable[..., PretendModel], tmp_path: Path
) -> None:
    model = lend(configured_pair())
    shop = tmp_path / "shop"
    shop.mkdir()
    for number in range(3):
        (shop / f"t{number}.jpg").write_bytes(packshot(number))
    rows = [feed_row(f"T{number}", title="Striped Tee", image_link=f"t{number}.jpg") for number in range(3)]
    out, _ = run("index_catalog", "--retailer", "acme", "--feed", write_feed(shop / "feed.csv", rows))
    assert "images: 3 described, 0 failed" in out
    assert model.n_described == 3
    assert keys(bucket) == sorted(f"shop/one/{image.file.name}" for image in ProductImage.objects.all())
    assert not (tmp_path / "media").exists()
    assert first_found(1)[1] == "T1"
    photo = io.BytesIO(packshot(1))
    photo.name = "street.jpg"
    found = APIClient().post("/api/search", {"image": photo}, format="multipart").data["objects"][0]["results"][0]
    for url in (found["matched_image_url"], found["product"]["image_url"]):
        with urllib.request.urlopen(url) as answer:
            assert answer.read() == packshot(1)


def test_web_images_go_into_the_bucket(bucket: Any, settings: Settings) -> None:
    settings.SELVEDGE_ALLOWED_NETWORKS = [f"{ALLOWED}/32"]
    with running_site() as site:
        settings.SELVEDGE_ALLOWED_PORTS = [site.port]
        image = take_link(make_product(), site.serve("/photo", jpeg_bytes()))
        assert fetch_images().n_ok == 1
    image.refresh_from_db()
    assert read_stored(image.file.name) == jpeg_bytes()


def test_what_is_there_is_not_sent_again_and_what_is_torn_is_replaced(bucket: Any) -> None:
    assert not is_stored("catalog/ab/a.jpg", 3)
    store("catalog/ab/a.jpg", b"new")
    written = bucket.Object("shop/one/catalog/ab/a.jpg").last_modified
    store("catalog/ab/a.jpg", b"new")
    assert bucket.Object("shop/one/catalog/ab/a.jpg").last_modified == written
    bucket.Object("shop/one/catalog/ab/a.jpg").put(Body=b"x")
    store("catalog/ab/a.jpg", b"new")
    assert read_stored("catalog/ab/a.jpg") == b"new"


def test_photos_travel_with_their_bytes_and_a_lost_one_by_name(bucket: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    images = [make_image(make_product(), packshot(number)) for number in range(3)]
    default_storage.delete(images[1].file.name)
    monkeypatch.setattr("search.catalog_photos.BYTES_A_MESSAGE", len(packshot(0)) + 1)
    messages = list(in_messages(images))
    assert [len(message) for message in messages] == [2, 1]
    sent = [photo for message in messages for _, photo in message]
    assert sent == [EncodedPhoto(packshot(0)), PhotoReference(images[1].file.name), EncodedPhoto(packshot(2))]


def test_signed_addresses_stay_the_same_so_that_browsers_keep_what_they_loaded(bucket: Any) -> None:
    store("catalog/ab/a.jpg", b"new")
    url = default_storage.url("catalog/ab/a.jpg")
    assert "X-Amz-Signature" in url
    assert default_storage.url("catalog/ab/a.jpg") == url


def test_a_storage_that_is_gone_is_an_error_of_this_room_and_no_image_is_lost(bucket: Any, settings: Settings) -> None:
    settings.STORAGES = storages_from("s3://photos?endpoint_url=http://127.0.0.1:9&region=eu-central-1")
    settings.SELVEDGE_ALLOWED_NETWORKS = [f"{ALLOWED}/32"]
    with pytest.raises(StorageUnavailable):
        store("catalog/ab/a.jpg", b"new")
    with running_site() as site:
        settings.SELVEDGE_ALLOWED_PORTS = [site.port]
        image = take_link(make_product(), site.serve("/photo", jpeg_bytes()))
        assert fetch_images().later == {"storage_unavailable": 1}
    image.refresh_from_db()
    assert image.next_attempt_at is not None


def test_public_buckets_are_linked_without_a_signature(bucket: Any, settings: Settings) -> None:
    settings.STORAGES = storages_from("s3://photos/shop?public_url=https://cdn.example/shop")
    assert default_storage.url("catalog/ab/a b.jpg") == "https://cdn.example/shop/catalog/ab/a%20b.jpg"
    assert media_url_of(settings.STORAGES) == "https://cdn.example/shop/"


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("", "/media/"),
        ("s3://b?endpoint_url=http://minio:9000&addressing=path", "http://minio:9000/"),
        ("s3://b?endpoint_url=https://s3.example&addressing=virtual", "https://b.s3.example/"),
        ("s3://b?region=eu-central-1", "https://b.s3.eu-central-1.amazonaws.com/"),
    ],
)
def test_pages_may_load_images_from_where_they_lie(url: str, origin: str) -> None:
    assert media_url_of(storages_from(url)) == origin


@pytest.mark.parametrize("url", ["gs://bucket", "s3://", "/folder", "s3://b?regoin=x"])
def test_a_storage_that_cannot_be_meant_is_refused_at_start(url: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="SELVEDGE_STORAGE_URL"):
        storages_from(url)


@pytest.mark.parametrize("text", ["gs://a", '{"gs://a": "file:///etc"}', "gs://a=/folder", "{"])
def test_roots_that_are_no_web_addresses_are_refused_at_start(text: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="SELVEDGE_IMAGE_ROOTS"):
        image_roots(text)
