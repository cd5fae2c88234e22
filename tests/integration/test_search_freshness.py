"""What one process changes, another one that serves finds at its very next search, without a restart."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.factories import feed_row, jpeg_bytes, write_feed
from tests.search_process import Ask, process


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "deploy.settings",
        "SELVEDGE_DATA_DIR": str(tmp_path / "data"),
        "SELVEDGE_MEDIA_ROOT": "",
        "DATABASE_URL": "",
    }


@pytest.fixture
def changer(repository: Path, environment: dict[str, str]) -> Iterator[Ask]:
    with process(repository, environment) as ask:
        ask("migrate")
        yield ask


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    folder = tmp_path / "shop"
    (folder / "images").mkdir(parents=True)
    for number in range(4):
        (folder / "images" / f"{number}.jpg").write_bytes(jpeg_bytes((60 * number, 0, 0)))
    return folder


def feed(shop: Path, *numbers: int, **cells: str) -> str:
    """A feed of products P0, P1, ... at 15 dollars; `cells` override those of the last."""
    rows = [feed_row(f"P{number}", title="Denim Jacket", image_link=f"images/{number}.jpg") for number in numbers]
    rows[-1] |= cells
    return str(write_feed(shop / "feed.csv", rows))


def test_a_serving_process_sees_every_change_at_its_next_search(
    repository: Path, environment: dict[str, str], changer: Ask, shop: Path
) -> None:
    changer("import_rows", feed(shop, 0, 1))
    with process(repository, environment) as web:
        assert web("search") == {"index": ["P0", "P1"], "answer": ["P0", "P1"]}

        changer("import_rows", feed(shop, 0, 1, 2))
        assert web("search")["answer"] == ["P0", "P1", "P2"]
        assert sorted(web("similar", "P0")) == ["P1", "P2"]

        assert web("search", "14.99") == {"index": [], "answer": []}
        changer("import_rows", feed(shop, 0, 1, 2, price="14.99 USD"))
        assert web("search", "14.99") == {"index": ["P2"], "answer": ["P2"]}

        changer("edit", "P2", availability="out_of_stock")
        assert web("search", in_stock=True) == {"index": ["P0", "P1"], "answer": ["P0", "P1"]}
        assert web("search", in_stock=False) == {"index": ["P2"], "answer": ["P2"]}

        changer("edit", "P1", withdrawn_at=datetime.now(UTC).isoformat())
        assert web("search") == {"index": ["P0", "P2"], "answer": ["P0", "P2"]}
        assert web("similar", "P0") == ["P2"]

        changer("delete", "P2")
        assert web("search") == {"index": ["P0"], "answer": ["P0"]}

        (shop / "images" / "0.jpg").write_bytes(jpeg_bytes((0, 200, 0)))
        changer("import_rows", feed(shop, 0))
        assert web("search") == {"index": ["P0"], "answer": ["P0"]}


def test_a_worker_killed_between_record_and_index_is_healed_at_the_next_start(
    repository: Path, environment: dict[str, str], changer: Ask, shop: Path
) -> None:
    changer("import_rows", feed(shop, 0))
    with process(repository, environment) as worker, pytest.raises(EOFError):
        worker("die_between_record_and_index", feed(shop, 0, 1, 2))
    with process(repository, environment) as web:
        assert web("search") == {"index": ["P0"], "answer": ["P0"]}
        started = start_of_a_server(repository, environment)
        assert "2 garments added or changed, 0 removed; 3 garments published" in started
        assert web("search") == {"index": ["P0", "P1", "P2"], "answer": ["P0", "P1", "P2"]}


def test_servers_that_start_together_on_a_lost_index_build_it_once(
    repository: Path, environment: dict[str, str], changer: Ask, shop: Path, tmp_path: Path
) -> None:
    changer("import_rows", feed(shop, 0, 1))
    index = tmp_path / "data" / "index"
    assert index.is_dir()
    index.rename(tmp_path / "burnt")
    with ThreadPoolExecutor(3) as starts:
        told = list(starts.map(lambda _: start_of_a_server(repository, environment), range(3)))
    assert sum("2 garments added or changed" in line for line in told) == 1
    assert sum("whole; nothing to do" in line for line in told) == 2
    with process(repository, environment) as web:
        assert web("search")["answer"] == ["P0", "P1"]


def start_of_a_server(repository: Path, environment: dict[str, str]) -> str:
    command = [sys.executable, "manage.py", "rebuild_index", "--if-needed", "-v0"]
    done = subprocess.run(command, cwd=repository, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout
