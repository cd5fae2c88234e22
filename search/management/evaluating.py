"""What the commands that evaluate have in common: checkpoints chosen, a benchmark read, bars shown."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tqdm import tqdm

from search.evaluation.benchmark import Benchmark
from search.evaluation.layouts.reading import AUTO, LAYOUTS, read_benchmark
from search.management.bars import IMAGES_FORMAT
from workers.model_files import CheckpointPair, configured_pair


def add_benchmark_options(parser: ArgumentParser, *, required: bool = True) -> None:
    """Declare what names a benchmark and a part of it."""
    add = parser.add_argument
    add("--benchmark", type=Path, required=required, metavar="PATH", help="benchmark JSON, or a data set's folder")
    add("--format", choices=LAYOUTS, default=AUTO, help="layout of the benchmark (default: told from its files)")
    add("--kinds", help="only queries of these kinds, separated by commas, such as studio,wild")
    add(
        "--limit-queries", type=int, metavar="N", help="at most so many queries, evenly chosen; the catalog stays whole"
    )
    add("--cache", type=Path, metavar="DIR", help="keep descriptions of photos here, so that a next run starts at once")


def add_checkpoint_options(parser: ArgumentParser) -> None:
    """Declare what names a pair of checkpoints."""
    parser.add_argument("--segmenter", type=Path, help="segmenter checkpoint (default: the configured one)")
    parser.add_argument("--embedder", type=Path, help="embedder checkpoint (default: the configured one)")


def read_asked_benchmark(options: dict[str, Any], pictures: Path) -> Benchmark:
    """The benchmark the options name.

    Raises:
        BenchmarkError: As `read_benchmark` and `Benchmark.part`.
    """
    benchmark = read_benchmark(options["benchmark"], layout=options["format"], pictures=pictures)
    kinds = [kind.strip() for kind in (options["kinds"] or "").split(",") if kind.strip()]
    return benchmark.part(kinds=kinds, limit=options["limit_queries"])


def asked_checkpoints(options: dict[str, Any]) -> CheckpointPair:
    """The pair the options name, checked.

    Raises:
        ModelMissing: One is missing or damaged.
    """
    configured = configured_pair()
    pair = CheckpointPair(
        configured.segmenter if options["segmenter"] is None else options["segmenter"],
        configured.embedder if options["embedder"] is None else options["embedder"],
    )
    pair.space()
    return pair


@contextmanager
def evaluation_bars(*, shown: bool) -> Iterator[Callable[[str, int, int], None]]:
    """One bar after another, with the time to go; yields what to call with (stage, done, total)."""
    bars: dict[str, tqdm[Any]] = {}

    def show(stage: str, done: int, total: int) -> None:
        if stage not in bars:
            bars[stage] = tqdm(total=total, desc=stage, unit="photo", disable=not shown, bar_format=IMAGES_FORMAT)
        bars[stage].update(done - bars[stage].n)
        if done >= total:
            bars[stage].close()

    try:
        yield show
    finally:
        for bar in bars.values():
            bar.close()
