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
def exact_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Of the keepers that are exact at any size."""
    url: str = request.param.url(tmp_path / "index")
    return url
