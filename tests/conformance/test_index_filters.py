"""Filters on thousands of vectors, some of them replaced and removed after the first publish."""

from __future__ import annotations

from dataclasses import astuple, dataclass

import numpy as np
import pytest

from search.index.base import NO_CATEGORY, Tags, Where
from search.index.registry import compact, open_reader, open_writer
from tests.conformance.filling import filled, tags_of
from tests.conformance.keepers import KEEPERS, SPACE, KeeperCase
from tests.conformance.oracle import Oracle, assert_good_hits, assert_same_hits, unit_vectors

DIM = 32


@dataclass(frozen=True)
class Large:
    """A published index with what it must answer."""

    url: str
    oracle: Oracle
    queries: np.ndarray
    exact: bool


@pytest.fixture(scope="module", params=KEEPERS, ids=lambda keeper: keeper.name)
def large(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Large:
    """Enough rows for a coarse scan, exact copies so that ties cross the k-th rank, and changes since."""
    url = request.param.url(tmp_path_factory.mktemp("large") / "index")
    many = request.param.many
    oracle, vectors = filled(url, many(14_000), DIM, copies=many(4_000), clusters=40)
    ids = np.array(sorted(oracle.rows))
    changed, removed, new = ids[::20], ids[5::30], np.arange(100_000, 100_000 + many(400))
    moved = unit_vectors(changed.size + new.size, DIM, seed=30, clusters=40)
    with open_writer(url, SPACE, DIM) as writer:
        for some, rows in ((changed, moved[: changed.size]), (new, moved[changed.size :])):
            writer.upsert(some, rows, tags_of(some + 1))
            oracle.upsert(some, rows, tags_of(some + 1))
        assert writer.remove(removed) == oracle.remove(removed)
        writer.publish()
    queries = np.concatenate((vectors[:3], moved[-2:], unit_vectors(4, DIM, seed=2)))
    return Large(url, oracle, queries, request.param.exact)


WHERES = {
    "no filter": None,
    "nothing asked": Where(),
    "one retailer": Where(retailer_ids=frozenset({2})),
    "two retailers": Where(retailer_ids=frozenset({1, 3})),
    "one category": Where(category_ids=frozenset({4})),
    "no category": Where(category_ids=frozenset({NO_CATEGORY})),
    "retailers and categories": Where(retailer_ids=frozenset({1, 2}), category_ids=frozenset({0, 3, NO_CATEGORY})),
    "an unknown retailer": Where(retailer_ids=frozenset({77})),
    "an empty set": Where(category_ids=frozenset()),
    "very many values": Where(category_ids=frozenset(range(-1, 60))),
    "brands": Where(brand_ids=frozenset({0, 2})),
    "an unknown brand asked for": Where(brand_ids=frozenset({-1})),
    "gender and color": Where(gender_ids=frozenset({1}), color_ids=frozenset({0, 1, 5})),
    "currency and price": Where(currency_ids=frozenset({1}), price_min=200, price_max=500),
    "cheap, where the price is known": Where(price_max=100),
    "dear": Where(price_min=900),
    "in stock": Where(in_stock=True),
    "sold out": Where(in_stock=False),
    "almost nothing": Where(frozenset({1}), frozenset({2}), frozenset({3}), price_min=1000),
    "values beyond any column": Where(brand_ids=frozenset({2**40}), price_max=2**50),
}


@pytest.mark.parametrize("name", WHERES)
def test_a_filter_gives_the_oracles_hits_among_thousands(large: Large, name: str) -> None:
    where = WHERES[name]
    hits = open_reader(large.url, SPACE, DIM).search(large.queries, 10, where)
    if large.exact:
        assert_same_hits(hits, large.oracle.search(large.queries, 10, where))
    else:
        assert_good_hits(hits, large.oracle, large.queries, 10, where)


def test_a_narrow_filter_always_fills_k(url: str, keeper: KeeperCase) -> None:
    count = keeper.many(9_000)
    vectors = unit_vectors(count, 16, seed=3)
    ids = np.arange(count)
    tags = [Tags(9 if i % (count // 15) == 0 else 1, 0) for i in ids]
    with open_writer(url, SPACE, 16) as writer:
        writer.upsert(ids, vectors, tags)
        writer.publish()
    hits = open_reader(url, SPACE, 16).search(vectors[1:2], 15, Where(retailer_ids=frozenset({9})))
    assert sorted(hits.ids[0].tolist()) == list(range(0, count, count // 15))


def test_compacting_changes_no_answer(url: str, keeper: KeeperCase) -> None:
    oracle, vectors = filled(url, 3_000, DIM, clusters=20)
    ids = np.array(sorted(oracle.rows))
    with open_writer(url, SPACE, DIM) as writer:
        writer.upsert(ids[:2_500], vectors[:2_500], tags_of(ids[:2_500]))
        oracle.upsert(ids[:2_500], vectors[:2_500], tags_of(ids[:2_500]))
        assert writer.remove(ids[2_400:2_600]) == oracle.remove(ids[2_400:2_600])
        number = writer.publish()
    compact(url, SPACE, DIM)
    reader = open_reader(url, SPACE, DIM)
    assert reader.generation == number
    assert reader.ids().tolist() == sorted(oracle.rows)
    assert reader.tags(ids[:3]).tolist() == [list(astuple(oracle.rows[one][1])) for one in ids[:3].tolist()]
    for where in (None, WHERES["in stock"], WHERES["currency and price"]):
        hits = reader.search(vectors[:20], 10, where)
        if keeper.exact:
            assert_same_hits(hits, oracle.search(vectors[:20], 10, where))
        else:
            assert_good_hits(hits, oracle, vectors[:20], 10, where)
