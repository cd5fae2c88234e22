"""The Milvus keeper by itself: its URL, answers that come back short, content it cannot trust."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from search.index.base import IndexDamaged, IndexMissing, PublishFailed, Tags, UnsupportedIndexUrl, Where
from search.index.milvus_options import MilvusAddress
from search.index.registry import index_facts, open_reader, open_writer

pytest.importorskip("pymilvus", reason="the optional extra milvus is not installed; see tests/requirements.txt")
pytest.importorskip("milvus_lite", reason="the engine of these tests is milvus-lite; see tests/requirements.txt")

# After the skips: these import the client.
from search.index import milvus_client, milvus_rows, milvus_writer
from search.index.milvus_client import MilvusConnection, connection_to

SPACE, DIM = "testnet-emb8@0123abcd", 8
AXES = np.eye(DIM, dtype=np.float32)


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"milvus://{tmp_path}/index.db"


def connection(url: str) -> MilvusConnection:
    return connection_to(MilvusAddress.parse(url.removeprefix("milvus://")))


def publish(url: str, count: int) -> int:
    ids = np.arange(count)
    with open_writer(url, SPACE, DIM) as writer:
        writer.upsert(ids, AXES[ids % DIM], [Tags(i % 3, 4) for i in range(count)])
        return writer.publish()


@pytest.mark.parametrize(
    ("rest", "message"),
    [
        ("localhost", "host:port/name"),
        ("localhost:19530", "host:port/name"),
        ("localhost:19530/my_shop", "letters and digits"),
        ("/srv/index", "end in .db"),
        ("host:1/shop?indx=HNSW", "did you mean index"),
        ("host:1/shop?index=BTREE", "one of FLAT, IVF_FLAT"),
        ("/srv/index.db?index=DISKANN", "one of FLAT, IVF_FLAT, HNSW"),
        ("host:1/shop?ef=4", "8..16384"),
        ("host:1/shop?tls=yes", "true or false"),
    ],
)
def test_a_url_that_names_no_server_or_file_is_refused(rest: str, message: str) -> None:
    with pytest.raises(UnsupportedIndexUrl, match=message):
        open_reader(f"milvus://{rest}", SPACE, DIM)


def test_a_secret_comes_from_the_environment_and_is_missed_there(monkeypatch: pytest.MonkeyPatch) -> None:
    address = MilvusAddress.parse("db.example:19530/shop?token_env=SHOP_TOKEN&tls=true")
    assert address.uri == "https://db.example:19530"
    monkeypatch.setenv("SHOP_TOKEN", "reader:secret")
    assert address.token() == "reader:secret"
    monkeypatch.delenv("SHOP_TOKEN")
    with pytest.raises(UnsupportedIndexUrl, match="SHOP_TOKEN"):
        address.token()


def test_looking_for_an_index_creates_no_file(tmp_path: Path, url: str) -> None:
    with pytest.raises(IndexMissing):
        open_reader(url, SPACE, DIM)
    assert list(tmp_path.iterdir()) == []


def test_a_search_that_comes_back_short_is_repeated_wider_and_at_last_done_exactly(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What an approximate index does under a narrow filter: here it gives no more than two rows, ever."""
    publish(url, 60)
    reader = open_reader(url + "?index=HNSW", SPACE, DIM)
    limits: list[int] = []
    real = MilvusConnection.search

    def short(self: MilvusConnection, name: str, queries: np.ndarray, limit: int, expression: str) -> list[object]:
        limits.append(limit)
        found = real(self, name, queries, limit, expression)
        return [milvus_client.Candidates(one.ids[:2], one.scores[:2], one.vectors[:2]) for one in found]

    monkeypatch.setattr(MilvusConnection, "search", short)
    hits = reader.search(AXES[:1], 30, Where(retailer_ids=frozenset({1})))
    assert hits.ids[0, :3].tolist() == [16, 40, 1]  # of every third row, those on the first axis, then by id
    assert (hits.ids[0] >= 0).sum() == 20
    assert limits == sorted(limits)
    assert limits[-1] == milvus_client.MOST_HITS


def test_more_ties_than_any_search_may_return_still_give_k_hits(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(milvus_rows, "MOST_HITS", 70)
    with open_writer(url, SPACE, DIM) as writer:
        writer.upsert(np.arange(200), np.repeat(AXES[:1], 200, axis=0), [Tags(1, 4)] * 200)
        writer.publish()
    hits = open_reader(url, SPACE, DIM).search(AXES[:1], 10)
    assert len(set(hits.ids[0].tolist()) - {-1}) == 10
    assert open_reader(url, SPACE, DIM).search(AXES[:1], 150).ids[0].tolist() == list(range(150))


def test_an_index_built_anew_is_sent_in_batches_nobody_sees(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(milvus_writer, "ROWS_A_REQUEST", 16)
    publish(url, 3)
    reader = open_reader(url, SPACE, DIM)
    with open_writer(url, SPACE, DIM, fresh=True) as writer:
        for start in range(0, 100, 10):
            ids = np.arange(start, start + 10)
            writer.upsert(ids, AXES[ids % DIM], [Tags(1, 4)] * 10)
        assert writer.remove(np.array([0, 99, 500])) == 2
        assert len(writer) == 98
        assert writer.ids().tolist() == list(range(1, 99))
        assert len(reader) == 3
        assert writer.publish() == 2
    assert reader.ids().tolist() == list(range(1, 99))


def test_an_index_without_its_number_or_of_another_layout_is_damaged_and_can_be_built_anew(url: str) -> None:
    publish(url, 3)
    there = connection(url)
    (collection,) = there.names()
    there.delete(collection, [milvus_rows.STATE_ID])
    with pytest.raises(IndexDamaged, match="rebuild"):
        open_reader(url, SPACE, DIM)
    with pytest.raises(IndexDamaged), open_writer(url, SPACE, DIM):
        pass
    with open_writer(url, SPACE, DIM, fresh=True) as writer:
        number = writer.publish()
    assert number > 1
    assert open_reader(url, SPACE, DIM).generation == number


def test_a_refused_change_can_be_published_again(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    publish(url, 3)
    with open_writer(url, SPACE, DIM) as writer:
        writer.upsert(np.array([7]), AXES[7:], [Tags(1, 4)])
        with monkeypatch.context() as patch:
            patch.setattr(MilvusConnection, "upsert", refusing)
            with pytest.raises(PublishFailed, match="no more memory"):
                writer.publish()
        assert open_reader(url, SPACE, DIM).generation == 1
        assert writer.publish() == 2
    assert open_reader(url, SPACE, DIM).ids().tolist() == [0, 1, 2, 7]


def refusing(*_: object) -> None:
    raise milvus_client.IndexUnreachable("no more memory")


def test_facts_name_the_engine_and_its_index(url: str) -> None:
    publish(url, 5)
    facts = index_facts(url, SPACE, DIM)
    assert (facts.kind, facts.n_vectors, facts.generation) == ("milvus lite FLAT", 5, 1)
