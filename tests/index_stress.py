"""Readers search while a writer adds, replaces, removes and publishes and a compactor folds.

    python -m tests.index_stress FOLDER SECONDS

Run by `test_index_processes` in a process of its own, without threads, so that it can fork. The answer to any search is
known from the number of the state that answered: in step n, group n % GROUPS is put anew and the group after it
removed, and step n publishes state n.
"""

from __future__ import annotations

import json
import mmap
import os
import struct
import sys
import threading
import time
import traceback
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from search.index import compaction, drafts
from search.index import rows as rows_module
from search.index.base import Hits, Tags, Where
from search.index.exact import padded, rank, true_scores
from search.index.registry import compact, open_reader, open_writer
from tests.index_on_disk import SPACE, forget_what_is_open, url_of

DIM, N_IDS, GROUPS, K = 16, 420, 7, 10
N_READERS = 2
STALE_AFTER_S = 1.0
"""A search that begins so long after a publish must see it, on a machine however busy."""

LEAST_STEPS, MOST_S = 25, 60.0

_CLOCK = struct.Struct("<qd")
_drawn = np.random.default_rng(0).standard_normal((N_IDS + 64, DIM))
BASE_VECTORS = _drawn[:N_IDS] / np.linalg.norm(_drawn[:N_IDS], axis=1, keepdims=True)
MOVES = _drawn[N_IDS:]
FILTERS = [None, Where(in_stock=True), Where(retailer_ids=frozenset({1})), Where(frozenset({0}), in_stock=False)]


def vectors_of(ids: NDArray[np.int64], version: int) -> NDArray[np.float32]:
    """Where an item lies depends on when it was put."""
    moved = BASE_VECTORS[ids] + 0.15 * MOVES[(ids + version) % len(MOVES)]
    vectors: NDArray[np.float32] = (moved / np.linalg.norm(moved, axis=1, keepdims=True)).astype(np.float32)
    return vectors


def versions_at(number: int) -> NDArray[np.int64]:
    """The step that put each group that is there in state `number`, -1 for a removed one; int64 (GROUPS,)."""
    versions = np.ones(GROUPS, dtype=np.int64)  # step 1 puts all
    for step in range(max(2, number - 2 * GROUPS), number + 1):
        versions[step % GROUPS] = step
        versions[(step + 1) % GROUPS] = -1
    return versions


def expected_hits(number: int, query: NDArray[np.float32], where: Where | None) -> Hits:
    """The right answer of state `number`."""
    versions = versions_at(number)[np.arange(N_IDS) % GROUPS]
    ids = np.flatnonzero(versions >= 0)
    if where is not None and where.retailer_ids is not None:
        ids = ids[np.isin(ids % 3, list(where.retailer_ids))]
    if where is not None and where.in_stock is not None:
        ids = ids[versions[ids] % 2 == int(where.in_stock)]
    vectors = np.empty((ids.size, DIM), dtype=np.float32)
    for version in np.unique(versions[ids]):
        chosen = versions[ids] == version
        vectors[chosen] = vectors_of(ids[chosen], int(version))
    return padded([rank(ids, true_scores(vectors, np.arange(ids.size), query), K)], K, number)


class Clock:
    """What was published last, and when, in memory that all processes share."""

    def __init__(self) -> None:
        self._pages = mmap.mmap(-1, 2 * _CLOCK.size + 1)
        self._parent = os.getpid()

    def tell(self, number: int) -> None:
        entry = _CLOCK.pack(number, time.monotonic())
        self._pages[:-1] = entry + entry

    def read(self) -> tuple[int, float]:
        while True:
            content = self._pages[:-1]
            if content[: _CLOCK.size] == content[_CLOCK.size :]:  # not in the middle of being written
                number, at_s = _CLOCK.unpack(content[: _CLOCK.size])
                return int(number), float(at_s)

    def stop(self) -> None:
        self._pages[-1:] = b"!"

    @property
    def runs(self) -> bool:
        """Until it is stopped, or nobody is left to wait for the findings."""
        return self._pages[-1:] != b"!" and os.getppid() == self._parent


