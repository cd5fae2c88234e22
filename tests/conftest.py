"""Fixtures every test may use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def repository() -> Path:
    """The repository's root folder."""
    return Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real photos named by SELVEDGE_DATA; the test is skipped where there is none."""
    named = os.environ.get("SELVEDGE_DATA", "").strip()
    if not named:
        pytest.skip("SELVEDGE_DATA names no folder of real photos (see CONTRIBUTING, tests on real data)")
    folder = Path(named)
    if not folder.is_dir():
        pytest.skip(f"SELVEDGE_DATA={named} is not a folder")
    return folder
