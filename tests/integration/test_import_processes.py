"""Imports over real processes: one that is killed is taken up, and a queue's workers run them without waiting."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.factories import feed_row, write_feed
from tests.integration.services import process, wait_until
from tests.integration.test_queue import RECORDS, VISION
from tests.search_shop import packshot

N_ROWS = 700
"""More than are written at once, so that a process can die in between."""
N_PHOTOS = 9
"""More than a batch."""

Child = Callable[..., Any]


def hand_over(tmp_path: Path) -> tuple[str, str]:
    """A feed of many products, all but the first few with the photo of another, and the zip of photos."""
    rows = [feed_row(f"P{n:03}", image_link=f"images/{n % N_PHOTOS}.jpg") for n in range(N_ROWS)]
    for row in rows[N_PHOTOS:]:
        row["image_link"] = "images/none.jpg"
    feed = write_feed(tmp_path / "feed.csv", rows)
    archive = tmp_path / "photos.zip"
    with zipfile.ZipFile(archive, "w") as opened:
        for number in range(N_PHOTOS):
            opened.writestr(f"images/{number}.jpg", packshot(number))
    return str(feed), str(archive)


@pytest.fixture
def started(tmp_path: Path, repository: Path) -> Callable[..., Child]:
    """Makes a deployment of its own, and gives what runs a verb of `tests.import_child` there, or manage.py."""

    def start(**variables: str) -> Child:
        environment = {**os.environ, "SELVEDGE_DATA_DIR": str(tmp_path / "data"), "SELVEDGE_IMPORT_LEASE_S": "1"}
        environment |= variables

        def child(*arguments: str, dies: bool = False, script: str = "") -> Any:
            command = [sys.executable, script] if script else [sys.executable, "-m", "tests.import_child"]
            done = subprocess.run(
                [*command, *arguments], cwd=repository, env=environment, capture_output=True, text=True, check=False
            )
            assert (done.returncode == -9) if dies else (done.returncode == 0), done.stderr
            return None if dies or script else json.loads(done.stdout)

        child("migrate", "-v0", script="manage.py")
        return child

    return start


@pytest.mark.parametrize("moment", ["rows", "describing"])
def test_an_import_whose_process_is_killed_is_finished_by_tidy(
    started: Callable[..., Child], tmp_path: Path, moment: str
) -> None:
    child = started()
    child("hand_in", *hand_over(tmp_path))
    child("run_and_die_at", moment, dies=True)
    killed = child("state")
    assert killed["state"] == "running"
    assert len(killed["products"]) > 0
    assert killed["garments"] < N_PHOTOS
    wait_until(lambda: tidied(child), "the lease's end", timeout_s=60)
    finished = child("state")
    assert (finished["state"], finished["error"], finished["n_attempts"]) == ("succeeded", "", 2)
    assert finished["products"] == [f"P{n:03}" for n in range(N_ROWS)]
    assert finished["garments"] == N_PHOTOS
    assert list((tmp_path / "data" / "imports").iterdir()) == []


def tidied(child: Child) -> bool:
    child("tidy", script="manage.py")
    return child("state")["state"] == "succeeded"


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
        child("hand_in", *hand_over(tmp_path))
        wait_until(lambda: child("state")["state"] not in {"queued", "running"}, "the import", timeout_s=120)
    ended = child("state")
    log = (tmp_path / "records.log").read_text()
    assert (ended["state"], ended["error"]) == ("succeeded", ""), log
    assert (len(ended["products"]), ended["garments"]) == (N_ROWS, N_PHOTOS)
    assert "search.import_tasks.go_on_with_import" in log
    shutil.rmtree(tmp_path / "data")
