"""Session-wide servers. Asking for one skips the test, with what to install, where the program is missing."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import psycopg
import pytest

from tests.integration.services import ServiceMissingError, postgres_server, redis_server


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