def put(url: str, number: int) -> None:
    """Do step `number`."""
    everything = np.arange(N_IDS)
    ids = everything if number == 1 else everything[everything % GROUPS == number % GROUPS]
    tags = [Tags(one % 3, 4, price=number, in_stock=number % 2) for one in ids.tolist()]
    with open_writer(url, SPACE, DIM, timeout_s=60) as writer:
        writer.upsert(ids, vectors_of(ids, number), tags)
        if number > 1:
            writer.remove(everything[everything % GROUPS == (number + 1) % GROUPS])
        if writer.publish() != number:
            raise AssertionError("numbers do not follow each other")


def write(url: str, clock: Clock, seconds: float) -> dict[str, int]:
    """Step on for so long, and further on a slow machine; then all end."""
    start, number = time.monotonic(), clock.read()[0]
    try:
        while time.monotonic() < start + seconds or (number < LEAST_STEPS and time.monotonic() < start + MOST_S):
            number += 1
            put(url, number)
            clock.tell(number)
            time.sleep(0.01)
        time.sleep(1.5 * STALE_AFTER_S)  # the last one is to be checked, too
    finally:
        clock.stop()
    return {"published": number}


def fold(url: str, clock: Clock, _: float) -> dict[str, int]:
    folded = 0
    while clock.runs:
        folded += compact(url, SPACE, DIM)
        time.sleep(0.03)
    return {"folded": folded}


def look(url: str, clock: Clock, _: float) -> dict[str, int]:
    """Search in two threads and check every answer."""
    counts: Counter[str] = Counter(wrong=0, stale=0)
    reader = open_reader(url, SPACE, DIM)

    def search(seed: int) -> None:
        chance = np.random.default_rng(seed)
        late: tuple[int, float] = clock.read()
        while clock.runs:
            query = vectors_of(chance.integers(0, N_IDS, 1), int(chance.integers(0, 64)))
            where = FILTERS[int(chance.integers(0, len(FILTERS)))]
            must_see = late[0] if time.monotonic() - late[1] > STALE_AFTER_S else 0
            if must_see:
                late = clock.read()
            hits = reader.search(query, K, where)
            right = expected_hits(hits.generation, query[0], where)
            counts["wrong"] += not (np.array_equal(hits.ids, right.ids) and np.array_equal(hits.scores, right.scores))
            counts["stale"] += hits.generation < must_see
            counts["checked for staleness"] += must_see > 0
            counts["searches"] += 1
            counts["newest"] = max(counts["newest"], hits.generation)

    threads = [threading.Thread(target=search, args=(os.getpid() + number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return dict(counts)


def forked(work: Callable[[str, Clock, float], dict[str, int]], *arguments: object) -> tuple[int, int]:
    """Start a process; give its id and where its findings can be read."""
    reading, writing = os.pipe()
    child = os.fork()
    if child:
        os.close(writing)
        return child, reading
    try:
        forget_what_is_open()
        os.write(writing, json.dumps(work(*arguments)).encode())  # type: ignore[arg-type]
        os._exit(0)
    except BaseException:
        traceback.print_exc()
    os._exit(1)


def main(root: Path, seconds: float) -> list[dict[str, int]]:
    """Let them all run; give what each found: writer, compactor, readers."""
    compaction.DUE_ABOVE_ROWS, compaction.DUE_ABOVE_SHARE = N_IDS, 0.0
    drafts.BUILD_AT_LEAST = 1
    rows_module.MULTIPLY_AT_MOST, rows_module.MULTIPLY_SHARE = 0, 0.0  # search the base as a large one
    url, clock = url_of(root), Clock()
    put(url, 1)
    clock.tell(1)
    children = [forked(work, url, clock, seconds) for work in (write, fold, *[look] * N_READERS)]
    findings = []
    for child, reading in children:
        content = b"".join(iter(lambda file=reading: os.read(file, 4096), b""))  # type: ignore[misc]
        if os.waitpid(child, 0)[1]:
            raise SystemExit("a process failed")
        findings.append(json.loads(content))
    return findings


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]), float(sys.argv[2]))))
