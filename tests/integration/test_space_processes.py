"""Spaces over processes, with real models: a killed build goes on; who serves sees a promotion without a restart."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.pretend_models import renamed_embedder
from tests.search_shop import packshot, write_shop

N_PRODUCTS = 12
MANAGE = [sys.executable, "manage.py"]

SERVE = """
import sys
from search.results import SearchOptions
from search.services import search_by_photo
photo = open(sys.argv[-1], "rb").read()
for line in sys.stdin:
    result = search_by_photo(photo, SearchOptions(limit=1, verdict="none"))
    print("answer:", result.space, result.objects[0].results[0].product.external_id, flush=True)
"""


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """A data folder of its own, its database migrated."""
    unset = dict.fromkeys(("SELVEDGE_MEDIA_ROOT", "SELVEDGE_MODELS_DIR", "DATABASE_URL", "VECTOR_INDEX_URL"), "")
    return {**os.environ, **unset, "SELVEDGE_DATA_DIR": str(tmp_path / "data"), "PYTHONPATH": "."}


def manage(repository: Path, environment: dict[str, str], *arguments: object) -> str:
    command = [*MANAGE, *map(str, arguments)]
    done = subprocess.run(command, cwd=repository, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def described(data_dir: Path) -> dict[str, set[tuple[int, str]]]:
    """The images every space describes, with the moments, in the database of other processes."""
    found: dict[str, set[tuple[int, str]]] = {}
    rows = (
        "SELECT space.name, image_id, described_at FROM search_imagedescription "
        "JOIN search_space space ON space.id = space_id"
    )
    with sqlite3.connect(data_dir / "db.sqlite3") as database:
        for name, image_id, moment in database.execute(rows):
            found.setdefault(name, set()).add((image_id, moment))
    return found


@pytest.fixture
def server(repository: Path, environment: dict[str, str], tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that searches the fourth packshot once a line."""
    manage(repository, environment, "migrate", "-v0")
    shop = write_shop(tmp_path / "shop", N_PRODUCTS)
    manage(repository, environment, "index_catalog", "--retailer", "acme", "--feed", shop)
    photo = tmp_path / "query.jpg"
    photo.write_bytes(packshot(3))
    code = f"import django; django.setup()\n{SERVE}"
    command = [sys.executable, "-c", code, str(photo)]
    with subprocess.Popen(
        command,
        cwd=repository,
        env=environment | {"DJANGO_SETTINGS_MODULE": "deploy.settings"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield process
        process.kill()


def ask(server: subprocess.Popen[str]) -> tuple[str, str]:
    """The space that answers in the other process, and the product it finds."""
    assert server.stdin is not None
    assert server.stdout is not None
    server.stdin.write("\n")
    server.stdin.flush()
    for line in server.stdout:
        if line.startswith("answer:"):
            _, space, product = line.split()
            return space, product
    raise AssertionError("the server died")


def test_a_killed_shadow_goes_on_and_its_promotion_reaches_a_running_process(
    server: subprocess.Popen[str], repository: Path, environment: dict[str, str], tmp_path: Path
) -> None:
    data_dir = tmp_path / "data"
    (old,) = described(data_dir)
    assert ask(server) == (old, "T3")
    build = ["index_catalog", "--space", "new", "--embedder", str(renamed_embedder(tmp_path / "e.safetensors"))]
    killed = subprocess.Popen([*MANAGE, *build], cwd=repository, env=environment, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 240
    while len(described(data_dir)) == 1 and time.monotonic() < deadline and killed.poll() is None:
        time.sleep(0.02)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    (new,) = set(described(data_dir)) - {old}
    done = described(data_dir)[new]
    assert 0 < len(done) < N_PRODUCTS
    assert ask(server) == (old, "T3")
    assert f"images: {N_PRODUCTS - len(done)} described" in manage(repository, environment, *build)
    assert done <= described(data_dir)[new]
    assert ask(server) == (old, "T3")
    assert "own product first           1.00        1.00" in manage(
        repository, environment, "promote_space", "new", "--live", 2
    )
    assert ask(server) == (new, "T3")
