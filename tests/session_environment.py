"""The environment of a test session: a temporary data folder, never the developer's, and no server but its own.

A plugin (`-p` in pyproject.toml) and no conftest, because pytest-django reads the settings before any conftest.
"""

from __future__ import annotations

import os
import tempfile

import pytest

SESSION_DIR = tempfile.TemporaryDirectory(prefix="selvedge-tests-")
os.environ["SELVEDGE_DATA_DIR"] = SESSION_DIR.name
os.environ["SECRET_KEY"] = "only-for-tests"
# Most tests ask what is answered, not who may ask; those of keys set it back.
os.environ["SELVEDGE_ANONYMOUS"] = "read"
# All tests ask from one address; those of limits set them.
os.environ["SELVEDGE_RATE_ANONYMOUS"] = "off"
os.environ["SELVEDGE_RATE_WRONG_KEYS"] = "off"
for _name in (
    "DATABASE_URL",
    "VECTOR_INDEX_URL",
    "CELERY_BROKER_URL",
    "SELVEDGE_MEDIA_ROOT",
    "SELVEDGE_MODELS_DIR",
    "DEBUG",
):
    os.environ.pop(_name, None)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Removes the folder."""
    SESSION_DIR.cleanup()
