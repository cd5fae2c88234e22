"""Session-wide servers, and spaces without models.

Asking for a server skips the test, with what to install, where the program is missing.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest
from pytest_django import Settings

from tests.integration.services import ServiceMissingError, postgres_server, redis_server
from tests.pretend_models import PretendModel, by_colors, write_pair
from tests.search_shop import write_shop
from tests.spaces_shop import index
from workers import client, runtime
from workers.model_files import CheckpointPair, configured_pair


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real Redis of this session's own."""
    try:
        with redis_server(tmp_path_factory.mktemp("redis")) as url:
            yield url
    except ServiceMissingError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def postgres_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real PostgreSQL of this session's own, with an empty database."""
    try:
        with postgres_server(tmp_path_factory.mktemp("pg")) as url:
            yield url
    except ServiceMissingError as error:
        pytest.skip(str(error))


_numbers = itertools.count(1)


@pytest.fixture
def empty_postgres_url(postgres_url: str) -> str:
    """An empty database of one test's own, on the session's PostgreSQL."""
    server, name = postgres_url.rpartition("/")[0], f"empty{next(_numbers)}"
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return f"{server}/{name}"


@pytest.fixture
def own_folders(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything below a temporary folder; pair 0 is the configured one."""
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.VECTOR_INDEX_URL = f"faiss://{tmp_path / 'index'}"
    pair = write_pair(tmp_path / "configured", 0)
    for name, value in (
        ("SELVEDGE_MEDIA_ROOT", tmp_path / "media"),
        ("SELVEDGE_MODELS_DIR", tmp_path / "models"),
        ("SELVEDGE_SEGMENTER", pair.segmenter),
        ("SELVEDGE_EMBEDDER", pair.embedder),
    ):
        monkeypatch.setenv(name, str(value))


@pytest.fixture
def lend(own_folders: None) -> Iterator[Callable[..., PretendModel]]:
    """Puts a pretended model in the place of a pair's."""
    with ExitStack() as stack:

        def put(pair: CheckpointPair, embed: Callable[[bytes], object] = by_colors) -> PretendModel:
            model = PretendModel(pair.space(), embed)
            stack.enter_context(runtime.lent(model))
            return model

        yield put


@pytest.fixture
def old(lend: Callable[..., PretendModel], tmp_path: Path) -> PretendModel:
    """The model of the configured pair; five products are indexed with it and it serves."""
    model = lend(configured_pair())
    write_shop(tmp_path / "shop")
    index(tmp_path)
    return model


@pytest.fixture
def other(lend: Callable[..., PretendModel], tmp_path: Path) -> PretendModel:
    """A model of another pair, as good as the configured one's."""
    return lend(write_pair(tmp_path / "given", 1))


@pytest.fixture
def nobody_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever has a photo described fails: what answers from stored vectors needs no vision."""

    def look(*_: object, **__: object) -> None:
        raise AssertionError("vision was called")

    for module, name in ((client, "describe_photos"), (client, "send"), (runtime, "predictor")):
        monkeypatch.setattr(module, name, look)
