"""Puts a base's vectors into lists, and measures how they must be searched. Memory: the codes and a sample."""

import logging
import math
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from search.index.clustering import Assigner, Clusters, cluster, sample_size
from search.index.exact import true_scores
from search.index.inverted import InvertedLists, ListFacts
from search.index.list_codes import ListCodes, ListCodesBuilder
from search.index.masks import Selection
from search.index.options import IndexOptions
from search.index.reach import K, ReachMeter, draw_queries

Floats = NDArray[np.float32]

log = logging.getLogger(__name__)

RECALL_AT_LEAST = 0.993
"""Recall@10 on moved stored vectors; what is promised of queries that were not seen is 0.99."""

_CHUNK_ROWS = 16_384
_LISTS_PER_ROOT = 4
_LEAST_PER_LIST = 8
_POOL = 400
_N_CHECKED = 128
_WIDENINGS = 8
_ROUNDING = 1e-6


def build_lists(vectors: Floats, path: Path, kind: str, options: IndexOptions, seed: int = 0) -> None:
    """Write lists of codes to `path`, and beside it what `facts_path` and `list_of_path` say.

    Args:
        vectors: float32 (N, dim), unit length; a mapped file that may be larger than the memory.
        path: Where to write.
        kind: `ivf_sq8` or `ivf_pq`.
        options: `nlist` acts here.
        seed: Of all that is drawn.

    Raises:
        RuntimeError, OSError: The disk refused.
    """
    started = time.monotonic()
    random = np.random.default_rng(seed)
    n_lists = _list_count(len(vectors), options)
    rows = random.choice(len(vectors), min(sample_size(n_lists), len(vectors)), replace=False)
    sample = vectors[np.sort(rows)]
    clusters = cluster(sample, n_lists, seed)
    builder = ListCodesBuilder(kind, clusters.centroids, sample)
    meter = ReachMeter(draw_queries(sample, random), clusters.centroids, random)
    log.info(
        "clustered %d of %d vectors into %d lists, %.0f s",
        rows.size,
        len(vectors),
        len(clusters.centroids),
        _since(started),
    )
    del sample
    list_of, spreads = _fill(builder, meter, vectors, clusters)
    builder.write(path)
    np.save(list_of_path(path), list_of)
    del builder  # before the file is mapped: the codes would be in memory twice
    log.info("filled the lists, %.0f s", _since(started))
    facts = ListFacts(kind, spreads, meter.reach(spreads))
    facts = _checked(ListCodes(path, vectors.shape[1], len(vectors)), facts, list_of, vectors, meter)
    facts.write(facts_path(path))
    log.info("%s, %.0f s", kind, _since(started))


def facts_path(path: Path) -> Path:
    """Where the facts about a file of lists are."""
    return path.with_suffix(".facts.npz")


def list_of_path(path: Path) -> Path:
    """Where it is said which list each vector is in."""
    return path.with_suffix(".list_of.npy")


def _list_count(count: int, options: IndexOptions) -> int:
    wanted = round(_LISTS_PER_ROOT * math.sqrt(count)) if options.nlist is None else options.nlist
    return max(1, min(wanted, count // _LEAST_PER_LIST))


def _fill(
    builder: ListCodesBuilder, meter: ReachMeter, vectors: Floats, clusters: Clusters
) -> tuple[NDArray[np.int32], Floats]:
    """Put all vectors into their lists; give the list of each, and the lists' spreads."""
    list_of = np.empty(len(vectors), dtype=np.int32)
    assigner, centroids = Assigner(clusters), clusters.centroids
    squares, members = np.zeros(len(centroids)), np.zeros(len(centroids))
    for start in range(0, len(vectors), _CHUNK_ROWS):
        chunk = np.ascontiguousarray(vectors[start : start + _CHUNK_ROWS])
        lists = assigner.assign(chunk)
        builder.add(chunk, lists)
        list_of[start : start + len(chunk)] = lists
        meter.see(chunk, lists)
        beyond = chunk - centroids[lists]
        squares += np.bincount(lists, np.einsum("ij,ij->i", beyond, beyond), len(centroids))
        members += np.bincount(lists, minlength=len(centroids))
    spreads = np.sqrt(squares / np.maximum(members, 1))
    # A list of one, or of copies, has no spread, but another vector may come near it all the same.
    return list_of, np.maximum(spreads, 0.1 * np.median(spreads) + 1e-6).astype(np.float32)


def _checked(
    codes: ListCodes, facts: ListFacts, list_of: NDArray[np.int32], vectors: Floats, meter: ReachMeter
) -> ListFacts:
    """Measure the codes, then search as readers will, and widen the reach until enough is found."""
    everything = Selection(len(vectors), None, len(vectors), False)
    queries, kths = meter.queries[:_N_CHECKED], meter.kth_scores()[:_N_CHECKED] - _ROUNDING
    errors, depths = [], []
    lists = InvertedLists(codes, facts, list_of, IndexOptions())
    for query, kth in zip(queries, kths, strict=True):
        coarse, positions = lists.nominate(query, K, _POOL, everything)
        scores = true_scores(vectors, positions, query)
        errors.append(np.abs(scores - coarse))
        depths.append(np.flatnonzero(scores >= kth)[:K] + 1)
    depth = math.ceil(1.25 * float(np.quantile(np.concatenate(depths), 0.998)))
    facts = replace(facts, depth=depth, code_error=float(np.quantile(np.concatenate(errors), 0.999)))
    numbers = np.arange(len(vectors))
    for _ in range(_WIDENINGS):
        lists = InvertedLists(codes, facts, list_of, IndexOptions())
        ranked = lists.rank(numbers, vectors, queries, K, K, everything)
        found = [np.count_nonzero(scores >= kth) for (_, scores), kth in zip(ranked, kths, strict=True)]
        facts = replace(facts, recall=float(np.mean(found)) / K)
        if facts.recall >= RECALL_AT_LEAST:
            break
        facts = replace(facts, reach=facts.reach.widened(1.1))
    return facts


def _since(started: float) -> float:
    return time.monotonic() - started
