"""POST /api/imports and what can be asked of a job; the jobs run in this process as soon as they are handed in."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from catalog.errors import ImportTakenOver
from catalog.feeds.rows import FeedRowError
from catalog.imports import leases
from catalog.imports.row_errors import ERRORS_KEPT, RowErrors
from catalog.imports.submitting import MOST_UNFINISHED
from catalog.models import ImportJob, Product, Retailer, WebhookDelivery, WebhookEndpoint
from search import import_tasks, webhook_tasks
from search.background import wait_for_background
from search.models import Garment
from tests.access_cases import bearing, operator, secret_of
from tests.factories import feed_row, jpeg_bytes, make_product, make_retailer, write_feed
from tests.pretend_models import PretendModel
from tests.web_server import ALLOWED, Site, running_site
from workers.model_files import configured_pair

pytestmark = pytest.mark.django_db


@pytest.fixture
def acme() -> Retailer:
    return make_retailer()


@pytest.fixture
def shop(acme: Retailer) -> Client:
    return bearing(secret_of(acme))


@pytest.fixture(autouse=True)
def model(lend: Callable[..., PretendModel], settings: Settings, tmp_path: Path) -> PretendModel:
    """One that sees a garment in every photo."""
    settings.SELVEDGE_IMPORTS_DIR = tmp_path / "imports"
    return lend(configured_pair())


@pytest.fixture
def running(
    monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Callable[..., Any]
) -> Callable[[], Any]:
    """What is handed in within it is run when it ends, as a process without a queue would, here and now."""
    monkeypatch.setattr(import_tasks, "run_soon", lambda signature: signature.apply(throw=True))
    monkeypatch.setattr(webhook_tasks, "run_soon", lambda signature: None)

    @contextmanager
    def run() -> Iterator[None]:
        with django_capture_on_commit_callbacks(execute=True):
            yield

    return run


def feed_file(tmp_path: Path, rows: list[dict[str, str]], name: str = "feed.csv") -> io.BytesIO:
    file = io.BytesIO(write_feed(tmp_path / name, rows).read_bytes())
    file.name = name
    return file


def images_zip(*names: str) -> io.BytesIO:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for number, name in enumerate(names):
            archive.writestr(name, jpeg_bytes((number, 30, 40)))
    file.seek(0)
    file.name = "photos.zip"
    return file


def job_of(client: Client, answer: Any) -> dict[str, Any]:
    assert answer.status_code == 202, answer.content
    job: dict[str, Any] = client.get(answer["Location"]).json()
    return job


ROWS = [feed_row("A", image_link="images/a.jpg"), feed_row("B", image_link="images/b.jpg")]


def test_a_feed_with_a_zip_becomes_searchable_garments(
    shop: Client, running: Callable[[], Any], tmp_path: Path
) -> None:
    form = {"feed": feed_file(tmp_path, ROWS), "images": images_zip("images/a.jpg", "images/b.jpg")}
    with running():
        answer = shop.post("/api/imports", form)
    assert answer.json()["state"] == "queued"
    job = job_of(shop, answer)
    assert (job["state"], job["error"]) == ("succeeded", "")
    nothing_else = dict.fromkeys(["changed", "unchanged", "failed", "incomplete", "withheld", "gone"], 0)
    assert job["rows"] == {"new": 2, **nothing_else}
    assert (job["images"]["described"], job["progress"]["percent"]) == (2, 100.0)
    assert {example["product_id"] for example in job["examples"]["new"]} == {"A", "B"}
    assert Garment.objects.filter(is_product=True).count() == 2
    assert list((tmp_path / "imports").iterdir()) == []
    assert job["links"]["cancel"] is None


def test_a_product_without_its_image_is_stored_and_counted_as_incomplete(
    shop: Client, running: Callable[[], Any], tmp_path: Path
) -> None:
    with running():
        answer = shop.post("/api/imports", {"feed": feed_file(tmp_path, ROWS), "images": images_zip("images/a.jpg")})
    rows = job_of(shop, answer)["rows"]
    assert (rows["new"], rows["failed"], rows["incomplete"]) == (1, 1, 1)
    assert shop.get("/api/products/B").json()["image_url"] is None


def test_row_errors_are_told_in_pages_and_as_a_file(shop: Client, running: Callable[[], Any], tmp_path: Path) -> None:
    rows = [feed_row(f"P{n}", price="=cheap()") for n in range(25)]
    with running():
        answer = shop.post("/api/imports", {"feed": feed_file(tmp_path, rows)})
    job = job_of(shop, answer)
    assert (job["state"], job["rows"]["failed"], job["n_row_errors"]) == ("succeeded", 25, 25)
    page = shop.get(job["links"]["errors"]).json()
    first = page["results"][0]
    assert (first["line"], first["column"], first["product_id"]) == (2, "price", "P0")
    rest = shop.get(page["next"]).json()
    assert (len(page["results"]), len(rest["results"]), rest["next"]) == (20, 5, None)
    table: Any = shop.get(f"{job['links']['errors']}?format=csv")
    assert table["Content-Type"].startswith("text/csv")
    assert len(b"".join(table.streaming_content).splitlines()) == 26


def test_a_dry_run_writes_nothing_and_shows_examples(shop: Client, running: Callable[[], Any], tmp_path: Path) -> None:
    make_product(external_id="A", title="Old")
    with running():
        form = {"feed": feed_file(tmp_path, ROWS), "images": images_zip("images/a.jpg", "images/b.jpg")}
        answer = shop.post("/api/imports", form | {"dry_run": "true", "mode": "delta"})
    job = job_of(shop, answer)
    assert (job["state"], job["dry_run"]) == ("succeeded", True)
    assert (job["rows"]["new"], job["rows"]["changed"]) == (1, 1)
    assert job["examples"]["new"][0]["product_id"] == "B"
    assert [product.title for product in Product.objects.all()] == ["Old"]


def test_the_same_request_with_the_same_key_is_one_import(
    shop: Client, running: Callable[[], Any], tmp_path: Path
) -> None:
    key = {"idempotency-key": "nightly-1"}
    with running():
        first = shop.post("/api/imports", {"feed": feed_file(tmp_path, ROWS)}, headers=key)
        again = shop.post("/api/imports", {"feed": feed_file(tmp_path, ROWS)}, headers=key)
        other = shop.post("/api/imports", {"feed": feed_file(tmp_path, ROWS[:1])}, headers=key)
    assert (again.status_code, again["Idempotent-Replayed"]) == (202, "true")
    assert again["Location"] == first["Location"]
    assert "Idempotent-Replayed" not in first
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    theirs = bearing(secret_of("other")).post("/api/imports", {"feed": feed_file(tmp_path, ROWS)}, headers=key)
    assert theirs["Location"] != first["Location"]
    assert ImportJob.objects.count() == 2


@pytest.mark.parametrize(
    ("form", "status", "code", "field"),
    [
        ({}, 400, "invalid_parameter", "feed"),
        ({"feed": b""}, 400, "empty_file", "feed"),
        ({"feed": b"x", "mode": "wild"}, 400, "invalid_parameter", "mode"),
        ({"feed": b"x", "color": "red"}, 400, "invalid_parameter", "color"),
        ({"feed": "text"}, 400, "invalid_parameter", "feed"),
    ],
)
def test_what_is_wrong_with_a_form_is_named(
    shop: Client, form: dict[str, Any], status: int, code: str, field: str
) -> None:
    files = {name: _named(value) if isinstance(value, bytes) else value for name, value in form.items()}
    answer = shop.post("/api/imports", files)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert [error["field"] for error in answer.json()["errors"]] == [field]


@pytest.mark.parametrize("url", ["ftp://shop.example/feed", "feed.csv", 7, "", "http://a\0b/"])
def test_a_feed_url_is_a_web_address(shop: Client, url: Any) -> None:
    answer = shop.post("/api/imports", {"feed_url": url}, content_type="application/json")
    assert (answer.status_code, [error["field"] for error in answer.json()["errors"]]) == (400, ["feed_url"])


def test_a_feed_url_into_this_network_fails_the_import_with_its_reason(
    shop: Client, running: Callable[[], Any]
) -> None:
    with running():
        body = {"feed_url": "http://127.0.0.1/feed.csv"}
        answer = shop.post("/api/imports", body, content_type="application/json")
    job = job_of(shop, answer)
    assert (job["state"], job["error_code"]) == ("failed", "address_refused")


@pytest.fixture
def site(settings: Settings) -> Iterator[Site]:
    """A web server that stands for a shop's on the public internet."""
    with running_site() as running_one:
        settings.SELVEDGE_ALLOWED_NETWORKS = [f"{ALLOWED}/32"]
        settings.SELVEDGE_ALLOWED_PORTS = [running_one.port]
        yield running_one


