"""Several processes on one index, and processes killed in the middle of their work."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")


def findings_of(module: str, *arguments: str, repository: Path) -> Any:
    """Run a module of the tests, and read the JSON it prints last."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", module, *arguments]
    ended = subprocess.run(command, capture_output=True, text=True, cwd=repository, env=environment, timeout=180)
    assert ended.returncode == 0, ended.stderr
    assert "Traceback" not in ended.stderr, ended.stderr
    return json.loads(ended.stdout)


def test_writers_and_compactors_killed_at_any_moment_leave_exactly_what_was_published(
    tmp_path: Path, repository: Path
) -> None:
    found = findings_of("tests.index_killing", str(tmp_path / "index"), "20", repository=repository)
    assert (found["wrong"], found["died"]) == (0, 0)
    assert found["published"] > found["kills"] / 4
    assert found["bases"] >= 2
    assert found["seen"]["a torn log"], "no kill hit an unfinished publish; the test proves nothing"
    assert found["seen"]["a half-built base"], "no kill hit a compaction; the test proves nothing"


def test_readers_in_other_processes_get_right_answers_of_the_last_second_during_changes_and_compactions(
    tmp_path: Path, repository: Path
) -> None:
    found = findings_of("tests.index_stress", str(tmp_path / "index"), "4", repository=repository)
    (writer, compactor), readers = found[:2], found[2:]
    for reader in readers:
        assert (reader["wrong"], reader["stale"]) == (0, 0)
        assert reader["newest"] == writer["published"]
        assert reader["searches"] >= 100
        assert reader["checked for staleness"] >= 2
    assert writer["published"] >= 20
    assert compactor["folded"] >= 2
