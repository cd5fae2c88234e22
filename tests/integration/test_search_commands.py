"""The commands a shop's operator uses: index a catalog, look at it, search it, and repair it."""

from __future__ import annotations

import io
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
from celery.canvas import Signature
from django.core.management import CommandError, call_command
from kombu.exceptions import OperationalError
from pytest_django import Settings

from catalog.models import Product
from search import indexing
from search.index.registry import open_writer
from search.models import ImageDescription
from tests.factories import feed_row, write_feed
from tests.search_shop import N_PRODUCTS, open_shop, packshot, write_shop
from workers import client

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _own_folders(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.VECTOR_INDEX_URL = f"faiss://{tmp_path / 'index'}"
    # The task reads photos where the environment says, as a worker's own process would.
    monkeypatch.setenv("SELVEDGE_MEDIA_ROOT", str(tmp_path / "media"))


def run(*arguments: str, **options: object) -> tuple[str, str]:
    out, err = io.StringIO(), io.StringIO()
    call_command(*arguments, stdout=out, stderr=err, verbosity=0, **options)
    return out.getvalue(), err.getvalue()


def index(folder: Path, *more: str) -> tuple[str, str]:
    return run("index_catalog", "--retailer", "acme", "--feed", str(folder / "feed.csv"), *more)


def test_a_catalog_is_imported_described_and_found(tmp_path: Path) -> None:
    write_shop(tmp_path / "shop")
    out, err = index(tmp_path / "shop")
    assert f"products: {N_PRODUCTS} new, 0 changed, 0 unchanged, 0 failed" in out
    assert f"images: {N_PRODUCTS} described, 0 failed" in out
    assert err == ""
    photo = tmp_path / "query.jpg"
    photo.write_bytes(packshot(3))
    table, _ = run("search_photo", str(photo), limit=2)
    assert "T3" in table
    reply = json.loads(run("search_photo", str(photo), "--json", limit=2)[0])
    assert reply["objects"][0]["results"][0]["product"]["url"].startswith("/api/products/")


def test_indexing_again_describes_nothing_again(tmp_path: Path) -> None:
    write_shop(tmp_path / "shop", 2)
    index(tmp_path / "shop")
    before = list(ImageDescription.objects.values_list("pk", "described_at"))
    out, _ = index(tmp_path / "shop")
    assert "products: 0 new, 0 changed, 2 unchanged, 0 failed" in out
    assert "images: 0 described, 0 failed" in out
    assert list(ImageDescription.objects.values_list("pk", "described_at")) == before


def test_only_a_changed_photo_is_described_again(tmp_path: Path) -> None:
    write_shop(tmp_path / "shop", 2)
    index(tmp_path / "shop")
    (tmp_path / "shop" / "images" / "t0.jpg").write_bytes(packshot(4))
    out, _ = index(tmp_path / "shop")
    assert "images: 1 described, 0 failed" in out


def test_a_dry_run_writes_nothing(tmp_path: Path) -> None:
    write_shop(tmp_path / "shop")
    out, _ = index(tmp_path / "shop", "--dry-run")
    assert f"{N_PRODUCTS} new" in out
    assert "nothing is written" in out
    assert not Product.objects.exists()


def test_bad_rows_are_told_with_line_column_and_reason_and_stop_no_other(tmp_path: Path) -> None:
    shop = tmp_path / "shop"
    write_shop(shop, 1)
    good = feed_row("A1", title="Striped Tee", image_link="images/t0.jpg")
    bad = [feed_row(f"B{n}", price="cheap", image_link="images/t0.jpg") for n in range(25)]
    write_feed(shop / "feed.csv", [good, *bad])
    out, err = index(shop, "--errors", str(tmp_path / "errors.jsonl"))
    assert "products: 1 new, 0 changed, 0 unchanged, 25 failed" in out
    assert err.count("column price") == 20
    assert "line 3, column price: " in err
    assert "... and 5 more" in err
    errors = [json.loads(line) for line in (tmp_path / "errors.jsonl").read_text(encoding="utf-8").splitlines()]
    assert len(errors) == 25
    assert set(errors[0]) == {"line", "column", "reason", "product_id"}


def test_a_feed_of_which_nothing_can_be_imported_fails(tmp_path: Path) -> None:
    shop = tmp_path / "shop"
    write_shop(shop, 1)
    write_feed(shop / "feed.csv", [feed_row("A1", price="cheap", image_link="images/t0.jpg")])
    with pytest.raises(CommandError, match="Nothing of the feed"):
        index(shop, "--dry-run")
    with pytest.raises(CommandError):
        index(tmp_path / "nowhere")


def test_products_stored_without_one_of_their_images_are_imported_all_the_same(tmp_path: Path) -> None:
    shop = tmp_path / "shop"
    write_shop(shop, 1)
    more = {"image_link": "images/t0.jpg", "additional_image_link": "images/lost.jpg"}
    write_feed(shop / "feed.csv", [feed_row("A1", title="Striped Tee", **more)])
    out, err = index(shop)
    assert "products: 0 new, 0 changed, 0 unchanged, 1 failed" in out
    assert "images: 1 described" in out
    assert "column additional_image_link" in err


def test_bad_rows_that_cannot_be_written_down_are_an_error_in_words(tmp_path: Path) -> None:
    write_shop(tmp_path / "shop", 1)
    with pytest.raises(CommandError, match="cannot be written"):
        index(tmp_path / "shop", "--dry-run", "--errors", str(tmp_path / "nowhere" / "errors.jsonl"))


def test_a_queue_that_cannot_be_reached_is_told_in_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_shop(tmp_path / "shop", 1)

    def refuse(*args: object, **options: object) -> None:
        raise OperationalError("connection refused")

    monkeypatch.setattr(client, "is_embedded", lambda: False)
    monkeypatch.setattr(Signature, "apply_async", refuse)
    with pytest.raises(CommandError, match="queue does not answer: connection refused"):
        index(tmp_path / "shop")


@pytest.mark.parametrize("least", ["nan", "-0.1", "1.5"])
def test_a_least_score_that_is_none_is_refused(tmp_path: Path, least: str) -> None:
    (tmp_path / "query.jpg").write_bytes(packshot(0))
    with pytest.raises(CommandError, match="--min-score: "):
        run("search_photo", str(tmp_path / "query.jpg"), f"--min-score={least}")


@pytest.mark.parametrize("box", ["1,2,3", "a,b,c,d", "0,0,nan,1"])
def test_a_box_that_is_none_is_refused_as_the_api_does(tmp_path: Path, box: str) -> None:
    (tmp_path / "query.jpg").write_bytes(packshot(0))
    with pytest.raises(CommandError, match=r"--box: Give four numbers"):
        run("search_photo", str(tmp_path / "query.jpg"), f"--box={box}")


def test_only_the_box_of_a_photo_is_searched(tmp_path: Path) -> None:
    open_shop()
    photo = tmp_path / "query.jpg"
    photo.write_bytes(packshot(0))
    # A corner of the white ground: nothing is segmented there, so the region itself is searched.
    reply = json.loads(run("search_photo", str(photo), "--json", "--box=0,0,0.1,0.1")[0])
    [found] = reply["objects"]
    assert found["kind"] == "region"
    assert found["box"]["x_max"] <= 25
    with pytest.raises(CommandError, match="box"):
        run("search_photo", str(photo), "--box=900,900,950,950")


def test_verdicts_and_looks_are_in_the_table(tmp_path: Path) -> None:
    open_shop()
    photo = tmp_path / "query.jpg"
    photo.write_bytes(packshot(0))
    table, _ = run("search_photo", str(photo), "--combine", "--price-max=60", "--in-stock", "--verdict=none")
    assert "similar" in table
    assert "look 1  acme" in table
    assert "no good match" in run("search_photo", str(photo), "--brand=nobody")[0]


@pytest.mark.parametrize(
    ("option", "told"),
    [
        ("--color=transparent", "--color: "),
        ("--price-max=cheap", "--price-max: "),
        ("--category=spaceship", "spaceship"),
    ],
)
def test_an_option_that_means_nothing_is_refused_as_the_api_does(tmp_path: Path, option: str, told: str) -> None:
    (tmp_path / "query.jpg").write_bytes(packshot(0))
    with pytest.raises(CommandError, match=told):
        run("search_photo", str(tmp_path / "query.jpg"), option)


def test_a_photo_that_cannot_be_decoded_is_told_and_waits_for_retry(tmp_path: Path) -> None:
    shop = tmp_path / "shop"
    write_shop(shop, 2)
    (shop / "images" / "t0.jpg").write_bytes(packshot(0)[:1200])
    out, err = index(shop)
    assert "images: 1 described, 1 failed" in out
    assert "product T0" in err
    assert "truncated" in err
    out, err = index(shop)
    assert "images: 0 described, 0 failed" in out
    assert "photos that failed in earlier runs: 1 (--retry-failed" in err
    assert "images: 0 described, 1 failed" in index(shop, "--retry-failed")[0]


def test_status_and_rebuild_tell_whether_the_index_is_whole(settings: Settings, tmp_path: Path) -> None:
    space = open_shop()
    status, _ = run("index_status")
    facts = {line[:22].strip(): line[22:] for line in status.splitlines()}
    assert facts["space"].startswith(space.name)
    assert facts["images described"] == str(N_PRODUCTS)
    assert int(facts["garments in index"]) == int(facts["garments in database"]) >= N_PRODUCTS
    assert facts["agreement"] == "the index says of every garment what the database says"
    assert "nothing to do" in run("rebuild_index", "--if-needed")[0]
    settings.VECTOR_INDEX_URL = f"faiss://{tmp_path / 'burnt'}"
    assert "none: " in run("index_status")[0]
    assert "published" in run("rebuild_index", "--if-needed")[0]
    assert "nothing to do" in run("rebuild_index", "--if-needed")[0]


def test_status_counts_what_lags_and_a_start_repairs_that_alone() -> None:
    space = open_shop()
    Product.objects.filter(external_id="T0").update(brand="Acme")
    Product.objects.filter(external_id="T1").delete()
    report = json.loads(run("index_status", "--json")[0])
    assert (report["agrees"], report["differing"]) == (False, 2)
    assert report["spaces"] == {space.name: "serving"}
    assert "2 garments differ: run manage.py rebuild_index --if-needed" in run("index_status")[0]
    assert json.loads(run("index_status", "--json", "--quick")[0])["agrees"] is None
    assert "1 garments added or changed, 1 removed" in run("rebuild_index", "--if-needed")[0]
    assert json.loads(run("index_status", "--json")[0])["agrees"] is True
    whole = run("rebuild_index", "--space", space.name)[0]
    assert f"{N_PRODUCTS - 1} garments published as {space.name}#" in whole
    with pytest.raises(CommandError, match="No space is meant"):
        run("index_status", "--space", "nonsense")


def test_a_start_leaves_an_index_that_another_process_writes_to_that_one(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    space = open_shop()
    Product.objects.filter(external_id="T0").update(brand="Acme")
    monkeypatch.setattr(indexing, "LOCK_TIMEOUT_S", 0.1)
    monkeypatch.setattr(indexing, "BUILD_TIMEOUT_S", 0.1)
    with open_writer(settings.VECTOR_INDEX_URL, space.name, space.dim):
        assert "is left to that one" in run("rebuild_index", "--if-needed")[0]
        with pytest.raises(CommandError, match="another writer"):
            run("rebuild_index")


def test_a_photo_that_is_none_fails_in_words(tmp_path: Path) -> None:
    open_shop()
    (tmp_path / "note.txt").write_text("no photo", encoding="utf-8")
    with pytest.raises(CommandError):
        run("search_photo", str(tmp_path / "note.txt"))
    with pytest.raises(CommandError):
        run("search_photo", str(tmp_path / "missing.jpg"))


def test_a_killed_run_goes_on_where_it_was(tmp_path: Path, repository: Path) -> None:
    n_products = 24
    shop = tmp_path / "shop"
    write_shop(shop, n_products)
    data_dir = tmp_path / "data"
    environment = {**os.environ, "SELVEDGE_DATA_DIR": str(data_dir), "SELVEDGE_MEDIA_ROOT": "", "DATABASE_URL": ""}
    manage = [sys.executable, "manage.py"]
    command = [*manage, "index_catalog", "--retailer", "acme", "--feed", str(shop / "feed.csv")]
    subprocess.run([*manage, "migrate", "-v0"], cwd=repository, env=environment, check=True)
    killed = subprocess.Popen(command, cwd=repository, env=environment, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 240
    while not (done := described(data_dir)) and time.monotonic() < deadline and killed.poll() is None:
        time.sleep(0.05)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    done = described(data_dir)
    assert 0 < len(done) < n_products
    finished = subprocess.run(command, cwd=repository, env=environment, check=True, capture_output=True, text=True)
    assert f"images: {n_products - len(done)} described, 0 failed" in finished.stdout
    after = described(data_dir)
    assert len(after) == n_products
    assert done <= after
    status = subprocess.run([*manage, "index_status"], cwd=repository, env=environment, capture_output=True, text=True)
    lines = dict(line.split(maxsplit=3)[2:] for line in status.stdout.splitlines() if line.startswith("garments in"))
    assert lines["index"] == lines["database"] != "0"


def described(data_dir: Path) -> set[tuple[int, str]]:
    """Every description of the killed process's database, with its time."""
    with sqlite3.connect(data_dir / "db.sqlite3") as database:
        try:
            return set(database.execute("SELECT image_id, described_at FROM search_imagedescription"))
        except sqlite3.OperationalError:
            return set()