def test_a_feed_on_the_web_is_fetched_with_its_images(
    shop: Client, running: Callable[[], Any], site: Site, tmp_path: Path
) -> None:
    photo = site.serve("/a.jpg", jpeg_bytes(), Content_Type="image/jpeg")
    gone = site.url("/gone.jpg")
    rows = [feed_row("A", image_link=photo), feed_row("B", image_link=gone)]
    address = site.serve("/feed.csv", feed_file(tmp_path, rows).read())
    with running():
        answer = shop.post("/api/imports", {"feed_url": address}, content_type="application/json")
    job = job_of(shop, answer)
    assert (job["state"], job["error"], job["rows"]["new"]) == ("succeeded", "", 2)
    assert job["images"] == {"fetched": 1, "failed": 1, "described": 1, "undescribed": 0}
    [image] = shop.get("/api/products/B/images").json()["results"]
    assert (image["status"], image["error_code"]) == ("failed", "http_404")


def test_a_feed_on_the_web_beyond_the_limit_fails_the_import(
    shop: Client, running: Callable[[], Any], site: Site, settings: Settings
) -> None:
    settings.SELVEDGE_MAX_FEED_BYTES = 100
    address = site.serve("/feed.csv", b"x" * 101)
    with running():
        answer = shop.post("/api/imports", {"feed_url": address}, content_type="application/json")
    job = job_of(shop, answer)
    assert (job["state"], job["error_code"]) == ("failed", "too_large")


