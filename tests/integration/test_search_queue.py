"""Indexing over a real Redis that nobody works for: the command says so. The workers are in `test_queue`."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis

from tests.search_shop import write_shop

pytestmark = pytest.mark.services
Manage = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def manage(tmp_path: Path, repository: Path, redis_url: str) -> Iterator[Manage]:
    """Runs manage.py as an operator would, on a migrated SQLite, with a broker and without workers."""
    environment = {**os.environ, "SELVEDGE_DATA_DIR": str(tmp_path / "data"), "CELERY_BROKER_URL": redis_url}

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "manage.py", *arguments]
        return subprocess.run(command, cwd=repository, env=environment, capture_output=True, text=True, check=False)

    run("migrate", "-v0")
    yield run
    # The server serves the whole session: nobody else shall find our photos in its queue.
    redis.Redis.from_url(redis_url).flushall()


def test_without_workers_the_command_says_so_and_nothing_is_lost(manage: Manage, tmp_path: Path) -> None:
    feed = write_shop(tmp_path / "shop", 2)
    stalled = manage("index_catalog", "--retailer", "acme", "--feed", str(feed), "--stall-timeout", "1")
    assert stalled.returncode != 0
    assert "Is a vision worker running" in stalled.stderr
    status = manage("index_status").stdout
    assert "images due            2" in status
    assert "images described      0" in status
