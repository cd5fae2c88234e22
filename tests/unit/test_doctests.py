"""Examples in docstrings are true."""

from __future__ import annotations

import doctest
import importlib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("segmentation", "catalog", "workers", "search", "deploy")
MODULES = [
    ".".join(file.relative_to(ROOT).with_suffix("").parts)
    for room in ROOMS
    for file in sorted((ROOT / room).rglob("*.py"))
    if ">>>" in file.read_text(encoding="utf-8")
]


def test_some_modules_have_examples() -> None:
    assert "segmentation.boxes" in MODULES


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_a_module_are_true(name: str) -> None:
    result = doctest.testmod(importlib.import_module(name))
    assert result.attempted > 0
    assert result.failed == 0