@pytest.mark.django_db(transaction=True)
def test_without_a_queue_a_thread_of_the_web_server_runs_imports(shop: Client, tmp_path: Path) -> None:
    form = {"feed": feed_file(tmp_path, ROWS), "images": images_zip("images/a.jpg", "images/b.jpg")}
    answer = shop.post("/api/imports", form)
    assert wait_for_background(60)
    job = job_of(shop, answer)
    assert (job["state"], job["images"]["described"]) == ("succeeded", 2)


def test_an_unreadable_feed_fails_the_import_and_changes_nothing(shop: Client, running: Callable[[], Any]) -> None:
    make_product(external_id="A")
    with running():
        answer = shop.post("/api/imports", {"feed": _named(b"\x00\x01\x02 no feed")})
    job = job_of(shop, answer)
    assert (job["state"], job["error_code"]) == ("failed", "feed_unreadable")
    assert job["error"]
    assert Product.objects.filter(withdrawn_at=None).count() == 1


def test_an_upload_beyond_the_limit_is_refused_and_leaves_nothing(
    shop: Client, settings: Settings, tmp_path: Path
) -> None:
    settings.SELVEDGE_MAX_FEED_BYTES = 1000
    answer = shop.post("/api/imports", {"feed": _named(b"x" * 5000)})
    assert (answer.status_code, answer.json()["code"]) == (413, "file_too_large")
    assert [path for path in (tmp_path / "imports").iterdir() if path.stat().st_size] == []


def test_only_so_many_imports_wait_and_what_came_with_the_next_is_not_kept(
    shop: Client, acme: Retailer, tmp_path: Path
) -> None:
    ImportJob.objects.bulk_create(ImportJob(retailer=acme) for _ in range(MOST_UNFINISHED))
    refused = shop.post("/api/imports", {"feed": feed_file(tmp_path, ROWS)})
    assert (refused.status_code, refused.json()["code"]) == (409, "too_many_imports")
    assert list((tmp_path / "imports").iterdir()) == []
    ImportJob.objects.filter(retailer=acme).update(state=ImportJob.State.SUCCEEDED)
    assert shop.post("/api/imports", {"feed": feed_file(tmp_path, ROWS)}).status_code == 202


def test_a_waiting_import_is_cancelled_at_once_and_an_ended_one_is_not(
    shop: Client, running: Callable[[], Any], tmp_path: Path
) -> None:
    waiting = shop.post("/api/imports", {"feed": feed_file(tmp_path, ROWS)}).json()
    cancelled = shop.post(waiting["links"]["cancel"])
    assert (cancelled.status_code, cancelled.json()["state"]) == (200, "cancelled")
    assert shop.post(waiting["links"]["cancel"]).status_code == 200
    assert list((tmp_path / "imports").iterdir()) == []
    with running():
        ended = shop.post("/api/imports", {"feed": feed_file(tmp_path, ROWS)})
    refused = shop.post(f"{ended['Location']}/cancel")
    assert (refused.status_code, refused.json()["code"]) == (409, "import_ended")
    assert {each["state"] for each in shop.get("/api/imports?state=cancelled").json()["results"]} == {"cancelled"}


