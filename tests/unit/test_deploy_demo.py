"""The demo does once what needs doing once, and shows the catalog it was asked for."""

from __future__ import annotations

import os
import shlex
import shutil
import socket
import sqlite3
import subprocess
from pathlib import Path

import pytest

from deploy import demo, demo_catalog
from deploy.demo_catalog import DemoCatalog, DemoError


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "My Shop"
    (made / "images").mkdir(parents=True)
    (made / "feed.csv").write_text("id,title\n")
    for number in range(20):
        (made / "images" / f"p{number:02}.jpg").write_bytes(b"photo")
    return made


def index(catalog: DemoCatalog, state: str) -> None:
    """What indexing leaves behind."""
    catalog.data_dir.mkdir(parents=True, exist_ok=True)
    with sqlite3.connect(catalog.data_dir / "db.sqlite3") as database:
        database.execute("CREATE TABLE IF NOT EXISTS catalog_product (id)")
        database.execute("INSERT INTO catalog_product VALUES (1)")
    published = catalog.data_dir / "index" / "space"
    published.mkdir(parents=True, exist_ok=True)
    (published / "CURRENT").touch()
    demo_catalog.mark_done(catalog, state)


def test_a_folder_gets_a_retailer_and_records_of_its_own(folder, tmp_path):
    catalog = demo_catalog.of_folder(folder, tmp_path)
    assert catalog.retailer == "my-shop"
    assert catalog.data_dir == tmp_path / "var" / "demo-my-shop"


def test_two_folders_of_one_name_do_not_share_records(folder, tmp_path):
    first = demo_catalog.of_folder(folder, tmp_path)
    demo_catalog.mark_done(first, "state")
    other = tmp_path / "elsewhere" / "My Shop"
    other.mkdir(parents=True)
    (other / "feed.csv").touch()
    assert demo_catalog.of_folder(other, tmp_path).data_dir != first.data_dir
    assert demo_catalog.of_folder(folder, tmp_path).data_dir == first.data_dir


def test_an_interrupted_first_run_does_not_lend_its_records_to_another_folder_of_the_name(folder, tmp_path):
    first = demo_catalog.of_folder(folder, tmp_path)
    demo_catalog.claim(first)
    other = tmp_path / "elsewhere" / "My Shop"
    other.mkdir(parents=True)
    (other / "feed.csv").touch()
    assert demo_catalog.of_folder(other, tmp_path).data_dir != first.data_dir
    assert not demo_catalog.is_done(first, demo_catalog.fingerprint(first))


def test_claiming_again_forgets_nothing(folder, tmp_path):
    catalog = demo_catalog.of_folder(folder, tmp_path)
    index(catalog, "state")
    demo_catalog.claim(catalog)
    assert demo_catalog.is_done(catalog, "state")


@pytest.mark.parametrize("port", [-1, 0, 65536, 99999])
def test_a_port_that_does_not_exist_is_refused_in_words(port):
    with pytest.raises(DemoError, match="no port"):
        demo._refuse_a_taken_port(port)


def test_a_taken_port_is_refused_with_another_to_try():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(DemoError, match="is taken; try"):
            demo._refuse_a_taken_port(taken.getsockname()[1])


def test_a_folder_without_a_feed_is_refused_with_what_is_expected(tmp_path):
    with pytest.raises(DemoError, match=r"feed\.csv"):
        demo_catalog.of_folder(tmp_path, tmp_path)


def test_an_unchanged_folder_is_done_and_a_changed_one_is_not(folder, tmp_path):
    catalog = demo_catalog.of_folder(folder, tmp_path)
    state = demo_catalog.fingerprint(catalog)
    assert not demo_catalog.is_done(catalog, state)
    index(catalog, state)
    assert demo_catalog.is_done(catalog, demo_catalog.fingerprint(catalog))
    for name in ("new.jpg", "new.HEIC"):
        demo_catalog.mark_done(catalog, demo_catalog.fingerprint(catalog))
        (folder / "images" / name).write_bytes(b"photo")
        assert not demo_catalog.is_done(catalog, demo_catalog.fingerprint(catalog)), name


def test_what_one_database_holds_is_not_done_in_another(folder, tmp_path, monkeypatch):
    catalog = demo_catalog.of_folder(folder, tmp_path)
    index(catalog, demo_catalog.fingerprint(catalog))
    monkeypatch.setenv("DATABASE_URL", "postgres://elsewhere/selvedge")
    assert not demo_catalog.is_done(catalog, demo_catalog.fingerprint(catalog))


