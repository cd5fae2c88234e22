"""How a base is searched: lists of compact codes against a full multiplication, filters, removals, options."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

from search.index import masks, rows
from search.index.base import NO_VALUE, TAG_NAMES, Tags, UnsupportedIndexUrl, Where
from search.index.build_lists import facts_path, list_of_path
from search.index.clustering import Assigner, cluster, gpu_present
from search.index.coarse import build_coarse, map_coarse
from search.index.inverted import InvertedLists
from search.index.masks import Selections, positions_in
from search.index.options import FLAT_AT_MOST, IndexOptions
from search.index.registry import compact, index_facts, open_reader, open_writer
from search.index.rows import Rows
from search.index.scans import CoarseUnreadable
from tests.conformance.oracle import unit_vectors

N, DIM, N_CLUSTERS, K = 8_000, 48, 40, 10
SQ8 = IndexOptions(kind="ivf_sq8")


def base(folder: Path, vectors: np.ndarray, options: IndexOptions = SQ8, **tags: np.ndarray) -> Rows:
    """Build a base of vectors under the ids 0, 3, 6, ..., and map it."""
    path = folder / "coarse.faiss"
    build_coarse(vectors, path, options)
    columns = tuple(tags.get(name, np.zeros(len(vectors), dtype=np.int16)) for name in TAG_NAMES)
    return Rows(
        3 * np.arange(len(vectors)), columns, vectors, map_coarse(path, vectors.shape[1], len(vectors), options)
    )


def reopened(found: Rows, folder: Path, options: IndexOptions) -> Rows:
    return Rows(found.ids, found.tags, found.vectors, map_coarse(folder / "coarse.faiss", DIM, N, options))


def clustered(count: int = N) -> tuple[np.ndarray, np.ndarray]:
    """Draw vectors around centers, and tell the center of each."""
    random = np.random.default_rng(5)
    cluster_of = random.integers(0, N_CLUSTERS, count)
    vectors = random.standard_normal((N_CLUSTERS, DIM))[cluster_of] + 0.5 * random.standard_normal((count, DIM))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32), cluster_of


def near(vectors: np.ndarray, count: int = 60, spread: float = 0.08) -> np.ndarray:
    """Draw queries: stored vectors, each coordinate (about 0.14) moved by about `spread`."""
    random = np.random.default_rng(6)
    chosen = vectors[random.integers(0, len(vectors), count)]
    queries = chosen + spread * random.standard_normal(chosen.shape)
    return (queries / np.linalg.norm(queries, axis=1, keepdims=True)).astype(np.float32)


def recall(found: Rows, queries: np.ndarray, mask: np.ndarray | None, where: Where | None, k: int = K) -> float:
    """Share of the k best, by exact multiplication, that are found; checks that all found are allowed and k of them."""
    hits = found.search(queries, k, where, None)
    scores = queries.astype(np.float64) @ found.vectors.astype(np.float64).T
    if mask is not None:
        scores[:, ~mask] = -np.inf
    total = 0
    for (ids, _), row in zip(hits, scores, strict=True):
        assert len(set(ids.tolist())) == ids.size == min(k, np.isfinite(row).sum())
        assert np.isfinite(row[ids // 3]).all()
        total += int((row[ids // 3] >= np.sort(row)[-ids.size] - 1e-6).sum())
    return total / sum(ids.size for ids, _ in hits)


@pytest.fixture(scope="module")
def lists(tmp_path_factory: pytest.TempPathFactory) -> tuple[Rows, np.ndarray, Path]:
    folder = tmp_path_factory.mktemp("lists")
    vectors, cluster_of = clustered()
    return base(folder, vectors, category_id=cluster_of, retailer_id=np.arange(N) % 1000), cluster_of, folder


@pytest.fixture
def never_multiplied(monkeypatch: pytest.MonkeyPatch) -> None:
    """However few rows are selected, lists are looked into."""
    monkeypatch.setattr(rows, "MULTIPLY_BEFORE_LISTS_AT_MOST", 0)


def looked_into(found: Rows, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many lists each scan looks into, from now on."""
    coarse = found.coarse
    assert isinstance(coarse, InvertedLists)
    scan, counts = coarse.codes.scan, list[int]()

    def counting(query: np.ndarray, which: np.ndarray, *rest: object) -> object:
        counts.append(which.size)
        return scan(query, which, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(coarse.codes, "scan", counting)
    return counts


# Options


def test_the_kind_follows_from_the_size_unless_it_is_asked_for() -> None:
    assert [IndexOptions().kind_for(n) for n in (0, FLAT_AT_MOST, FLAT_AT_MOST + 1)] == ["flat", "flat", "ivf_sq8"]
    assert IndexOptions(kind="flat").kind_for(10**7) == "flat"
    assert IndexOptions(kind="ivf_pq").kind_for(5_000) == "ivf_pq"


def test_too_few_vectors_to_learn_from_are_scanned_whatever_is_asked_for(tmp_path: Path) -> None:
    assert base(tmp_path, unit_vectors(300, 8, seed=1)).kind == "flat"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"knid": "flat"}, "did you mean kind"),
        ({"colour": "red"}, "known are kind, nlist, nprobe, rerank, device"),
        ({"kind": "hnsw"}, "kind must be one of auto, flat, ivf_sq8, ivf_pq, not 'hnsw'"),
        ({"nprobe": "0"}, "nprobe must be a whole number in 1"),
        ({"nlist": "many"}, "nlist must be a whole number"),
        ({"rerank": "²"}, "rerank must be a whole number"),
        ({"device": ""}, "device must be one of cpu, gpu"),
    ],
)
def test_options_that_mean_nothing_are_refused_with_what_would(options: dict[str, str], message: str) -> None:
    with pytest.raises(UnsupportedIndexUrl, match=message):
        IndexOptions.from_url(options)


