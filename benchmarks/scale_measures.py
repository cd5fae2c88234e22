"""How `benchmarks.index_scale` measures: each subject in a process of its own, so that its memory is its own."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from benchmarks.scale_data import ScaleData
from benchmarks.scale_subjects import Subject, make_subject
from search.index.base import Where

T = TypeVar("T")
Floats = NDArray[np.float32]

ENOUGH = 0.99
"""Recall that graphs are set to reach, with the least effort that does."""
_SCORE_TOLERANCE = 2e-6
_WARM_UP = 20


@dataclass(frozen=True)
class Answers:
    """How a series of single queries was answered.

    Attributes:
        recall: Share of the K best that were found, by score, so that ties count.
        filled: Share of the queries with K hits, or as many as there are.
        p50_ms: Median time of a query.
        p99_ms: 99 of 100 take less.
    """

    recall: float
    filled: float
    p50_ms: float
    p99_ms: float


@dataclass
class Figures:
    """What was measured of one subject. Megabytes are of 10**6 bytes."""

    label: str
    size: int
    dim: int
    feed_s: float = 0.0
    build_s: float = 0.0
    build_peak_mb: float = 0.0
    own_mb: float = 0.0
    mapped_mb: float = 0.0
    effort: int | None = None
    one_thread: Answers | None = None
    two_threads: Answers | None = None
    two_threads_per_s: float = 0.0
    filtered: dict[str, Answers] = field(default_factory=dict)
    changes: dict[str, float] = field(default_factory=dict)


def in_own_process(measure: Callable[..., T], *arguments: Any) -> T:
    """Call in a fresh process and give what it returns."""
    with ProcessPoolExecutor(max_workers=1, mp_context=get_context("spawn")) as pool:
        return pool.submit(measure, *arguments).result()


def measure_subject(
    name: str,
    data: ScaleData,
    truth: Floats,
    filters: Sequence[tuple[str, list[Where], Floats]],
    then: Callable[[Subject, ScaleData], dict[str, float]] | None = None,
) -> Figures:
    """Build one subject and ask it everything.

    Args:
        name: See `make_subject`.
        data: What it indexes.
        truth: Exact scores without a filter, see `ScaleData.truth`.
        filters: Names, the filter of each query, and exact scores.
        then: What else to do with it in the end.
    """
    with TemporaryDirectory(dir=data.folder) as folder:
        subject = make_subject(name, Path(folder))
        figures = Figures(subject.label, data.size, data.dim)
        before_mb = own_memory_mb()
        with peak_of_own_memory() as peak:
            figures.feed_s, _ = timed(lambda: subject.feed(data))
            figures.build_s, _ = timed(lambda: subject.build(data))
        figures.build_peak_mb = peak[0] - before_mb
        figures.own_mb = own_memory_mb() - before_mb
        figures.mapped_mb = _mapped_mb(Path(folder))
        figures.effort = _settle_effort(subject, data, truth)
        for row in range(min(_WARM_UP, data.n_queries)):
            subject.search(data.queries[0][row : row + 1], None)
        figures.one_thread = ask(subject, data, truth)
        figures.two_threads, figures.two_threads_per_s = _ask_twice_at_once(subject, data, truth)
        for filter_name, wheres, filtered_truth in filters if subject.filters else ():
            figures.filtered[filter_name] = ask(subject, data, filtered_truth, wheres)
        figures.changes = {} if then is None else then(subject, data)
    return figures


def ask(subject: Subject, data: ScaleData, truth: Floats, wheres: Sequence[Where] | None = None) -> Answers:
    """Ask all queries, one after the other."""
    times_ms, found = np.empty(data.n_queries), []
    for row in range(data.n_queries):
        where = None if wheres is None else wheres[row]
        seconds, hits = timed(partial(subject.search, data.queries[0][row : row + 1], where))
        times_ms[row] = seconds * 1e3
        found.append(hits)
    return _judged(data, truth, found, times_ms)


def timed(call: Callable[[], T]) -> tuple[float, T]:
    """Call, and give the seconds it took with what it returned."""
    start = time.perf_counter()
    result = call()
    return time.perf_counter() - start, result


def own_memory_mb() -> float:
    """Resident memory of this process that no file stands behind, which processes cannot share."""
    return _status_kb("RssAnon:") * 1024 / 1e6


@contextmanager
def peak_of_own_memory() -> Iterator[list[float]]:
    """Watch `own_memory_mb`; the list's one entry is the highest seen."""
    peak, done = [own_memory_mb()], threading.Event()

    def watch() -> None:
        while not done.wait(0.05):
            peak[0] = max(peak[0], own_memory_mb())

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield peak
    finally:
        done.set()
        thread.join()


def _judged(
    data: ScaleData, truth: Floats, found: Sequence[NDArray[np.int64]], times_ms: NDArray[np.float64]
) -> Answers:
    n_found, n_there, n_filled = 0, 0, 0
    for query, hits, best in zip(data.queries[0], found, truth, strict=True):
        hits = np.unique(hits[hits >= 0])  # in rising order, which maps gladly; and nothing counts twice
        there = int(np.isfinite(best).sum())
        n_there += there
        n_filled += hits.size >= there
        if there:
            n_found += min(int((data.vectors[hits] @ query >= best[there - 1] - _SCORE_TOLERANCE).sum()), there)
    p50_ms, p99_ms = np.percentile(times_ms, [50, 99])
    return Answers(n_found / max(n_there, 1), n_filled / len(found), float(p50_ms), float(p99_ms))


def _settle_effort(subject: Subject, data: ScaleData, truth: Floats) -> int | None:
    for effort in subject.efforts:
        subject.set_effort(effort)
        if ask(subject, data, truth).recall >= ENOUGH or effort == subject.efforts[-1]:
            return effort
    return None


def _ask_twice_at_once(subject: Subject, data: ScaleData, truth: Floats) -> tuple[Answers, float]:
    with ThreadPoolExecutor(2) as threads:
        start = time.perf_counter()
        answers = [future.result() for future in [threads.submit(ask, subject, data, truth) for _ in range(2)]]
        seconds = time.perf_counter() - start
    slower = max(answers, key=lambda one: one.p99_ms)
    p50_ms = sum(one.p50_ms for one in answers) / 2
    return Answers(slower.recall, slower.filled, p50_ms, slower.p99_ms), 2 * data.n_queries / seconds


def _mapped_mb(folder: Path) -> float:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6


def _status_kb(name: str) -> int:
    status = Path("/proc/self/status")
    if not status.exists():
        return 0
    return next((int(line.split()[1]) for line in status.read_text().splitlines() if line.startswith(name)), 0)
