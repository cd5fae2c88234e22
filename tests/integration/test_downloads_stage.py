"""The fetch stage: what becomes of an image's record and file, who is asked how often, what a stop leaves behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.utils import timezone
from pytest_django import Settings

from catalog.downloads import run as fetch_run
from catalog.downloads.due import ask_again, retry_failed
from catalog.downloads.recording import next_attempt_s
from catalog.downloads.stage import fetch_images
from catalog.errors import ImageRefused
from catalog.images import take_link, take_upload
from catalog.models import FetchedUrl, Product, ProductImage
from tests.factories import jpeg_bytes, make_image, make_product, make_retailer
from tests.web_server import ALLOWED, Site, Visit, running_site

pytestmark = pytest.mark.django_db
Status = ProductImage.Status
RED, BLUE = jpeg_bytes(), jpeg_bytes((0, 0, 200))


@pytest.fixture(autouse=True)
def site(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.SELVEDGE_ALLOWED_NETWORKS = [f"{ALLOWED}/32"]
    monkeypatch.setattr(fetch_run, "RETRY_S", 0.01)
    with running_site() as running:
        settings.SELVEDGE_ALLOWED_PORTS = [running.port]
        yield running


def pending(link: str, product: Product | None = None, position: int = 0) -> ProductImage:
    owner = make_product() if product is None else product
    return ProductImage.objects.create(product=owner, source=link, position=position)


def fresh(image: ProductImage) -> ProductImage:
    image.refresh_from_db()
    return image


def test_a_pending_image_is_stored_by_its_content_whatever_it_is_called(site: Site, tmp_path: Path) -> None:
    image = pending(site.serve("/photo.php?id=1", RED, Content_Type="text/plain", ETag='"v1"'))
    seen: list[tuple[int, int]] = []
    summary = fetch_images(on_progress=lambda done, total: seen.append((done, total)))
    assert (summary.n_ok, summary.n_requests, summary.n_bytes, seen) == (1, 1, len(RED), [(1, 1)])
    assert (fresh(image).status, image.error_code, image.file.name) == (
        Status.OK,
        "",
        f"catalog/{image.sha256[:2]}/{image.sha256}.jpg",
    )
    assert (tmp_path / "media" / image.file.name).read_bytes() == RED
    assert FetchedUrl.objects.get().etag == '"v1"'
    assert fetch_images().n_requests == 0


def test_variants_that_name_the_same_address_share_one_request(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("catalog.downloads.due.WINDOW", 3)
    monkeypatch.setattr(fetch_run, "ORDERS_AHEAD", 1)
    link = site.serve("/photo", RED)
    images = [pending(link) for _ in range(10)]
    summary = fetch_images()
    assert (summary.n_ok, summary.n_requests, site.hits["/photo"]) == (10, 1, 1)
    assert {fresh(image).status for image in images} == {Status.OK}


def test_an_image_is_asked_for_again_with_its_etag_and_costs_no_bytes(site: Site) -> None:
    def answer(visit: Visit) -> None:
        same = visit.headers["If-None-Match"] == '"v1"'
        visit.answer(304 if same else 200, b"" if same else RED, ETag='"v1"')

    site.routes["/photo"] = answer
    image = pending(site.url("/photo"))
    fetch_images()
    before = fresh(image).sha256
    assert ask_again(None) == 1
    summary = fetch_images()
    assert (summary.n_ok, summary.n_not_modified, summary.n_bytes) == (1, 1, 0)
    assert (fresh(image).sha256, image.status, site.hits["/photo"]) == (before, Status.OK, 2)


def test_a_copy_that_was_lost_is_fetched_again_instead_of_believed(site: Site, tmp_path: Path) -> None:
    image = pending(site.serve("/photo", RED, ETag='"v1"'))
    fetch_images()
    (tmp_path / "media" / fresh(image).file.name).unlink()
    ask_again(None)
    fetch_images()
    assert site.seen[1].headers["If-None-Match"] is None
    assert (tmp_path / "media" / image.file.name).read_bytes() == RED


@pytest.mark.parametrize(
    ("status", "body", "code", "is_final"),
    [
        (404, b"", "http_404", True),
        (200, b"<html>no photo</html>", "not_an_image", True),
        (200, b"", "empty", True),
        (200, b"\xff\xd8\xff and no more", "damaged_image", True),
        (200, jpeg_bytes(size=(8, 400)), "too_small", True),
        (500, b"", "http_500", False),
        (429, b"", "http_429", False),
    ],
)
def test_an_image_that_does_not_come_says_why_and_whether_it_is_tried_again(
    site: Site, status: int, body: bytes, code: str, is_final: bool
) -> None:
    site.routes["/photo"] = lambda visit: visit.answer(status, body)
    image = pending(site.url("/photo"))
    summary = fetch_images()
    assert (summary.failed if is_final else summary.later) == {code: 1}
    assert (fresh(image).status, image.error_code, image.n_attempts) == (Status.FAILED, code, 1)
    assert image.error
    assert image.next_attempt_at is not None
    assert (image.next_attempt_at > timezone.now() + timedelta(hours=12)) == is_final
    assert fetch_images().n_requests == 0


def test_a_picture_that_comes_after_its_feed_is_found_the_next_day_without_importing_again(site: Site) -> None:
    answers = iter([404, 200])
    site.routes["/photo"] = lambda visit: visit.answer(next(answers), RED)
    image = pending(site.url("/photo"))
    fetch_images()
    assert fresh(image).next_attempt_at is not None
    ProductImage.objects.update(next_attempt_at=image.next_attempt_at - timedelta(hours=29))
    fetch_images()
    assert (fresh(image).status, image.error_code, image.error) == (Status.OK, "", "")


def test_pixels_are_capped_by_the_header_before_any_is_decoded(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("catalog.limits.IMAGE_PIXELS", 200)
    image = pending(site.serve("/photo", RED))
    fetch_images()
    assert fresh(image).error_code == "too_many_pixels"


def test_a_hiccup_is_tried_again_in_the_same_run(site: Site) -> None:
    answers = iter([503, 500, 200])
    site.routes["/photo"] = lambda visit: visit.answer(next(answers), RED)
    image = pending(site.url("/photo"))
    assert fetch_images().n_ok == 1
    assert (fresh(image).status, image.n_attempts, site.hits["/photo"]) == (Status.OK, 0, 3)


def test_a_server_that_wants_peace_for_long_is_left_alone_with_all_its_images(site: Site, settings: Settings) -> None:
    settings.SELVEDGE_FETCH_PER_HOST = 1
    site.routes["/busy"] = lambda visit: visit.answer(429, Retry_After="7200")
    busy, other = pending(site.url("/busy")), pending(site.serve("/photo", RED))
    summary = fetch_images()
    assert (summary.later, len(site.seen)) == ({"http_429": 2}, 1)
    for image in (busy, other):
        assert fresh(image).next_attempt_at is not None
        assert image.next_attempt_at > timezone.now() + timedelta(seconds=7100)


def test_a_server_that_wants_peace_for_a_moment_gets_it_within_the_run(site: Site) -> None:
    answers = iter([503, 200])
    site.routes["/photo"] = lambda visit: visit.answer(next(answers), RED, Retry_After="0")
    pending(site.url("/photo"))
    assert fetch_images().n_ok == 1


def test_a_dead_host_is_given_up_after_a_few_requests_and_does_not_hold_up_others(
    site: Site, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.SELVEDGE_FETCH_PER_HOST = 1
    monkeypatch.setattr("catalog.downloads.guard.look_up", lambda host, port: [ALLOWED])
    dead = [pending(site.url(f"/{number}", "dead.example")) for number in range(40)]
    for number in range(40):
        site.routes[f"/{number}"] = lambda visit: visit.answer(502)
    good = pending(site.serve("/photo", RED).replace(ALLOWED, "good.example"))
    summary = fetch_images()
    assert len(site.seen) <= 10
    assert (fresh(good).status, summary.later.total()) == (Status.OK, 40)
    assert summary.later["host_unavailable"] >= 30
    assert all(fresh(image).next_attempt_at is not None for image in dead)


def test_a_host_is_not_asked_for_more_at_once_than_the_setting_says(site: Site, settings: Settings) -> None:
    settings.SELVEDGE_FETCH_PER_HOST = 3
    lock, running, most = threading.Lock(), 0, 0

    def answer(visit: Visit) -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.02)
        with lock:
            running -= 1
        visit.answer(200, RED)

    for number in range(20):
        site.routes[f"/{number}"] = answer
        pending(site.url(f"/{number}"))
    assert fetch_images().n_ok == 20
    assert most == 3


def replace_link(image: ProductImage, link: str) -> None:
    """What an import does with another link: the copy stays, and fetching is due."""
    ProductImage.objects.filter(pk=image.pk).update(source=link, next_attempt_at=timezone.now())


def test_the_old_picture_stays_until_the_new_link_brings_its_own(site: Site) -> None:
    image = make_image(make_product(), RED)
    answers = iter([500, 500, 500, 200])
    site.routes["/new"] = lambda visit: visit.answer(next(answers), BLUE)
    replace_link(image, site.url("/new"))
    old = image.sha256
    fetch_images()
    assert (fresh(image).status, image.sha256, image.error_code) == (Status.OK, old, "http_500")
    retry_failed(None)
    fetch_images()
    assert fresh(image).status == Status.OK
    assert (image.sha256 != old, image.error_code, image.n_attempts) == (True, "", 0)


def test_the_old_picture_goes_where_the_new_link_is_dead_or_fails_for_long(site: Site) -> None:
    gone, failing = make_image(make_product(), RED), make_image(make_product(), RED)
    replace_link(gone, site.url("/nothing"))
    site.routes["/failing"] = lambda visit: visit.answer(500)
    replace_link(failing, site.url("/failing"))
    changed: list[int] = []

    @contextmanager
    def changing(product_ids: list[int]) -> Iterator[None]:
        changed.extend(product_ids)
        yield

    fetch_images(changing=changing)
    assert (fresh(gone).status, gone.file.name, gone.sha256) == (Status.FAILED, "", "")
    assert (fresh(failing).status, changed) == (Status.OK, [gone.product_id])
    ProductImage.objects.filter(pk=failing.pk).update(n_attempts=5, next_attempt_at=timezone.now())
    fetch_images(changing=changing)
    assert (fresh(failing).status, changed) == (Status.FAILED, [gone.product_id, failing.product_id])


def test_a_link_that_dies_after_it_was_fetched_costs_no_picture(site: Site) -> None:
    image = pending(site.serve("/photo", RED))
    fetch_images()
    del site.routes["/photo"]
    ask_again(None)
    fetch_images()
    assert (fresh(image).status, image.error_code, bool(image.file)) == (Status.OK, "http_404", True)


def test_what_a_feed_renamed_meanwhile_is_not_overwritten(site: Site) -> None:
    image = pending(site.url("/photo"))

    def answer(visit: Visit) -> None:
        visit.answer(200, RED)

    site.routes["/photo"] = answer
    windows = fetch_run.FetchRun._write

    def renamed(run: fetch_run.FetchRun, *, at_least: int) -> None:
        ProductImage.objects.filter(pk=image.pk).update(source=site.url("/other"))
        windows(run, at_least=at_least)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fetch_run.FetchRun, "_write", renamed)
        fetch_images()
    assert (fresh(image).status, image.sha256) == (Status.PENDING, "")


def test_links_of_buckets_are_fetched_from_the_root_a_setting_names(site: Site, settings: Settings) -> None:
    settings.SELVEDGE_IMAGE_ROOTS = {"gs://photos": site.url("/bucket/"), "gs://photos-old": "https://old.example"}
    site.serve("/bucket/a/b.jpg", RED)
    image = pending("gs://photos/a/b.jpg")
    fetch_images()
    assert fresh(image).status == Status.OK


def test_only_what_is_sold_by_the_retailer_asked_for_is_fetched(site: Site) -> None:
    link = site.serve("/photo", RED)
    mine, yours = make_retailer("mine"), make_retailer("yours")
    wanted = pending(link, make_product(mine))
    pending(link, make_product(yours))
    pending(link, make_product(mine, withdrawn_at=timezone.now()))
    assert fetch_images([mine.pk]).n_ok == 1
    assert fresh(wanted).status == Status.OK


def test_retries_alone_leave_new_images_to_their_import(site: Site) -> None:
    link = site.serve("/photo", RED)
    new, failed = pending(link), pending(link)
    ProductImage.objects.filter(pk=failed.pk).update(
        status=Status.FAILED, error_code="http_500", next_attempt_at=timezone.now()
    )
    assert fetch_images(retries_only=True).n_ok == 1
    assert (fresh(new).status, fresh(failed).status) == (Status.PENDING, Status.OK)


def test_attempts_come_rarer_never_before_the_server_wants_them_and_at_least_daily() -> None:
    assert 240 <= next_attempt_s(1, None) <= 360
    assert 480 <= next_attempt_s(2, None) <= 720
    assert next_attempt_s(500, None) <= 1.2 * 86400
    assert next_attempt_s(1, 5000.0) == 5000.0


def test_the_command_retries_what_failed_and_tells_the_reasons(site: Site) -> None:
    image = pending(site.url("/photo"))
    pending(site.url("/nothing"))
    out = StringIO()
    call_command("fetch_images", stdout=out)
    assert "failed: http_404 2" in out.getvalue()
    site.serve("/photo", RED)
    call_command("fetch_images", stdout=out)
    assert "nothing was due" in out.getvalue()
    call_command("fetch_images", "--retailer", "acme", "--retry-failed", stdout=out)
    assert "fetched: 1 images good, 1 not" in out.getvalue()
    assert fresh(image).status == Status.OK


def test_a_run_that_is_stopped_keeps_what_it_fetched(site: Site, settings: Settings) -> None:
    settings.SELVEDGE_FETCH_CONCURRENCY = settings.SELVEDGE_FETCH_PER_HOST = 1
    for number in range(30):
        site.serve(f"/{number}", RED)
        pending(site.url(f"/{number}"))
    summary = fetch_images(should_stop=lambda: len(site.seen) >= 5)
    assert summary.is_stopped
    n_ok = ProductImage.objects.filter(status=Status.OK).count()
    assert summary.n_ok == n_ok < 30
    assert fetch_images().n_ok == 30 - n_ok


@pytest.mark.django_db(transaction=True)
def test_a_killed_run_leaves_nothing_torn_and_the_next_one_goes_on(
    site: Site, settings: Settings, tmp_path: Path, repository: Path
) -> None:
    environment = os.environ | {
        "SELVEDGE_DATA_DIR": str(tmp_path),
        "SELVEDGE_ALLOWED_NETWORKS": f"{ALLOWED}/32",
        "SELVEDGE_ALLOWED_PORTS": str(site.port),
        "SELVEDGE_FETCH_CONCURRENCY": "2",
    }
    program = [sys.executable, "-c", KILLED_PROGRAM, str(site.port)]
    site.routes |= {f"/{number}": lambda visit: (time.sleep(0.02), visit.answer(200, RED)) for number in range(200)}
    killed = subprocess.Popen([*program, "begin"], cwd=repository, env=environment)
    while len(site.seen) < 150:
        assert killed.poll() is None
        time.sleep(0.01)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    again = subprocess.run(
        [*program, "go on"], cwd=repository, env=environment, capture_output=True, text=True, check=True
    )
    n_before, n_fetched, n_ok = map(int, again.stdout.split())
    assert 0 < n_before < 200
    assert (n_fetched, n_ok) == (200 - n_before, 200)
    (stored,) = [path for path in (tmp_path / "media").rglob("*.jpg") if not path.name.startswith(".")]
    assert stored.read_bytes() == RED


KILLED_PROGRAM = """
import os, sys
os.environ["DJANGO_SETTINGS_MODULE"] = "deploy.settings"
import django
django.setup()
from django.core.management import call_command
from catalog.downloads.stage import fetch_images
from catalog.models import ProductImage
from tests.factories import make_product
port, task = sys.argv[1:]
if task == "begin":
    call_command("migrate", "catalog", verbosity=0)
    product = make_product()
    for number in range(200):
        ProductImage.objects.create(product=product, position=number, source=f"http://127.0.0.2:{port}/{number}")
