"""How gunicorn serves, as the environment says; blanks, as compose files pass them, say nothing."""

from __future__ import annotations

import os
import runpy
from typing import Any

import pytest

NAMES = ("HOST", "PORT", "WEB_CONCURRENCY", "WEB_THREADS")


def read(repository, monkeypatch, **variables: str) -> dict[str, Any]:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setitem(os.environ, name, value)
    return runpy.run_path(str(repository / "deploy" / "gunicorn_conf.py"))


@pytest.mark.parametrize("blank", ["", " "])
@pytest.mark.parametrize(("broker", "processes"), [("", 1), ("redis://localhost:1/0", 2)])
def test_blank_variables_count_as_not_set(repository, monkeypatch, blank, broker, processes):
    found = read(repository, monkeypatch, CELERY_BROKER_URL=broker, **dict.fromkeys(NAMES, blank))
    assert (found["bind"], found["workers"], found["threads"]) == ("127.0.0.1:8000", processes, 8)


def test_what_is_set_is_used(repository, monkeypatch):
    found = read(repository, monkeypatch, HOST="0.0.0.0", PORT="80", WEB_CONCURRENCY="3", WEB_THREADS="5")
    assert (found["bind"], found["workers"], found["threads"]) == ("0.0.0.0:80", 3, 5)


@pytest.mark.parametrize("name", ["PORT", "WEB_CONCURRENCY", "WEB_THREADS"])
def test_what_is_no_number_is_named(repository, monkeypatch, name):
    with pytest.raises(ValueError, match=f"{name} must be a whole number, not 'many'"):
        read(repository, monkeypatch, **{name: "many"})
