"""Fixtures every test may use, and the data folder of a test session: a temporary one, never the developer's."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

# Before Django reads its settings, so neither `var/` nor a developer's servers are ever touched by a test.
_SESSION_DIR = tempfile.TemporaryDirectory(prefix="selvedge-tests-")
os.environ["SELVEDGE_DATA_DIR"] = _SESSION_DIR.name
os.environ["SECRET_KEY"] = "only-for-tests"
for _name in (
    "DATABASE_URL",
    "VECTOR_INDEX_URL",
    "CELERY_BROKER_URL",
    "SELVEDGE_MEDIA_ROOT",
    "SELVEDGE_MODELS_DIR",
    "DEBUG",
):
    os.environ.pop(_name, None)


@pytest.fixture(scope="session", autouse=True)
def _remove_session_folder() -> Iterator[None]:
    yield
    _SESSION_DIR.cleanup()


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
