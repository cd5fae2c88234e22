"""What the API writes reaches the index: new photos are described, what is deleted is found no more."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as present
from django.core.management import call_command
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from catalog.imports.files import folder_of
from catalog.imports.upkeep import STRAY_AFTER_S
from catalog.models import AuditEntry, ImportJob, Product, Retailer
from search import import_tasks, tidying
from search.index.registry import open_reader
from search.models import Garment
from search.spaces import serving_record
from tests.access_cases import bearing, operator, secret_of
from tests.factories import make_product, make_retailer
from tests.pretend_models import PretendModel
from tests.search_shop import packshot
from workers.model_files import configured_pair

pytestmark = pytest.mark.django_db

Running = Callable[[], AbstractContextManager[None]]
JACKET = {"title": "Jacket", "link": "https://shop.example/j", "price": "72 USD", "availability": "in_stock"}


@pytest.fixture(autouse=True)
def model(lend: Callable[..., PretendModel], settings: Settings, tmp_path: Path) -> PretendModel:
    settings.SELVEDGE_IMPORTS_DIR = tmp_path / "imports"
    return lend(configured_pair())


@pytest.fixture
def running(monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Callable[..., Any]) -> Running:
    """What is written within it is followed when it ends, here and now."""
    monkeypatch.setattr(import_tasks, "run_soon", lambda signature: signature.apply(throw=True))

    @contextmanager
    def run() -> Iterator[None]:
        with django_capture_on_commit_callbacks(execute=True):
            yield

    return run


def n_indexed() -> int:
    space = serving_record()
    return len(open_reader(present.VECTOR_INDEX_URL, space.name, space.dim))


def add_product(client: Client, product_id: str, number: int = 0) -> None:
    made = client.put(f"/api/products/{product_id}", JACKET, content_type="application/json")
    assert made.status_code == 201, made.content
    photo = io.BytesIO(packshot(number))
    photo.name = "photo.jpg"
    assert client.post(f"/api/products/{product_id}/images", {"image": photo}).status_code == 201


def test_a_product_written_by_hand_is_searchable_until_it_is_deleted(running: Running) -> None:
    shop = bearing(secret_of("acme"))
    with running():
        add_product(shop, "A")
    assert Garment.objects.filter(is_product=True, product__external_id="A").count() == 1
    assert n_indexed() == 1
    with running():
        body = {"items": [{"product_id": "A", "action": "delete"}]}
        assert shop.post("/api/products/bulk", body, content_type="application/json").json()["succeeded"] == 1
    assert n_indexed() == 0


def test_a_deleted_image_is_found_no_more(running: Running) -> None:
    shop = bearing(secret_of("acme"))
    with running():
        add_product(shop, "A")
    [image] = shop.get("/api/products/A/images").json()["results"]
    with running():
        assert shop.delete(f"/api/products/A/images/{image['id']}").status_code == 204
    assert n_indexed() == 0
    assert shop.get("/api/products/A").json()["images"] == []


def test_operators_make_rename_and_remove_retailers(running: Running, tmp_path: Path) -> None:
    by_operator = bearing(operator())
    made = by_operator.post("/api/retailers", {"slug": "acme", "name": "Acme"}, content_type="application/json")
    assert (made.status_code, made["Location"]) == (201, "/api/retailers/acme/")
    renamed = by_operator.patch(made["Location"], {"name": "Acme Fashion"}, content_type="application/json")
    assert renamed.json() == {"slug": "acme", "name": "Acme Fashion", "products": 0}
    with running():
        add_product(bearing(secret_of("acme")), "A")
        add_product(bearing(secret_of("other")), "B", number=1)
    assert n_indexed() == 2
    with running():
        assert by_operator.delete("/api/retailers/acme").status_code == 204
    assert n_indexed() == 1
    assert [product.external_id for product in Product.objects.all()] == ["B"]
    assert len(list((tmp_path / "media").rglob("*.jpg"))) == 1
    assert by_operator.get("/api/retailers/acme").status_code == 404
    assert AuditEntry.objects.filter(action="retailer.delete", target="acme").exists()


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({"slug": "acme", "name": "Again"}, 409, "slug"),
        ({"slug": "no slug!", "name": "x"}, 400, "slug"),
        ({"slug": "x" * 51, "name": "x"}, 400, "slug"),
        ({"slug": "fine", "name": "a\0"}, 400, "name"),
        ({"slug": "fine"}, 400, "name"),
        ([], 400, ""),
    ],
)
def test_a_retailer_that_cannot_be_made_is_refused(body: Any, status: int, field: str) -> None:
    make_retailer()
    answer = bearing(operator()).post("/api/retailers", body, content_type="application/json")
    assert (answer.status_code, [error["field"] for error in answer.json().get("errors", [])]) == (status, [field])


def test_a_retailers_key_sees_its_own_retailer_alone_and_changes_none() -> None:
    make_retailer("other")
    shop = bearing(secret_of("acme"))
    assert [each["slug"] for each in shop.get("/api/retailers").json()["results"]] == ["acme"]
    assert shop.get("/api/retailers/other").status_code == 404
    assert shop.delete("/api/retailers/acme").status_code == 403
    assert Retailer.objects.count() == 2


def test_tidy_forgets_old_imports_and_strays_and_keeps_what_waits(settings: Settings, tmp_path: Path) -> None:
    acme = make_retailer()
    ended, now = ImportJob.State.SUCCEEDED, timezone.now()
    ImportJob.objects.create(retailer=acme, state=ended, ended_at=now - timedelta(days=31))
    kept = ImportJob.objects.create(retailer=acme, state=ended, ended_at=now - timedelta(days=29))
    alive = ImportJob.objects.create(retailer=acme, state=ImportJob.State.RUNNING, heartbeat_at=now)
    folders = [folder_of(alive.pk), settings.SELVEDGE_IMPORTS_DIR / "stray", settings.SELVEDGE_IMPORTS_DIR / "fresh"]
    for folder in folders:
        folder.mkdir(parents=True)
        if folder.name != "fresh":
            age(folder, STRAY_AFTER_S + 60)
    call_command("tidy", verbosity=0)
    assert {job.pk for job in ImportJob.objects.all()} == {kept.pk, alive.pk}
    assert [folder.exists() for folder in folders] == [True, False, True]


def test_tidy_has_photos_described_that_nobody_saw_to(running: Running) -> None:
    shop = bearing(secret_of("acme"))
    # Nothing is run: as if the process had died.
    add_product(shop, "A")
    with running():
        call_command("tidy", verbosity=0)
    assert not Garment.objects.exists()
    Product.objects.update(updated_at=timezone.now() - timedelta(hours=1))
    with running():
        call_command("tidy", verbosity=0)
    assert Garment.objects.filter(is_product=True).count() == n_indexed() == 1


def test_a_chore_that_fails_keeps_no_other_from_being_done() -> None:
    def fail() -> int:
        raise OSError("the disk is gone")

    first, second = tidying.do_chores((("one", fail), ("two", lambda: 3)))
    assert (first.n_done, first.error) == (0, "OSError: the disk is gone")
    assert (second.n_done, second.error) == (3, "")


def test_an_image_of_another_product_cannot_be_touched() -> None:
    shop = bearing(secret_of("acme"))
    add_product(shop, "A")
    make_product(external_id="B")
    [image] = shop.get("/api/products/A/images").json()["results"]
    path = f"/api/products/B/images/{image['id']}"
    assert shop.delete(path).status_code == 404
    assert shop.patch(path, {"position": 0}, content_type="application/json").status_code == 404


@pytest.mark.parametrize("data", [b"no image", b"\xff\xd8\xff" + b"\0" * 50, b"<svg onload=alert(1)>", b""])
def test_what_is_no_image_is_refused(data: bytes) -> None:
    make_product(external_id="A")
    upload = io.BytesIO(data)
    upload.name = "photo.jpg"
    answer = bearing(secret_of("acme")).post("/api/products/A/images", {"image": upload})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "image")


def age(path: Path, seconds: float) -> None:
    then = timezone.now().timestamp() - seconds
    os.utime(path, (then, then))
