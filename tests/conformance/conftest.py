"""Each test here gets every keeper in turn; `url` is an index of its own, where nothing is published."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conformance.keepers import EXACT_KEEPERS, KEEPERS, KeeperCase


@pytest.fixture(params=KEEPERS, ids=lambda keeper: keeper.name)
def keeper(request: pytest.FixtureRequest) -> KeeperCase:
    case: KeeperCase = request.param
    return case


@pytest.fixture
def url(keeper: KeeperCase, tmp_path: Path) -> str:
    return keeper.url(tmp_path / "index")


@pytest.fixture(params=EXACT_KEEPERS, ids=lambda keeper: keeper.name)
def exact_keeper(request: pytest.FixtureRequest) -> KeeperCase:
    """Of the keepers that are exact at any size."""
    case: KeeperCase = request.param
    return case


@pytest.fixture
def exact_url(exact_keeper: KeeperCase, tmp_path: Path) -> str:
    return exact_keeper.url(tmp_path / "index")
