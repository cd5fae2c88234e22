"""Odd variables stop a process with their name, before it serves anything."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    ("name", "value"),
    [("SELVEDGE_MAX_UPLOAD_BYTES", "20MB"), ("SELVEDGE_MAX_UPLOAD_BYTES", "0"), ("SELVEDGE_SEARCH_TIMEOUT_S", "nan")],
)
def test_a_limit_that_is_no_number_is_named(repository, name, value):
    done = subprocess.run(
        [sys.executable, "-c", "import deploy.settings"],
        cwd=repository,
        env=os.environ | {name: value},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert f"{name} must be a number above 0, not '{value}'" in done.stderr
