"""How fast the exact FAISS keeper answers, beside one NumPy multiplication over everything.

    python -m benchmarks.index_exact                        # 1k, 10k and 100k vectors of 256 floats
    python -m benchmarks.index_exact --sizes 300000 --json index.json

Both columns give the same hits (checked here for every query). NumPy's is the naive way to serve: multiply all rows,
mask what the filter forbids, sort out the k best. It uses all cores, the keeper one: on a busy machine NumPy's threads
wait for each other (set OPENBLAS_NUM_THREADS=1 to compare one with one). Times are medians of single queries, in
milliseconds; a ratio above 1 means that the keeper is faster.
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from search.index.base import Tags, VectorIndex, Where
from search.index.faiss_index import FaissReader
from search.index.opened import OpenedSpace
from search.index.options import IndexOptions
from search.index.registry import open_writer

SPACE = "benchmark@00000000"
DIM = 256
K = 10
FILTERS = {"unfiltered": None, "50 %": range(50), "10 %": range(10), "1 %": range(1)}
"""Shares of 100 equally large retailers."""

T = TypeVar("T")
Floats = NDArray[np.float32]


def main() -> None:
    """Parse arguments, measure each size, print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[1_000, 10_000, 100_000], help="numbers of vectors")
    parser.add_argument("--queries", type=int, default=100, help="single queries per figure")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    arguments = parser.parse_args()
    figures = []
    print(f"dim {DIM}, k {K}, medians of {arguments.queries} single queries")
    print(f"{'vectors':>9} {'filter':>11} {'keeper ms':>10} {'numpy ms':>10} {'ratio':>7}")
    for size in arguments.sizes:
        with tempfile.TemporaryDirectory() as folder:
            figure = measure(size, arguments.queries, Path(folder))
        figures.append(figure)
        for name, (keeper_ms, numpy_ms) in figure["search"].items():
            print(f"{size:>9,} {name:>11} {keeper_ms:>10.3f} {numpy_ms:>10.3f} {numpy_ms / keeper_ms:>6.1f}x")
        print(
            f"{'':>9} upsert {figure['upsert_s']:.2f} s, publish {figure['publish_s']:.2f} s, "
            f"open {figure['open_s']:.3f} s, remove {figure['remove_us']:.1f} us each"
        )
    if arguments.json is not None:
        arguments.json.write_text(json.dumps(figures, indent=2) + "\n")


def measure(size: int, n_queries: int, root: Path) -> dict[str, Any]:
    """Build, publish, open and search an index of `size` vectors under `root`."""
    vectors, queries = draw(size, n_queries)
    retailers = np.random.default_rng(1).integers(0, 100, size)
    ids = np.arange(size)
    tags = [Tags(int(retailer), 0) for retailer in retailers]
    with open_writer(f"faiss://{root}", SPACE, DIM) as writer:
        upsert_s, _ = timed(lambda: writer.upsert(ids, vectors, tags))
        publish_s, _ = timed(writer.publish)
        remove_s, removed = timed(lambda: writer.remove(ids[: size // 10]))
    # Not through the reader: this process has already opened what it published itself.
    open_s, _ = timed(lambda: OpenedSpace(root, SPACE, DIM, IndexOptions()).newest())
    reader = FaissReader(root, SPACE, DIM)
    search = {}
    for name, allowed in FILTERS.items():
        where = None if allowed is None else Where(retailer_ids=frozenset(allowed))
        mask = None if allowed is None else np.isin(retailers, list(allowed))
        keeper_ms, hits = median_ms(queries, partial(keeper_ids, reader, where))
        numpy_ms, expected = median_ms(queries, partial(multiply_all, vectors, mask))
        differing = sum(not np.array_equal(a, b) for a, b in zip(hits, expected, strict=True))
        if differing:
            print(f"{differing} of {n_queries} hit lists differ from NumPy's ({size}, {name})", file=sys.stderr)
        search[name] = (keeper_ms, numpy_ms)
    return {
        "vectors": size,
        "dim": DIM,
        "search": search,
        "upsert_s": upsert_s,
        "publish_s": publish_s,
        "open_s": open_s,
        "remove_us": remove_s / removed * 1e6,
    }


def draw(size: int, n_queries: int) -> tuple[Floats, Floats]:
    """Draw clustered unit vectors, as embeddings are, and queries near some of them."""
    random = np.random.default_rng(0)
    centers = random.standard_normal((max(size // 200, 1), DIM)).astype(np.float32)
    vectors = centers[random.integers(0, len(centers), size)]
    vectors += 0.7 * random.standard_normal((size, DIM)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    queries = vectors[random.integers(0, size, n_queries)]
    queries = queries + 0.03 * random.standard_normal((n_queries, DIM)).astype(np.float32)
    return vectors, queries / np.linalg.norm(queries, axis=1, keepdims=True)


def keeper_ids(reader: VectorIndex, where: Where | None, query: Floats) -> NDArray[np.int64]:
    """Find the K best ids through the keeper."""
    best: NDArray[np.int64] = reader.search(query, K, where).ids[0]
    return best


def multiply_all(vectors: Floats, mask: NDArray[np.bool_] | None, query: Floats) -> NDArray[np.int64]:
    """Find the K best rows the naive way."""
    scores: Floats = vectors @ query[0]
    if mask is not None:
        scores[~mask] = -np.inf
    best: NDArray[np.int64] = np.argpartition(-scores, K)[:K]
    best = best[np.isfinite(scores[best])]
    return np.asarray(best[np.argsort(-scores[best])], dtype=np.int64)


def median_ms(queries: Floats, search: Callable[[Floats], NDArray[np.int64]]) -> tuple[float, list[NDArray[np.int64]]]:
    """Time single queries, (1, DIM) each; give the median and all hits without padding."""
    times, hits = [], []
    for row in range(len(queries)):
        seconds, found = timed(partial(search, queries[row : row + 1]))
        times.append(seconds * 1e3)
        hits.append(found[found >= 0])
    return statistics.median(times), hits


def timed(call: Callable[[], T]) -> tuple[float, T]:
    """Call, and give the seconds it took with what it returned."""
    start = time.perf_counter()
    result = call()
    return time.perf_counter() - start, result


if __name__ == "__main__":
    main()