def test_an_import_that_is_cancelled_midway_stops_and_keeps_what_it_wrote(
    shop: Client, running: Callable[[], Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases, "LOOK_S", 0.0)
    seen: list[int] = []

    def cancel(lease: Any, **values: Any) -> None:
        seen.append(Product.objects.count())
        ImportJob.objects.update(cancel_requested=True)

    monkeypatch.setattr(leases.Lease, "report", cancel)
    rows = [feed_row(f"P{n}") for n in range(1500)]
    with running():
        answer = shop.post("/api/imports", {"feed": feed_file(tmp_path, rows)})
    job = job_of(shop, answer)
    assert (job["state"], job["error_code"]) == ("cancelled", "")
    assert 0 < Product.objects.count() < 1500


def test_imports_of_one_retailer_run_one_after_the_other(acme: Retailer) -> None:
    first, second = (ImportJob.objects.create(retailer=acme) for _ in range(2))
    other = ImportJob.objects.create(retailer=make_retailer("other"))
    lease = leases.take_up(acme.pk)
    assert lease is not None
    assert lease.job_id == first.pk
    assert leases.take_up(acme.pk) is None
    assert leases.waiting_retailers() == [other.retailer_id]
    lease.write(state=ImportJob.State.SUCCEEDED)
    following = leases.take_up(acme.pk)
    assert following is not None
    assert following.job_id == second.pk


def test_who_lost_its_lease_writes_nothing_more(acme: Retailer, settings: Settings) -> None:
    job = ImportJob.objects.create(retailer=acme)
    slept = leases.take_up(acme.pk)
    settings.SELVEDGE_IMPORT_LEASE_S = 0.0
    awake = leases.take_up(acme.pk)
    assert slept is not None
    assert awake is not None
    assert awake.job_id == job.pk
    with pytest.raises(ImportTakenOver):
        slept.write(n_new=7)
    assert slept.is_to_stop()
    assert leases.go_on(job.pk, slept.runner) is None
    job.refresh_from_db()
    assert (job.n_new, job.n_attempts) == (0, 2)


def test_an_import_that_kills_every_process_is_given_up(acme: Retailer) -> None:
    job = ImportJob.objects.create(retailer=acme, n_attempts=5)
    import_tasks.run_imports(acme.pk)
    job.refresh_from_db()
    assert (job.state, job.error_code) == ("failed", "given_up")


@pytest.mark.django_db(transaction=True)
def test_a_retailer_that_is_removed_takes_its_running_import_along(
    acme: Retailer, shop: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def remove(lease: Any, **values: Any) -> None:
        Retailer.objects.filter(pk=acme.pk).delete()

    monkeypatch.setattr(import_tasks, "run_soon", lambda signature: signature.apply(throw=True))
    monkeypatch.setattr(leases.Lease, "report", remove)
    rows = [feed_row(f"P{n}") for n in range(1500)]
    assert shop.post("/api/imports", {"feed": feed_file(tmp_path, rows)}).status_code == 202
    assert not ImportJob.objects.exists()
    assert not Product.objects.exists()


def test_row_errors_are_kept_up_to_a_cap(acme: Retailer) -> None:
    job = ImportJob.objects.create(retailer=acme)
    errors = RowErrors(job)
    errors.add([FeedRowError(n, "price", "\0" + "x" * 2000, "P" * 300) for n in range(ERRORS_KEPT + 5)])
    assert (job.row_errors.count(), errors.n_found) == (ERRORS_KEPT, ERRORS_KEPT + 5)
    RowErrors(job)
    assert job.row_errors.count() == 0


def test_those_who_subscribed_are_told_how_it_ended(
    acme: Retailer, shop: Client, running: Callable[[], Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    handed_over: list[Any] = []
    monkeypatch.setattr(webhook_tasks, "run_soon", handed_over.append)
    events = ["import.finished", "product.failed"]
    WebhookEndpoint.objects.create(retailer=acme, url="https://shop.example/hook", events=events)
    WebhookEndpoint.objects.create(retailer=make_retailer("other"), url="https://o.example/hook", events=events)
    with running():
        answer = shop.post("/api/imports", {"feed": feed_file(tmp_path, [*ROWS, feed_row("C", price="free")])})
    job = job_of(shop, answer)
    told = {delivery.event: delivery.payload for delivery in WebhookDelivery.objects.all()}
    assert set(told) == set(events)
    assert told["import.finished"]["import_id"] == job["id"]
    assert "C" in {row["product_id"] for row in told["product.failed"]["rows"]}
    assert [signature.task for signature in handed_over] == ["search.webhook_tasks.send_due"]


def test_another_retailers_imports_are_not_there(shop: Client, tmp_path: Path) -> None:
    theirs = bearing(secret_of("other")).post("/api/imports", {"feed": feed_file(tmp_path, ROWS)}).json()["links"]
    for path in (theirs["self"], theirs["errors"]):
        assert shop.get(path).status_code == 404
    assert shop.post(theirs["cancel"]).status_code == 404
    assert shop.get("/api/imports").json()["results"] == []
    assert shop.post("/api/imports", {"feed": feed_file(tmp_path, ROWS), "retailer": "other"}).status_code == 404
    assert len(bearing(operator()).get("/api/imports").json()["results"]) == 1


def _named(data: bytes) -> io.BytesIO:
    file = io.BytesIO(data)
    file.name = "feed.csv"
    return file