before = ProductImage.objects.filter(status="ok").count()
summary = fetch_images()
print(before, summary.n_ok, ProductImage.objects.filter(status="ok").count())
"""


def test_an_upload_becomes_a_products_image_and_a_bad_one_changes_nothing(tmp_path: Path) -> None:
    product = make_product()
    first = take_upload(product, RED)
    second = take_upload(product, BLUE)
    assert (first.position, second.position, second.status) == (0, 1, Status.OK)
    replaced = take_upload(product, BLUE, 0)
    assert (replaced.pk, replaced.sha256, product.images.count()) == (first.pk, second.sha256, 2)
    with pytest.raises(ImageRefused) as caught:
        take_upload(product, b"<svg onload=alert(1)>", 0)
    assert (caught.value.code, fresh(replaced).sha256) == ("not_an_image", second.sha256)


def test_a_link_given_by_hand_is_due_and_one_that_never_will_be_fetched_is_refused(site: Site) -> None:
    product = make_product()
    image = take_link(product, site.serve("/photo", RED))
    fetch_images()
    assert fresh(image).status == Status.OK
    for link in ("photo.jpg", "file:///etc/passwd", "http://user:pw@shop.example/a.jpg", "http://2130706433/a.jpg"):
        with pytest.raises(ImageRefused):
            take_link(product, link)
