"""Documents keep up with the code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

SETTING = re.compile(r"SELVEDGE_[A-Z_]+[A-Z]")
UNSET = {"SELVEDGE_GREETING", "SELVEDGE_DATA", "SELVEDGE_VERSION", "SELVEDGE_RATES"}
"""What one process of ours tells another, tests' own, and settings that no variable sets."""


def read_by(folder: Path) -> set[str]:
    """Names of variables in quotation marks: those the code reads."""
    sources = "".join(path.read_text(encoding="utf-8") for path in folder.rglob("*.py"))
    return set(re.findall(r"\"(SELVEDGE_[A-Z_]+[A-Z])\"", sources))


def test_every_variable_is_in_the_document_of_settings_and_no_other(repository: Path) -> None:
    documented = set(SETTING.findall((repository / "docs" / "settings.md").read_text(encoding="utf-8")))
    read = read_by(repository / "deploy") | read_by(repository / "workers")
    assert read - UNSET == documented


@pytest.mark.parametrize("document", ["security.md", "integrate.md"])
def test_tests_that_a_document_names_exist(repository: Path, document: str) -> None:
    named = set(
        re.findall(r"`(?:tests/\w+/)?(test_\w+)(?:\.py)?`", (repository / "docs" / document).read_text("utf-8"))
    )
    known = {path.stem for path in (repository / "tests").rglob("test_*.py")}
    assert named
    assert named <= known
