"""Imports over real processes: one that is killed is taken up, and a queue's workers run them without waiting."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import zipfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.factories import feed_row, write_feed
from tests.integration.services import process, wait_until
from tests.integration.test_queue import RECORDS, VISION
from tests.pretend_models import write_pair
from tests.search_shop import packshot

N_ROWS = 700
"""More than are written at once, so that a process can die in between."""
N_PHOTOS = 9
"""More than a batch."""

Child = Callable[..., Any]


def hand_over(tmp_path: Path, n_photos: int = N_PHOTOS) -> tuple[str, str]:
    """A feed of many products, the first few with photos, and the zip of them."""
    feed = write_feed(tmp_path / "feed.csv", [feed_row(f"P{n:03}", image_link=f"{n}.jpg") for n in range(N_ROWS)])
    archive = tmp_path / "photos.zip"
    with zipfile.ZipFile(archive, "w") as opened:
        for number in range(n_photos):
            opened.writestr(f"{number}.jpg", packshot(number))
    return str(feed), str(archive)


@pytest.fixture
def started(tmp_path: Path, repository: Path) -> Callable[..., Child]:
    """Gives a deployment of its own: what runs a verb of `tests.import_child` there."""

    def start(**variables: str) -> Child:
        environment = {**os.environ, "SELVEDGE_DATA_DIR": str(tmp_path / "data"), "SELVEDGE_IMPORT_LEASE_S": "1"}
        environment |= variables

        def child(*arguments: str, dies: bool = False) -> Any:
            command = [sys.executable, "-m", "tests.import_child", *arguments]
            done = subprocess.run(command, cwd=repository, env=environment, capture_output=True, text=True, check=False)
            assert (done.returncode == -9) if dies else (done.returncode == 0), done.stderr
            return None if dies else json.loads(done.stdout.splitlines()[-1])

        return child

    return start


@pytest.mark.parametrize("moment", ["rows", "describing"])
def test_an_import_whose_process_is_killed_is_finished_by_tidy(
    started: Callable[..., Child], tmp_path: Path, moment: str
) -> None:
    pair = write_pair(tmp_path / "pair", 0)
    child = started(SELVEDGE_SEGMENTER=str(pair.segmenter), SELVEDGE_EMBEDDER=str(pair.embedder))
    child("hand_in", *hand_over(tmp_path))
    child("run_and_die_at", moment, dies=True)
    with closing(sqlite3.connect(tmp_path / "data" / "db.sqlite3")) as records:
        assert records.execute("SELECT state, phase FROM catalog_importjob").fetchall() == [("running", moment)]
        [(n_products,)] = records.execute("SELECT count(*) FROM catalog_product").fetchall()
        [(n_described,)] = records.execute("SELECT count(*) FROM search_imagedescription").fetchall()
    assert n_products > 0
    assert n_described < N_PHOTOS
    finished = child("tidy")
    assert (finished["state"], finished["error"], finished["n_attempts"]) == ("succeeded", "", 2)
    assert finished["products"] == [f"P{n:03}" for n in range(N_ROWS)]
    assert finished["garments"] == N_PHOTOS
    assert list((tmp_path / "data" / "imports").iterdir()) == []


@pytest.mark.services
def test_workers_of_a_queue_run_an_import_step_by_step(
    started: Callable[..., Child], tmp_path: Path, repository: Path, redis_url: str, empty_postgres_url: str
) -> None:
    broker = redis_url.removesuffix("/0") + "/5"
    variables = {"CELERY_BROKER_URL": broker, "DATABASE_URL": empty_postgres_url}
    child = started(**variables)
    environment = {**os.environ, "SELVEDGE_DATA_DIR": str(tmp_path / "data"), **variables}
    with (
        process(VISION, tmp_path / "vision.log", env=environment, cwd=repository),
        # One process: were a step to wait for photos, they would never be stored.
        process(RECORDS, tmp_path / "records.log", env=environment, cwd=repository),
    ):
        child("hand_in", *hand_over(tmp_path, n_photos=2))
        wait_until(lambda: child("state")["state"] not in {"queued", "running"}, "the import", timeout_s=120)
    ended = child("state")
    log = (tmp_path / "records.log").read_text()
    assert (ended["state"], ended["error"]) == ("succeeded", ""), log
    assert (len(ended["products"]), ended["garments"]) == (N_ROWS, 2)
    assert "search.import_tasks.go_on_with_import" in log
    shutil.rmtree(tmp_path / "data")
