"""What changing an index costs at its size: the third table of `benchmarks.index_scale`."""

import statistics
import threading
import time
from collections.abc import Callable
from functools import partial

import numpy as np

from benchmarks.generated_vectors import GeneratedVectors
from benchmarks.scale_data import ScaleData
from benchmarks.scale_measures import timed
from benchmarks.scale_subjects import SPACE, Keeper, Subject
from search.index.base import Tags
from search.index.registry import compact, index_facts, open_reader, open_writer

_NEW_CHUNK = 1 << 20
_REPEATS = 20
_MANY = 1000
ONE = Tags(1, 1)


def measure_changes(subject: Subject, data: ScaleData) -> dict[str, float]:
    """Add, replace and remove vectors, publish each time, search meanwhile, and fold the changes in.

    Returns:
        What was done, with milliseconds, microseconds or seconds as the name says.
    """
    assert isinstance(subject, Keeper)
    url = subject.url
    n_folded = max(_MANY, data.size // 15)
    vectors, _ = GeneratedVectors(data.dim, data.seed).chunk(_NEW_CHUNK, n_folded + _REPEATS + _MANY)
    figures: dict[str, float] = {}

    def change(ids: range, remove: bool) -> None:
        with open_writer(url, SPACE, data.dim) as writer:
            numbers = np.arange(ids.start, ids.stop)
            if remove:
                writer.remove(numbers)
            else:
                writer.upsert(numbers, vectors[: len(ids)], [ONE] * len(ids))
            writer.publish()

    def median_ms(name: str, act: Callable[[int], None]) -> None:
        figures[name] = statistics.median(timed(partial(act, turn))[0] for turn in range(_REPEATS)) * 1e3

    def added_and_found(turn: int) -> None:
        change(range(data.size + turn, data.size + turn + 1), remove=False)
        found = open_reader(url, SPACE, data.dim).search(vectors[:1], 1 + turn)
        assert data.size + turn in found.ids[0]

    median_ms("open, add 1, publish, find it by a reader, ms", added_and_found)
    median_ms("open, replace 1, publish, ms", lambda turn: change(range(turn, turn + 1), remove=False))
    median_ms("open, remove 1, publish, ms", lambda turn: change(range(500 + turn, 501 + turn), remove=True))
    seconds, _ = timed(lambda: change(range(2 * data.size, 2 * data.size + _MANY), remove=False))
    figures[f"add {_MANY} and publish, microseconds each"] = seconds / _MANY * 1e6
    seconds, _ = timed(lambda: change(range(1000, 1000 + _MANY), remove=True))
    figures[f"remove {_MANY} and publish, microseconds each"] = seconds / _MANY * 1e6
    figures["search with these changes, p50 ms"] = _search_ms(subject, data)
    change(range(3 * data.size, 3 * data.size + n_folded), remove=False)
    figures[f"search with {n_folded} more in the log, p50 ms"] = _search_ms(subject, data)
    figures["fold all of it into a new base, s"], slowest_ms = _folded_while_searching(subject, data)
    figures["slowest search meanwhile, ms"] = slowest_ms
    facts = index_facts(url, SPACE, data.dim)
    assert facts.n_delta == 0, "nothing was folded"
    return figures


def _search_ms(subject: Subject, data: ScaleData) -> float:
    queries = data.queries[0][:100]
    subject.search(queries[:1], None)
    asked = (timed(partial(subject.search, queries[row : row + 1], None))[0] for row in range(len(queries)))
    return statistics.median(asked) * 1e3


def _folded_while_searching(subject: Keeper, data: ScaleData) -> tuple[float, float]:
    """Seconds of a compaction, and milliseconds of the slowest search while it ran in another thread."""
    seconds: list[float] = []
    thread = threading.Thread(target=lambda: seconds.append(timed(lambda: compact(subject.url, SPACE, data.dim))[0]))
    thread.start()
    slowest_ms = 0.0
    while thread.is_alive():
        slowest_ms = max(slowest_ms, timed(lambda: subject.search(data.queries[0][:1], None))[0] * 1e3)
        time.sleep(0.01)
    thread.join()
    return seconds[0], slowest_ms
