"""What every keeper of vectors must do, compared with an exact oracle. A new keeper joins by adding its URL below."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from search.index import rows as rows_module
from search.index.base import (
    NO_CATEGORY,
    IndexBusy,
    IndexMissing,
    IndexNotWritable,
    InvalidSearch,
    InvalidVectors,
    SpaceMismatch,
    Tags,
    UnsupportedIndexUrl,
    Where,
)
from search.index.registry import open_reader, open_writer
from tests.conformance.oracle import Oracle, assert_same_hits, unit_vectors

SPACE = "testnet-emb8@0123abcd"
DIM = 8
ONE = Tags(1, 4)

KEEPERS: dict[str, Callable[[Path], str]] = {"faiss": lambda folder: f"faiss://{folder}"}


@pytest.fixture(params=sorted(KEEPERS))
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return KEEPERS[request.param](tmp_path / "index")


def ids_of(*ids: int) -> np.ndarray:
    return np.array(ids, dtype=np.int64)


def tags_of(ids: np.ndarray) -> list[Tags]:
    """Three retailers, categories -1..4, decided by the id."""
    return [Tags(int(i) % 3 + 1, int(i) % 6 - 1) for i in ids]


def filled(url: str, count: int, dim: int = DIM, **how: int) -> tuple[Oracle, np.ndarray]:
    """Publish vectors under shuffled, gappy ids, and the same in an oracle."""
    vectors = unit_vectors(count, dim, seed=count, **how)
    ids = np.random.default_rng(count).permutation(count * 3)[:count].astype(np.int64)
    oracle = Oracle()
    oracle.upsert(ids, vectors, tags_of(ids))
    with open_writer(url, SPACE, dim) as writer:
        writer.upsert(ids, vectors, tags_of(ids))
        writer.publish()
    return oracle, vectors


# Searching


@pytest.mark.parametrize("k", [1, 10, 97, 100])
def test_hits_equal_the_oracles_for_every_k(url: str, k: int) -> None:
    oracle, vectors = filled(url, 97, copies=20)
    queries = np.concatenate((vectors[:5], unit_vectors(5, DIM, seed=1)))
    assert_same_hits(open_reader(url, SPACE, DIM).search(queries, k), oracle.search(queries, k))


WHERES = {
    "nothing asked": Where(),
    "one retailer": Where(retailer_ids=frozenset({2})),
    "two retailers": Where(retailer_ids=frozenset({1, 3})),
    "one category": Where(category_ids=frozenset({4})),
    "no category": Where(category_ids=frozenset({NO_CATEGORY})),
    "both": Where(retailer_ids=frozenset({1, 2}), category_ids=frozenset({0, 3, NO_CATEGORY})),
    "an unknown retailer": Where(retailer_ids=frozenset({77})),
    "an empty set": Where(category_ids=frozenset()),
    "very many values": Where(category_ids=frozenset(range(-1, 60))),
}


@pytest.mark.parametrize("name", WHERES)
def test_a_filter_gives_the_oracles_hits_among_thousands(url: str, name: str) -> None:
    dim = 32  # enough rows for a coarse scan, with exact copies so that ties cross the k-th rank
    oracle, vectors = filled(url, 14_000, dim, copies=4_000, clusters=40)
    queries = np.concatenate((vectors[:4], unit_vectors(4, dim, seed=2)))
    reader = open_reader(url, SPACE, dim)
    assert_same_hits(reader.search(queries, 10, WHERES[name]), oracle.search(queries, 10, WHERES[name]))


def test_a_narrow_filter_always_fills_k(url: str) -> None:
    vectors = unit_vectors(9_000, 16, seed=3)
    ids = np.arange(9_000)
    tags = [Tags(9 if i % 600 == 0 else 1, 0) for i in ids]
    with open_writer(url, SPACE, 16) as writer:
        writer.upsert(ids, vectors, tags)
        writer.publish()
    hits = open_reader(url, SPACE, 16).search(vectors[1:2], 15, Where(retailer_ids=frozenset({9})))
    assert sorted(hits.ids[0].tolist()) == list(range(0, 9_000, 600))


@pytest.mark.parametrize("count", [300, 12_000])
def test_when_everything_ties_the_lowest_ids_come_first(url: str, count: int) -> None:
    vector = unit_vectors(1, DIM, seed=4)
    ids = np.arange(count)[::-1].copy()
    with open_writer(url, SPACE, DIM) as writer:
        writer.upsert(ids, np.repeat(vector, count, axis=0), [ONE] * count)
        writer.publish()
    hits = open_reader(url, SPACE, DIM).search(vector, 12)
    assert hits.ids[0].tolist() == list(range(12))
    assert len(set(hits.scores[0].tolist())) == 1


def test_near_duplicates_closer_than_half_precision_can_tell_are_ranked_exactly(url: str) -> None:
    dim, count = 32, 12_000
    noise = 2e-5 * np.random.default_rng(17).standard_normal((count, dim))
    vectors = unit_vectors(1, dim, seed=18) + noise
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    ids = np.arange(count)
    oracle = Oracle()
    oracle.upsert(ids, vectors, tags_of(ids))
    with open_writer(url, SPACE, dim) as writer:
        writer.upsert(ids, vectors, tags_of(ids))
        writer.publish()
    queries = unit_vectors(4, dim, seed=19)
    assert_same_hits(open_reader(url, SPACE, dim).search(queries, 10), oracle.search(queries, 10))


def test_a_query_gets_the_same_answer_alone_and_in_a_batch(url: str) -> None:
    _, vectors = filled(url, 12_000, 32, clusters=10)
    reader = open_reader(url, SPACE, 32)
    batch = reader.search(vectors[:30], 10)
    for row in range(30):
        alone = reader.search(vectors[row : row + 1], 10)
        assert alone.ids[0].tolist() == batch.ids[row].tolist()
        assert alone.scores[0].tolist() == batch.scores[row].tolist()


def test_k_beyond_the_size_is_padded(url: str) -> None:
    filled(url, 3)
    hits = open_reader(url, SPACE, DIM).search(unit_vectors(2, DIM, seed=5), 5)
    assert hits.ids.shape == hits.scores.shape == (2, 5)
    assert (hits.ids[:, 3:] == -1).all()
    assert np.isneginf(hits.scores[:, 3:]).all()
    assert (hits.ids[:, :3] >= 0).all()


def test_an_empty_index_answers_with_padding(url: str) -> None:
    with open_writer(url, SPACE, DIM) as writer:
        empty = writer.search(unit_vectors(1, DIM, seed=6), 3)
        assert writer.publish() == 1
    reader = open_reader(url, SPACE, DIM)
    assert len(reader) == 0
    for hits in (empty, reader.search(unit_vectors(1, DIM, seed=6), 3)):
        assert hits.ids.tolist() == [[-1, -1, -1]]
        assert np.isneginf(hits.scores).all()


def test_no_queries_give_no_rows(url: str) -> None:
    filled(url, 3)
    hits = open_reader(url, SPACE, DIM).search(np.empty((0, DIM), dtype=np.float32), 4)
    assert hits.ids.shape == hits.scores.shape == (0, 4)


@pytest.mark.parametrize("k", [0, -1])
def test_asking_for_no_hits_is_an_error(url: str, k: int) -> None:
    filled(url, 3)
    with pytest.raises(InvalidSearch, match="at least 1"):
        open_reader(url, SPACE, DIM).search(unit_vectors(1, DIM, seed=7), k)


# Changing


def test_ids_lists_what_is_there_in_rising_order(url: str) -> None:
    with open_writer(url, SPACE, DIM) as writer:
        assert writer.ids().tolist() == []
        writer.upsert(ids_of(30, 2, 10), unit_vectors(3, DIM, seed=16), [ONE] * 3)
        writer.publish()
        writer.remove(ids_of(2))
        assert writer.ids().tolist() == [10, 30]
    assert open_reader(url, SPACE, DIM).ids().tolist() == [2, 10, 30]


def test_an_upserted_id_replaces_vector_and_tags(url: str) -> None:
    first, second = unit_vectors(2, DIM, seed=8)
    with open_writer(url, SPACE, DIM) as writer:
        writer.upsert(ids_of(7), first[None], [Tags(1, 2)])
        writer.upsert(ids_of(7), second[None], [Tags(5, 6)])
        writer.publish()
    reader = open_reader(url, SPACE, DIM)
    assert len(reader) == 1
    hits = reader.search(second[None], 2)
    assert hits.ids.tolist() == [[7, -1]]
    assert hits.scores[0, 0] == pytest.approx(1.0, abs=1e-6)
    assert reader.search(second[None], 1, Where(retailer_ids=frozenset({1}))).ids.tolist() == [[-1]]
    assert reader.search(second[None], 1, Where(frozenset({5}), frozenset({6}))).ids.tolist() == [[7]]


def test_remove_counts_what_was_there_and_ignores_the_rest(url: str) -> None:
    with open_writer(url, SPACE, DIM) as writer:
        writer.upsert(ids_of(1, 2, 3), unit_vectors(3, DIM, seed=9), [ONE] * 3)
        assert writer.remove(ids_of(2, 99, 2)) == 1
        assert writer.remove(ids_of()) == 0
        assert len(writer) == 2
        hits = writer.search(unit_vectors(1, DIM, seed=9), 3)
        assert set(hits.ids[0].tolist()) == {1, 3, -1}


def unit(*values: float) -> np.ndarray:
    return np.array([values], dtype=np.float32)


BAD_UPSERTS = {
    "not unit length": (ids_of(1), unit(2, 0), [ONE], "length 2"),
    "zero": (ids_of(1), unit(0, 0), [ONE], "length 0"),
    "nan": (ids_of(1), unit(np.nan, 1), [ONE], "length nan"),
    "infinite": (ids_of(1), unit(np.inf, 0), [ONE], "length inf"),
    "wrong dimension": (ids_of(1), unit(1, 0, 0), [ONE], r"\(N, 2\)"),
    "one-dimensional": (ids_of(1), unit(1, 0)[0], [ONE], r"\(N, 2\)"),
    "float64": (ids_of(1), np.array([[1.0, 0.0]]), [ONE], "float64"),
    "a list": (ids_of(1), [[1.0, 0.0]], [ONE], "list"),
    "a negative id": (ids_of(-1), unit(1, 0), [ONE], "ids must lie"),
    "an id beyond int64": (np.array([2**63], dtype=np.uint64), unit(1, 0), [ONE], "ids must lie"),
    "ids that are not whole": (np.array([1.0]), unit(1, 0), [ONE], "integers"),
    "a repeated id": (ids_of(3, 3), np.repeat(unit(1, 0), 2, axis=0), [ONE] * 2, "id 3 occurs more than once"),
    "too few ids": (ids_of(1), np.repeat(unit(1, 0), 2, axis=0), [ONE], "2 vectors came with 1 ids"),
    "too few tags": (ids_of(1, 2), np.repeat(unit(1, 0), 2, axis=0), [ONE], "1 tags"),
    "a category of None": (ids_of(1), unit(1, 0), [Tags(1, None)], "NO_CATEGORY"),  # type: ignore[arg-type]
}


@pytest.mark.parametrize("name", BAD_UPSERTS)
def test_what_breaks_the_contract_is_refused_and_changes_nothing(url: str, name: str) -> None:
    ids, vectors, tags, message = BAD_UPSERTS[name]
    with open_writer(url, SPACE, 2) as writer:
        writer.upsert(ids_of(5), unit(0, 1), [ONE])
        with pytest.raises(InvalidVectors, match=message):
            writer.upsert(ids, vectors, tags)  # type: ignore[arg-type]
        assert len(writer) == 1
        assert writer.search(unit(0, 1), 2).ids.tolist() == [[5, -1]]


@pytest.mark.parametrize("query", [unit(3, 0), unit(np.nan, 0), unit(1, 0, 0), np.array([[1.0, 0.0]])])
def test_a_query_that_breaks_the_contract_is_refused(url: str, query: np.ndarray) -> None:
    filled(url, 3, 2)
    with pytest.raises(InvalidVectors):
        open_reader(url, SPACE, 2).search(query, 1)


def test_what_the_caller_does_to_its_arrays_later_changes_nothing(url: str) -> None:
    vectors = unit_vectors(2, DIM, seed=10)
    kept = vectors.copy()
    with open_writer(url, SPACE, DIM) as writer:
        writer.upsert(ids_of(1, 2), vectors, [ONE] * 2)
        vectors[:] = 0
        assert writer.search(kept, 1).ids.tolist() == [[1], [2]]


# Publishing


def test_readers_see_published_changes_only_and_at_once(url: str) -> None:
    filled(url, 3)
    reader = open_reader(url, SPACE, DIM)
    new = unit_vectors(1, DIM, seed=11)
    with open_writer(url, SPACE, DIM) as writer:
        assert writer.generation == 1
        writer.upsert(ids_of(1000), new, [ONE])
        assert writer.search(new, 1).ids.tolist() == [[1000]]
        assert (len(reader), reader.generation) == (3, 1)
        assert reader.search(new, 1).ids.tolist() != [[1000]]
        assert writer.publish() == 2
        assert (len(reader), reader.generation) == (4, 2)
        hits = reader.search(new, 1)
        assert (hits.ids.tolist(), hits.generation) == ([[1000]], 2)


def test_changes_that_were_not_published_are_forgotten(url: str) -> None:
    filled(url, 3)
    with open_writer(url, SPACE, DIM) as writer:
        writer.upsert(ids_of(1000), unit_vectors(1, DIM, seed=12), [ONE])
    with open_writer(url, SPACE, DIM) as writer:
        assert len(writer) == 3


def test_a_fresh_writer_starts_empty_and_its_generation_is_still_newer(url: str) -> None:
    filled(url, 3)
    with open_writer(url, SPACE, DIM, fresh=True) as writer:
        assert len(writer) == 0
        assert len(open_reader(url, SPACE, DIM)) == 3
        assert writer.publish() == 2
    assert len(open_reader(url, SPACE, DIM)) == 0


def test_one_process_opens_one_reader(url: str) -> None:
    filled(url, 3)
    assert open_reader(url, SPACE, DIM) is open_reader(url, SPACE, DIM)


def test_a_reader_refuses_to_change(url: str) -> None:
    filled(url, 3)
    reader = open_reader(url, SPACE, DIM)
    with pytest.raises(IndexNotWritable):
        reader.upsert(ids_of(1), unit_vectors(1, DIM, seed=13), [ONE])
    with pytest.raises(IndexNotWritable):
        reader.remove(ids_of(1))
    with pytest.raises(IndexNotWritable):
        reader.publish()


def test_a_writer_refuses_to_change_after_its_lock_is_released(url: str) -> None:
    with open_writer(url, SPACE, DIM) as writer:
        writer.publish()
    with pytest.raises(IndexNotWritable):
        writer.upsert(ids_of(1), unit_vectors(1, DIM, seed=14), [ONE])
    with pytest.raises(IndexNotWritable):
        writer.publish()


def test_a_second_writer_waits_and_then_says_so(url: str) -> None:
    with open_writer(url, SPACE, DIM):
        with pytest.raises(IndexBusy, match=r"for 0\.1 s"), open_writer(url, SPACE, DIM, timeout_s=0.1):
            pass
        with open_writer(url, "othernet-emb8@ffffffff", DIM, timeout_s=0.1) as other:
            assert len(other) == 0
    with open_writer(url, SPACE, DIM, timeout_s=0.1) as writer:
        assert len(writer) == 0


def test_an_exception_inside_the_writer_releases_its_lock(url: str) -> None:
    with pytest.raises(RuntimeError, match="feed is broken"), open_writer(url, SPACE, DIM):
        raise RuntimeError("feed is broken")
    with open_writer(url, SPACE, DIM, timeout_s=0.1) as writer:
        writer.publish()


def test_a_space_that_was_never_published_is_missing(url: str) -> None:
    with pytest.raises(IndexMissing, match="testnet-emb8@0123abcd"):
        open_reader(url, SPACE, DIM)
    filled(url, 3)
    with pytest.raises(IndexMissing, match="published here"):
        open_reader(url, "othernet-emb8@ffffffff", DIM)


def test_another_dimension_is_a_mismatch_for_readers_and_writers(url: str) -> None:
    filled(url, 3)
    with pytest.raises(SpaceMismatch, match="dimension 8"):
        open_reader(url, SPACE, 16)
    with pytest.raises(SpaceMismatch), open_writer(url, SPACE, 16):
        pass


@pytest.mark.parametrize("bad", ["redis://localhost", "faiss://relative/path", "faiss:///", "/srv/index", ""])
def test_an_unknown_url_is_refused_with_what_is_supported(bad: str) -> None:
    with pytest.raises(UnsupportedIndexUrl, match="faiss:///absolute/folder"):
        open_reader(bad, SPACE, DIM)
    with pytest.raises(UnsupportedIndexUrl, match="faiss:///absolute/folder"):
        open_writer(bad, SPACE, DIM)


# Threads


@pytest.mark.parametrize("through", ["writer", "reader"])
def test_a_search_during_changes_sees_one_state_or_the_next_never_a_mixture(url: str, through: str) -> None:
    """In state n, all vectors are the n-th axis: a mixture would show as unequal scores or a wrong number of hits."""
    count, dim, states = 200, 8, 20
    ids = np.arange(count)
    axes = np.eye(dim, dtype=np.float32)
    wrong: list[str] = []
    seen = 0
    done = threading.Event()

    def look(index: object) -> None:
        nonlocal seen
        while not done.is_set():
            hits = index.search(axes, count)  # type: ignore[attr-defined]
            best = hits.scores.max(axis=0)
            if not (best == 1.0).all() or (hits.scores.sum(axis=0) != 1.0).any() or hits.ids.min() < 0:
                wrong.append(repr(hits.scores))
            seen += 1

    with open_writer(url, SPACE, dim) as writer:
        writer.upsert(ids, np.repeat(axes[:1], count, axis=0), [ONE] * count)
        writer.publish()
        watched = writer if through == "writer" else open_reader(url, SPACE, dim)
        threads = [threading.Thread(target=look, args=(watched,)) for _ in range(3)]
        for thread in threads:
            thread.start()
        for state in range(states):
            writer.upsert(ids, np.repeat(axes[state % dim][None], count, axis=0), [ONE] * count)
            if through == "reader":
                writer.publish()
        done.set()
        for thread in threads:
            thread.join()
    assert not wrong
    assert seen >= 3


# Any order of anything

POOL = np.concatenate((np.eye(DIM, dtype=np.float32), unit_vectors(6, DIM, seed=15)))
some_ids = st.lists(st.integers(0, 15), unique=True, max_size=8)
some_filter = st.none() | st.builds(
    Where,
    st.none() | st.frozensets(st.integers(1, 4), max_size=3),
    st.none() | st.frozensets(st.integers(-1, 3), max_size=3),
)
operation = st.one_of(
    st.tuples(st.just("upsert"), some_ids, st.integers(0, 10_000)),
    st.tuples(st.just("remove"), st.lists(st.integers(0, 18), max_size=6)),
    st.tuples(st.just("search"), st.integers(0, len(POOL) - 1), st.integers(1, 20), some_filter),
    st.tuples(st.just("publish")),
    st.tuples(st.just("reopen")),
)


@pytest.mark.parametrize("way", ["as configured", "always through the coarse scan"])
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(operations=st.lists(operation, min_size=1, max_size=20))
def test_any_sequence_of_operations_matches_the_oracle(
    way: str, tmp_path_factory: pytest.TempPathFactory, operations: list[tuple[object, ...]]
) -> None:
    for keeper in KEEPERS.values():
        url = keeper(tmp_path_factory.mktemp("any") / "index")
        with pytest.MonkeyPatch.context() as patch:
            if way != "as configured":
                patch.setattr(rows_module, "MULTIPLY_AT_MOST", 0)
                patch.setattr(rows_module, "MULTIPLY_SHARE", 0.0)
                patch.setattr(rows_module, "candidates_for", lambda k: k + 1)
            _play(url, operations)


def _play(url: str, operations: list[tuple[object, ...]]) -> None:
    """Do the operations to a writer, a reader and two oracles (present and published), comparing on the way."""
    oracle, published = Oracle(), None
    context = open_writer(url, SPACE, DIM)
    writer = context.__enter__()
    try:
        for name, *arguments in operations:
            if name == "upsert":
                ids, seed = arguments
                random = np.random.default_rng(seed)
                vectors = POOL[random.integers(0, len(POOL), len(ids))]
                tags = [Tags(int(r), int(c)) for r, c in random.integers([1, -1], [4, 3], (len(ids), 2))]
                writer.upsert(np.array(ids, dtype=np.int64), vectors, tags)
                oracle.upsert(ids, vectors, tags)
            elif name == "remove":
                assert writer.remove(ids_of(*arguments[0])) == oracle.remove(arguments[0])
            elif name == "search":
                row, k, where = arguments
                query = POOL[row : row + 1]
                assert_same_hits(writer.search(query, k, where), oracle.search(query, k, where))
                if published is not None:
                    found = open_reader(url, SPACE, DIM).search(query, k, where)
                    assert_same_hits(found, published.search(query, k, where))
            elif name == "publish":
                writer.publish()
                published = oracle.snapshot()
            else:
                context.__exit__(None, None, None)
                context = open_writer(url, SPACE, DIM)
                writer = context.__enter__()
                oracle = Oracle() if published is None else published.snapshot()
            assert len(writer) == len(oracle.rows)
            if published is not None:
                assert len(open_reader(url, SPACE, DIM)) == len(published.rows)
    finally:
        context.__exit__(None, None, None)
