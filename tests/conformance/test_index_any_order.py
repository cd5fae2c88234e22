"""Any sequence of operations, compared with two oracles on the way: what is present, and what is published."""

from __future__ import annotations

import os
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from search.index import compaction, drafts
from search.index import rows as rows_module
from search.index.base import TAG_NAMES, Tags, VectorIndex, Where
from search.index.registry import compact, open_reader, open_writer
from tests.conformance.filling import DIM, ids_of
from tests.conformance.keepers import EXACT_KEEPERS, SPACE, KeeperCase
from tests.conformance.oracle import Oracle, assert_same_hits, unit_vectors

POOL = np.concatenate((np.eye(DIM, dtype=np.float32), unit_vectors(6, DIM, seed=15)))
some_ids = st.lists(st.integers(0, 15), unique=True, max_size=8)
a_few = st.none() | st.frozensets(st.integers(-1, 3), max_size=3)
a_price = st.none() | st.integers(0, 4)
some_filter = st.none() | st.builds(
    Where,
    a_few,
    a_few,
    a_few,
    color_ids=a_few,
    price_min=a_price,
    price_max=a_price,
    in_stock=st.none() | st.booleans(),
)
operation = st.one_of(
    st.tuples(st.just("upsert"), some_ids, st.integers(0, 10_000)),
    st.tuples(st.just("remove"), st.lists(st.integers(0, 18), max_size=6)),
    st.tuples(st.just("search"), st.integers(0, len(POOL) - 1), st.integers(1, 20), some_filter),
    st.tuples(st.just("publish")),
    st.tuples(st.just("reopen")),
    st.tuples(st.just("compact")),
    st.tuples(st.just("begin anew")),
)


@pytest.mark.parametrize("way", ["as configured", "built and folded early, always through the coarse scan"])
@pytest.mark.parametrize("case", [case for case in EXACT_KEEPERS if case.slow == 1], ids=lambda case: case.name)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(operations=st.lists(operation, min_size=1, max_size=24))
def test_any_sequence_of_operations_matches_the_oracle(
    case: KeeperCase, way: str, tmp_path_factory: pytest.TempPathFactory, operations: list[tuple[object, ...]]
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda _: None)  # the machine is not switched off here
        if way != "as configured":
            patch.setattr(rows_module, "MULTIPLY_AT_MOST", 0)
            patch.setattr(rows_module, "MULTIPLY_SHARE", 0.0)
            patch.setattr(rows_module, "candidates_for", lambda k: k + 1)
            patch.setattr(drafts, "BUILD_AT_LEAST", 3)
            patch.setattr(compaction, "DUE_ABOVE_ROWS", 2)
        play_all(case.url(tmp_path_factory.mktemp("any") / "index"), operations)


@pytest.mark.parametrize("case", [case for case in EXACT_KEEPERS if case.slow > 1], ids=lambda case: case.name)
@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(operations=st.lists(operation, min_size=8, max_size=16))
def test_some_sequences_of_operations_match_the_oracle_where_the_engine_is_slow(
    case: KeeperCase, tmp_path_factory: pytest.TempPathFactory, operations: list[tuple[object, ...]]
) -> None:
    play_all(case.url(tmp_path_factory.mktemp("any") / "index"), operations)


def play_all(url: str, operations: list[tuple[object, ...]]) -> None:
    with Play(url) as play:
        for name, *arguments in operations:
            getattr(play, name.replace(" ", "_"))(*arguments)  # type: ignore[attr-defined]
            play.check_content()


class Play:
    """A writer, a reader, and what each of them must answer."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.oracle = Oracle()
        self.published: Oracle | None = None
        self.stack = ExitStack()
        self.writer: VectorIndex = self.stack.enter_context(open_writer(url, SPACE, DIM))

    def __enter__(self) -> Play:
        return self

    def __exit__(self, *_: object) -> None:
        self.stack.close()

    def upsert(self, ids: list[int], seed: int) -> None:
        random = np.random.default_rng(seed)
        vectors = POOL[random.integers(0, len(POOL), len(ids))]
        tags = [Tags(*values) for values in random.integers(-1, 4, (len(ids), len(TAG_NAMES))).tolist()]
        tags = [replace(tag, in_stock=tag.price % 2) for tag in tags]
        self.writer.upsert(np.array(ids, dtype=np.int64), vectors, tags)
        self.oracle.upsert(ids, vectors, tags)

    def remove(self, ids: list[int]) -> None:
        assert self.writer.remove(ids_of(*ids)) == self.oracle.remove(ids)

    def search(self, row: int, k: int, where: Where | None) -> None:
        query = POOL[row : row + 1]
        assert_same_hits(self.writer.search(query, k, where), self.oracle.search(query, k, where))
        if self.published is not None:
            found = open_reader(self.url, SPACE, DIM).search(query, k, where)
            assert_same_hits(found, self.published.search(query, k, where))

    def publish(self) -> None:
        self.writer.publish()
        self.published = self.oracle.snapshot()

    def reopen(self, *, fresh: bool = False) -> None:
        self.stack.close()
        self.writer = self.stack.enter_context(open_writer(self.url, SPACE, DIM, fresh=fresh))
        self.oracle = Oracle() if self.published is None or fresh else self.published.snapshot()

    def begin_anew(self) -> None:
        self.reopen(fresh=True)

    def compact(self) -> None:
        self.stack.close()
        compact(self.url, SPACE, DIM)
        self.reopen()

    def check_content(self) -> None:
        held = [(self.writer, self.oracle)]
        if self.published is not None:
            held.append((open_reader(self.url, SPACE, DIM), self.published))
        for index, oracle in held:
            assert len(index) == len(oracle.rows)
            assert index.ids().tolist() == sorted(oracle.rows)
            expected = [
                [getattr(oracle.rows[one][1], name) for name in TAG_NAMES]
                if one in oracle.rows
                else [-3] * len(TAG_NAMES)
                for one in range(16)
            ]
            assert index.tags(np.arange(16)).tolist() == expected


def test_a_writer_left_without_publishing_does_not_disturb_what_follows(tmp_path: Path) -> None:
    """In one process all share what they opened: a forgotten change must leave nothing behind."""
    for case in EXACT_KEEPERS:
        url = case.url(tmp_path / case.name)
        with Play(url) as play:
            play.upsert([1, 2, 3], 1)
            play.publish()
            reader = open_reader(url, SPACE, DIM)
            before = reader.search(POOL, 5)
            play.upsert([2, 4], 2)
            play.remove([1])
            play.reopen()
            play.check_content()
            play.upsert([9, 2], 3)
            assert_same_hits(reader.search(POOL, 5), before)
            play.publish()
            play.check_content()
            play.search(0, 5, None)