@pytest.mark.parametrize("lost", ["db.sqlite3", "index"])
def test_what_was_indexed_and_deleted_is_not_done(folder, tmp_path, monkeypatch, lost):
    catalog = demo_catalog.of_folder(folder, tmp_path)
    index(catalog, "state")
    assert demo_catalog.is_done(catalog, "state")
    gone = catalog.data_dir / lost
    shutil.rmtree(gone) if gone.is_dir() else gone.unlink()
    assert not demo_catalog.is_done(catalog, "state")
    assert not gone.exists(), "asking makes nothing"
    if lost == "db.sqlite3":
        sqlite3.connect(gone).execute("CREATE TABLE catalog_product (id)").connection.close()
        assert not demo_catalog.is_done(catalog, "state"), "migrated anew, and empty"
    monkeypatch.setenv({"db.sqlite3": "DATABASE_URL", "index": "VECTOR_INDEX_URL"}[lost], "elsewhere://host")
    assert demo_catalog.is_done(catalog, "state")


@pytest.mark.parametrize("lost", [None, "db.sqlite3", "index"])
def test_only_an_index_that_outlived_its_database_is_built_anew(folder, tmp_path, monkeypatch, lost):
    catalog = demo_catalog.of_folder(folder, tmp_path)
    if lost is not None:
        index(catalog, "state")
        gone = catalog.data_dir / lost
        shutil.rmtree(gone) if gone.is_dir() else gone.unlink()
    ran = []
    monkeypatch.setattr(demo, "_manage", lambda command, *_: ran.append(command))
    demo._prepare(catalog)
    assert ran == ["migrate", "index_catalog", "promote_space", *(["rebuild_index"] if lost == "db.sqlite3" else [])]


@pytest.mark.parametrize("name", ["relative/shop", "it's mine/my shop", '-a "b"; echo $HOME'])
def test_make_hands_any_folders_name_to_the_demo(repository, tmp_path, name):
    python = tmp_path / "venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text("#!/bin/sh\nprintf '%s\\n' \"$@\"\n")
    python.chmod(0o755)
    (tmp_path / "venv" / ".installed").touch()
    environment = {key: value for key, value in os.environ.items() if not key.startswith("MAKE")}

    def asked(*arguments: str) -> list[str]:
        command = ["make", "--no-print-directory", "demo", f"VENV={tmp_path / 'venv'}", *arguments]
        done = subprocess.run(command, cwd=repository, env=environment, capture_output=True, text=True, check=True)
        return done.stdout.splitlines()

    # Make itself reads a dollar in what it is given.
    assert asked(f"DATA={name.replace('$', '$$')}")[2:] == ["--port", "8000", f"--data={name}"]
    assert asked()[2:] == ["--port", "8000"]


def test_a_relative_folder_is_found_from_where_make_stands(folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    options = demo._parse(["--data=My Shop"])
    assert demo_catalog.of_folder(options.data, tmp_path / "root").folder == folder


def test_scenes_and_query_photos_are_offered_before_packshots_and_by_turns(folder):
    assert all(photo.parent.name == "images" for photo in demo_catalog.choose_samples(folder))
    for name in ("images/wild_dev", "images/query_dev"):
        (folder / name).mkdir()
        for number in range(30):
            (folder / name / f"{name[-5]}{number}.jpg").write_bytes(b"photo")
    chosen = demo_catalog.choose_samples(folder)
    assert [photo.parent.name for photo in chosen] == ["wild_dev", "query_dev"] * 4


def test_a_small_folder_offers_what_it_has(tmp_path):
    (tmp_path / "samples").mkdir()
    for name in ("a.jpg", "b.png", "notes.txt"):
        (tmp_path / "samples" / name).touch()
    assert [photo.name for photo in demo_catalog.choose_samples(tmp_path)] == ["a.jpg", "b.png"]


def test_samples_of_an_earlier_run_are_replaced(folder, tmp_path):
    catalog = DemoCatalog(folder, "my-shop", tmp_path / "records")
    placed = tmp_path / "records" / "media" / "samples"
    placed.mkdir(parents=True)
    (placed / "stale.jpg").touch()
    sample = demo_catalog.place_samples(catalog)
    assert sample is not None
    assert sample.is_file()
    assert len(list(placed.iterdir())) == demo_catalog.MOST_SAMPLES
    assert not (placed / "stale.jpg").exists()


def test_the_curl_line_names_a_photo_that_exists_and_survives_the_shell(folder, tmp_path):
    catalog = DemoCatalog(folder, "my-shop", tmp_path / "my records")
    sample = demo_catalog.place_samples(catalog)
    line = next(line for line in demo.greeting(catalog, sample, 8123).splitlines() if line.startswith("  curl"))
    words = shlex.split(line)
    assert words[-1] == "http://127.0.0.1:8123/api/search"
    assert Path(words[-2].removeprefix("image=@")).is_file()
