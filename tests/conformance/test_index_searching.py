"""Searching: the oracle's hits, whatever k, filter, batch or tie."""

from __future__ import annotations

import numpy as np
import pytest

from search.index.base import InvalidSearch
from search.index.registry import open_reader, open_writer
from tests.conformance.filling import DIM, ONE, filled, tags_of
from tests.conformance.keepers import SPACE, KeeperCase
from tests.conformance.oracle import Oracle, assert_same_hits, unit_vectors


@pytest.mark.parametrize("k", [1, 10, 97, 100])
def test_hits_equal_the_oracles_for_every_k(url: str, k: int) -> None:
    oracle, vectors = filled(url, 97, copies=20)
    queries = np.concatenate((vectors[:5], unit_vectors(5, DIM, seed=1)))
    assert_same_hits(open_reader(url, SPACE, DIM).search(queries, k), oracle.search(queries, k))


@pytest.mark.parametrize("count", [300, 12_000])
def test_when_everything_ties_the_lowest_ids_come_first(exact_keeper: KeeperCase, exact_url: str, count: int) -> None:
    count = exact_keeper.many(count)
    vector = unit_vectors(1, DIM, seed=4)
    ids = np.arange(count)[::-1].copy()
    with open_writer(exact_url, SPACE, DIM) as writer:
        writer.upsert(ids, np.repeat(vector, count, axis=0), [ONE] * count)
        writer.publish()
    hits = open_reader(exact_url, SPACE, DIM).search(vector, 12)
    assert hits.ids[0].tolist() == list(range(12))
    assert len(set(hits.scores[0].tolist())) == 1


def test_near_duplicates_closer_than_half_precision_can_tell_are_ranked_exactly(
    exact_keeper: KeeperCase, exact_url: str
) -> None:
    dim, count = 32, exact_keeper.many(12_000)
    noise = 2e-5 * np.random.default_rng(17).standard_normal((count, dim))
    vectors = unit_vectors(1, dim, seed=18) + noise
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    ids = np.arange(count)
    oracle = Oracle()
    oracle.upsert(ids, vectors, tags_of(ids))
    with open_writer(exact_url, SPACE, dim) as writer:
        writer.upsert(ids, vectors, tags_of(ids))
        writer.publish()
    queries = unit_vectors(4, dim, seed=19)
    assert_same_hits(open_reader(exact_url, SPACE, dim).search(queries, 10), oracle.search(queries, 10))


def test_a_query_gets_the_same_answer_alone_and_in_a_batch(exact_keeper: KeeperCase, exact_url: str) -> None:
    _, vectors = filled(exact_url, exact_keeper.many(12_000), 32, clusters=10)
    reader = open_reader(exact_url, SPACE, 32)
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
