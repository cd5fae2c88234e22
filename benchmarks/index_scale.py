"""How the vector index does at size: three tables beside usearch, hnswlib (where installed) and plain NumPy.

    python -m benchmarks.index_scale                                    # 100k and 1M vectors of 256 floats
    python -m benchmarks.index_scale --sizes 20000 --queries 100        # a trial, a minute
    python -m benchmarks.index_scale --ten-million                      # only our keeper; about 40 GB of disk
    python -m benchmarks.index_scale --dim 512 --subjects default,usearch --json figures.json

The vectors are drawn as `benchmarks.generated_vectors` says, straight into a file in a temporary folder (`--folder`
chooses where). Subjects: `default` (the keeper as configured by nobody), any of its options (`kind=flat`,
`kind=ivf_pq`, `kind=ivf_sq8&nprobe=64`, ...), `usearch`, `hnswlib`, `numpy`. Graphs search with the least effort
that reaches recall@10 of 0.99, and are not asked to filter. Times are of single queries, in milliseconds, all of them
through Python; two threads ask at the same time. Builds use all cores. `own MB` is resident memory that belongs to the
process alone, `mapped` the megabytes of files that all processes share and the system may drop; `peak MB` is own memory
while feeding and building. Filters' times include working out each filter when it is first seen.
"""

import argparse
import json
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from benchmarks.scale_changes import measure_changes
from benchmarks.scale_data import RELATIONS, SHARES, ScaleData
from benchmarks.scale_measures import Figures, in_own_process, measure_subject
from benchmarks.scale_subjects import is_installed

SUBJECTS = "default,kind=flat,kind=ivf_sq8,kind=ivf_pq,usearch,hnswlib,numpy"


def main() -> None:
    """Parse arguments, measure each size, print the tables."""
    arguments = parse()
    sizes = [10_000_000] if arguments.ten_million else arguments.sizes
    all_figures: list[Figures] = []
    for size in sizes:
        with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
            data = ScaleData(Path(folder), size, arguments.dim, arguments.queries, arguments.seed)
            figures = measure(data, arguments.subjects.split(","))
        print_tables(figures)
        all_figures += figures
    if arguments.json is not None:
        arguments.json.write_text(json.dumps([asdict(figures) for figures in all_figures], indent=2) + "\n")


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    sizes = [100_000, 1_000_000]
    parser.add_argument(
        "--sizes", type=lambda text: [int(one) for one in text.split(",")], default=sizes, help="like 100000,1000000"
    )
    parser.add_argument("--ten-million", action="store_true", help="10,000,000 vectors instead, the keeper alone")
    parser.add_argument("--dim", type=int, default=256, help="length of a vector")
    parser.add_argument("--queries", type=int, default=500, help="single queries per figure")
    parser.add_argument("--seed", type=int, default=0, help="of everything drawn")
    parser.add_argument("--subjects", help=f"which, by commas; without --ten-million: {SUBJECTS}")
    parser.add_argument("--folder", type=Path, help="where the temporary files go; else the system's place")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    arguments = parser.parse_args()
    if arguments.subjects is None:
        arguments.subjects = "default" if arguments.ten_million else SUBJECTS
    return arguments


def measure(data: ScaleData, subjects: Sequence[str]) -> list[Figures]:
    """Draw the data, work out the exact answers, and measure the subjects one after the other."""
    in_own_process(data.draw)
    names = [(f"{relation} {share:g}", data.wheres(relation, share)) for relation in RELATIONS for share in SHARES]
    truth, *filtered = in_own_process(data.truth, [None, *(wheres for _, wheres in names)])
    filters = [(name, wheres, exact) for (name, wheres), exact in zip(names, filtered, strict=True)]
    figures = []
    for name in subjects:
        if not is_installed(name):
            print(f"{name} is not installed")
            continue
        print(f"{data.size:,} x {data.dim}: {name} ...", flush=True)
        changes = measure_changes if name == "default" else None
        figures.append(in_own_process(measure_subject, name, data, truth, filters, changes))
    return figures


def print_tables(figures: Sequence[Figures]) -> None:
    """Print what was measured at one size."""
    numpy_ms = next((one.one_thread.p50_ms for one in figures if one.label == "NumPy" and one.one_thread), None)
    print(f"\n{figures[0].size:,} x {figures[0].dim}, recall@10 and milliseconds of single queries")
    print(
        f"{'':28} {'recall':>7} {'p50':>7} {'p99':>7} {'2 thr.':>7} {'p99':>7} {'per s':>7} {'x NumPy':>8} "
        f"{'build s':>8} {'peak MB':>8} {'own MB':>8} {'mapped':>8}"
    )
    for one in figures:
        assert one.one_thread is not None
        assert one.two_threads is not None
        ratio = "" if numpy_ms is None else f"{numpy_ms / one.one_thread.p50_ms:.1f}"
        label = one.label if one.effort is None else f"{one.label}, effort {one.effort}"
        print(
            f"{label:28} {one.one_thread.recall:>7.4f} {one.one_thread.p50_ms:>7.3f} {one.one_thread.p99_ms:>7.3f} "
            f"{one.two_threads.p50_ms:>7.3f} {one.two_threads.p99_ms:>7.3f} {one.two_threads_per_s:>7.0f} {ratio:>8} "
            f"{one.build_s:>8.1f} {one.build_peak_mb:>8.0f} {one.own_mb:>8.0f} {one.mapped_mb:>8.0f}"
        )
    for one in figures:
        if one.filtered:
            print(f"\nfilters, {one.label}\n{'':24} {'recall':>7} {'p50':>7} {'p99':>7} {'k found':>8}")
        for name, answers in one.filtered.items():
            times = f"{answers.p50_ms:>7.3f} {answers.p99_ms:>7.3f}"
            print(f"{name:24} {answers.recall:>7.4f} {times} {answers.filled:>8.1%}")
        if one.changes:
            print(f"\nchanges, {one.label}; fed in {one.feed_s:.1f} s")
        for name, value in one.changes.items():
            print(f"{name:52} {value:>10.2f}")
    print(flush=True)


if __name__ == "__main__":
    main()