# Recall


@pytest.mark.parametrize("kind", ["ivf_sq8", "ivf_pq"])
def test_the_nearest_are_found_by_looking_into_a_part_of_the_lists(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    vectors, _ = clustered()
    found = base(tmp_path, vectors, IndexOptions(kind=kind))
    assert found.kind.startswith(f"{kind}, 358 lists, recall@10 ")
    counts = looked_into(found, monkeypatch)
    assert recall(found, near(vectors), None, None) >= 0.99
    assert sum(counts) / 60 < 0.3 * 358


def test_a_query_far_from_everything_looks_into_more_lists_and_finds_as_much(
    lists: tuple[Rows, np.ndarray, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    found, _, _ = lists
    counts = looked_into(found, monkeypatch)
    recall(found, near(found.vectors), None, None)
    n_near = sum(counts)
    counts.clear()
    assert recall(found, near(found.vectors, spread=0.2), None, None) >= 0.99
    assert sum(counts) > n_near


@pytest.mark.parametrize("n_retailers", [500, 100, 10, 1])
def test_a_filter_that_follows_no_cluster_keeps_recall(
    lists: tuple[Rows, np.ndarray, Path], never_multiplied: None, n_retailers: int
) -> None:
    found, _, _ = lists
    where, mask = Where(retailer_ids=frozenset(range(n_retailers))), found.tags[0] < n_retailers
    assert recall(found, near(found.vectors), mask, where, k=5) >= 0.98


@pytest.mark.parametrize("n_categories", [20, 4, 1])
@pytest.mark.parametrize("side", ["with the query", "against it"])
def test_a_filter_by_what_the_query_is_or_is_not_keeps_recall(
    lists: tuple[Rows, np.ndarray, Path], never_multiplied: None, side: str, n_categories: int
) -> None:
    found, cluster_of, _ = lists
    queries = near(found.vectors[cluster_of == 0])
    wanted = range(n_categories) if side == "with the query" else range(N_CLUSTERS - n_categories, N_CLUSTERS)
    mask = np.isin(cluster_of, list(wanted))
    assert recall(found, queries, mask, Where(category_ids=frozenset(wanted))) >= 0.98


def test_no_filter_leaves_fewer_hits_than_there_are(
    lists: tuple[Rows, np.ndarray, Path], never_multiplied: None
) -> None:
    found, _, folder = lists
    stingy = reopened(found, folder, IndexOptions(nprobe=1, rerank=1))
    for n_retailers in (1, 7, 60):
        where, mask = Where(retailer_ids=frozenset(range(n_retailers))), found.tags[0] < n_retailers
        for k in (1, 8, 40):
            assert recall(stingy, near(found.vectors, 5), mask, where, k) > 0


def test_few_selected_rows_are_multiplied_and_so_found_exactly(lists: tuple[Rows, np.ndarray, Path]) -> None:
    found, cluster_of, _ = lists
    assert recall(found, unit_vectors(40, DIM, seed=9), cluster_of == 7, Where(category_ids=frozenset({7}))) == 1.0


def test_recall_does_not_fall_as_an_index_grows(tmp_path: Path) -> None:
    vectors, _ = clustered(24_000)
    for count in (3_000, 24_000):
        assert recall(base(tmp_path, vectors[:count]), near(vectors), None, None) >= 0.99


# What is found


def test_hits_carry_true_scores_and_ties_go_to_the_lower_id(tmp_path: Path) -> None:
    vectors = unit_vectors(4_000, DIM, seed=2, copies=2_000, clusters=20)
    found = base(tmp_path, vectors)
    for query, (ids, scores) in zip(vectors[:20], found.search(vectors[:20], 8, None, None), strict=True):
        true = (vectors[ids // 3].astype(np.float64) * query.astype(np.float64)).sum(axis=1).astype(np.float32)
        assert scores.tolist() == true.tolist()
        assert list(zip(-scores, ids, strict=True)) == sorted(zip(-scores, ids, strict=True))
        assert ids[0] + 3 * 2_000 == ids[1]


def test_vectors_that_are_all_the_same_can_be_put_into_lists(tmp_path: Path) -> None:
    vectors = np.repeat(unit_vectors(1, DIM, seed=3), 5_000, axis=0)
    (ids, scores), *_ = base(tmp_path, vectors).search(vectors[:1], 30, None, None)
    assert (len(set(ids.tolist())), scores.min()) == (30, scores.max())


def test_removed_rows_are_never_hits_and_the_next_move_up(lists: tuple[Rows, np.ndarray, Path]) -> None:
    found, _, _ = lists
    queries = near(found.vectors, 20)
    before = found.search(queries, 20, None, None)
    alive = np.ones(N, dtype=np.bool_)
    alive[np.concatenate([ids[:10] // 3 for ids, _ in before])] = False
    bitmap = np.packbits(alive, bitorder="little")
    for (old, _), (new, _) in zip(before, found.search(queries, 10, None, bitmap), strict=True):
        assert alive[new // 3].all()
        expected = [vector_id for vector_id in old[10:].tolist() if alive[vector_id // 3]]
        assert new.tolist()[: len(expected)] == expected


def test_another_set_of_living_rows_is_seen_at_once_under_a_filter_that_was_used_before(
    lists: tuple[Rows, np.ndarray, Path],
) -> None:
    found, cluster_of, _ = lists
    where, queries = Where(category_ids=frozenset(range(30))), near(found.vectors[cluster_of == 3], 1)
    best = found.search(queries, 1, where, None)[0][0][0]
    for _ in range(3):
        alive = np.ones(N, dtype=np.bool_)
        alive[best // 3] = False
        assert found.search(queries, 1, where, np.packbits(alive, bitorder="little"))[0][0][0] != best
    assert found.search(queries, 1, where, None)[0][0][0] == best


def test_options_decide_how_many_lists_are_looked_into_and_how_many_candidates_are_scored(
    lists: tuple[Rows, np.ndarray, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    found, _, folder = lists
    wide = reopened(found, folder, IndexOptions(nprobe=200, rerank=300))
    counts = looked_into(wide, monkeypatch)
    assert recall(wide, near(found.vectors, 4), None, None) == 1.0
    assert counts == [200] * 4


def test_an_index_of_lists_follows_changes_and_keeps_its_kind_when_they_are_folded_in(tmp_path: Path) -> None:
    url, space = f"faiss://{tmp_path}?kind=ivf_sq8&nlist=60", "testnet-emb48@0123abcd"
    vectors, _ = clustered(5_000)
    with open_writer(url, space, DIM) as writer:
        writer.upsert(np.arange(4_000), vectors[:4_000], [Tags(1, 4)] * 4_000)
        writer.publish()
    reader = open_reader(url, space, DIM)
    assert index_facts(url, space, DIM).kind.startswith("faiss ivf_sq8, 60 lists")
    with open_writer(url, space, DIM) as writer:
        writer.upsert(np.arange(3_000, 5_000), vectors[3_000:][::-1].copy(), [Tags(2, 4)] * 2_000)
        writer.remove(np.arange(1_000))
        writer.publish()
    for folded in (False, True):
        if folded:
            assert compact(url, space, DIM)
            reader = open_reader(url, space, DIM)
        hits = reader.search(vectors[2_990:3_010], 1, Where(retailer_ids=frozenset({1, 2}))).ids[:, 0]
        assert hits.tolist() == [*range(2_990, 3_000), *range(4_999, 4_989, -1)]
        assert reader.search(vectors[:50], 20).ids.min() >= 1_000
    assert (index_facts(url, space, DIM).n_base, index_facts(url, space, DIM).n_delta) == (4_000, 0)


# Bitmaps


def random_wheres(random: np.random.Generator) -> Iterator[Where]:
    for _ in range(150):
        chosen: dict[str, object] = {}
        for field in fields(Where):
            if random.random() < 0.25:
                values = random.integers(-1, 7, random.integers(0, 4)).tolist()
                chosen[field.name] = (
                    bool(values)
                    if field.name == "in_stock"
                    else sum(values)
                    if "price" in field.name
                    else frozenset(values)
                )
        yield Where(**chosen)  # type: ignore[arg-type]


def passes(tags: dict[str, int], where: Where) -> bool:
    """Say it for one row, as the contract's words do."""
    for name in ("retailer_id", "category_id", "brand_id", "gender_id", "color_id", "currency_id"):
        wanted = getattr(where, f"{name}s")
        if wanted is not None and (tags[name] not in wanted or (tags[name] == NO_VALUE and name != "category_id")):
            return False
    if (where.price_min, where.price_max) != (None, None) and tags["price"] == NO_VALUE:
        return False
    if where.price_min is not None and tags["price"] < where.price_min:
        return False
    if where.price_max is not None and tags["price"] > where.price_max:
        return False
    return where.in_stock is None or bool(tags["in_stock"]) == where.in_stock


@pytest.mark.parametrize("kept_bytes", [1 << 20, 60], ids=["all kept", "hardly any kept"])
def test_bitmaps_say_of_each_row_what_the_restriction_says(monkeypatch: pytest.MonkeyPatch, kept_bytes: int) -> None:
    monkeypatch.setattr(masks, "KEPT_BYTES", kept_bytes)
    random = np.random.default_rng(1)
    columns = [random.integers(-1, 6, 203).astype(np.int8) for _ in TAG_NAMES[:-1]] + [random.integers(0, 2, 203)]
    alive = np.packbits(random.random(203) < 0.8, bitorder="little")
    selections = Selections(columns, 203)
    for where in [*random_wheres(random)] * 2:
        by_hand = [passes(dict(zip(TAG_NAMES, values, strict=True)), where) for values in zip(*columns, strict=True)]
        for living in (None, alive):
            expected = np.array(by_hand)
            if living is not None:
                expected &= np.unpackbits(living, count=203, bitorder="little").astype(np.bool_)
            selection = selections.select(where, living)
            positions = np.arange(203) if selection.positions is None else selection.positions
            assert positions.tolist() == np.flatnonzero(expected).tolist()
            assert selection.count == positions.size
            assert selection.contains(np.arange(203)).tolist() == expected.tolist()


def test_bits_beyond_the_last_row_mean_nothing() -> None:
    selection = Selections([np.zeros(11)] * len(TAG_NAMES), 11).select(None, np.array([0xFE, 0xFF], dtype=np.uint8))
    assert selection.count == 10
    assert selection.bitmap is not None
    assert positions_in(selection.bitmap).tolist() == list(range(1, 11))


def test_bitmaps_take_no_more_memory_than_is_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(masks, "KEPT_BYTES", 30_000)
    selections = Selections([np.arange(20_000)] * len(TAG_NAMES), 20_000)
    for least in range(1, 200):
        alive = np.full(2_500, 0xFF, dtype=np.uint8)
        selections.select(Where(price_min=least), alive)
    assert selections._kept_bytes == sum(masks._size(*kept) for kept in selections._kept.values()) <= 30_000


# Clusters


def test_as_many_clusters_are_found_as_were_asked_for_and_the_same_each_time() -> None:
    vectors, _ = clustered(6_000)
    clusters, again = cluster(vectors, 300), cluster(vectors, 300)
    assert clusters.centroids.shape == (300, DIM)
    assert (len(clusters.groups), clusters.starts[-1]) == (17, 300)
    np.testing.assert_array_equal(clusters.centroids, again.centroids)


def test_vectors_go_to_the_nearest_list_or_one_that_is_nearly_as_near() -> None:
    vectors, _ = clustered(3_000)
    clusters = cluster(vectors, 400)
    squares = (clusters.centroids**2).sum(axis=1) - 2 * vectors @ clusters.centroids.T + 1
    distances = np.sqrt(np.maximum(squares, 0))
    given = distances[np.arange(3_000), Assigner(clusters).assign(vectors)]
    assert (given <= distances.min(axis=1) + 1e-3).mean() > 0.97
    assert (given <= 1.5 * distances.min(axis=1) + 0.1).all()


# Files


def test_codes_are_mapped_not_read_into_memory(lists: tuple[Rows, np.ndarray, Path]) -> None:
    mapped = Path("/proc/self/maps")
    if not mapped.exists():
        pytest.skip("no /proc to look into")
    assert str(lists[2] / "coarse.faiss") in mapped.read_text()
    assert str(list_of_path(lists[2] / "coarse.faiss")) in mapped.read_text()


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-200])


@pytest.mark.parametrize("file", [Path, facts_path])
def test_files_that_faiss_or_numpy_cannot_read_are_told(tmp_path: Path, file: Callable[[Path], Path]) -> None:
    base(tmp_path, unit_vectors(1_500, 8, seed=1))
    cut(file(tmp_path / "coarse.faiss"))
    with pytest.raises(CoarseUnreadable):
        map_coarse(tmp_path / "coarse.faiss", 8, 1_500, SQ8)


@pytest.mark.parametrize(("dim", "count"), [(16, 1_500), (8, 1_499)])
def test_codes_of_other_vectors_are_told(tmp_path: Path, dim: int, count: int) -> None:
    base(tmp_path, unit_vectors(1_500, 8, seed=1))
    with pytest.raises(CoarseUnreadable, match=f"of {count} vectors of length {dim}"):
        map_coarse(tmp_path / "coarse.faiss", dim, count, SQ8)


# GPU


@pytest.mark.gpu
@pytest.mark.skipif(not gpu_present(), reason="FAISS sees no GPU")
def test_a_gpu_builds_and_searches_lists_with_the_same_answers(tmp_path: Path) -> None:
    vectors, cluster_of = clustered()
    found = base(tmp_path, vectors, IndexOptions(kind="ivf_sq8", device="gpu"), category_id=cluster_of)
    assert recall(found, near(vectors), None, None) >= 0.99
    assert recall(found, near(vectors), cluster_of < 20, Where(category_ids=frozenset(range(20)))) >= 0.98
    alive = np.packbits(np.arange(N) % 10 > 0, bitorder="little")
    for ids, _ in found.search(near(vectors), K, None, alive):
        assert (ids.size, (ids // 3 % 10 > 0).all()) == (K, True)
