"""Start-up seconds and memory for annotations of the competition's size, beside a naive reader of the same file.

    python -m benchmarks.annotations_at_size [--folder FOLDER] [--photos 45625] [--instances 333415] [--json FILE]

Draws a train.csv as the real one is built (one run a mask column, sizes of photos from snapshot to 20 megapixels) into
a scratch folder, or into FOLDER, where it is kept and used again; the photos are links to one empty file. Each reader
runs in a process of its own. The naive one is the starter kernels': csv rows, and every run-length a Python number in
a list; `--naive-share` of the rows are given to it, and its figures scaled up.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

SEED = 2019
N_PHOTOS, N_INSTANCES = 45_625, 333_415
DECODED = 300
"""Photos whose masks are decoded for the time of one sample."""


def main() -> None:
    """Run and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, help="keep the drawn data here")
    parser.add_argument("--photos", type=int, default=N_PHOTOS)
    parser.add_argument("--instances", type=int, default=N_INSTANCES)
    parser.add_argument("--naive-share", type=float, default=0.1, help="of the rows, for the naive reader")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--reader", choices=tuple(READERS), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.reader is not None:
        print(json.dumps(READERS[options.reader](options.folder, options.naive_share)))
        return
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.folder if options.folder is not None else Path(scratch)
        csv_file = folder / "train.csv"
        if not csv_file.is_file():
            draw_data(folder, options.photos, options.instances)
        n_bytes = csv_file.stat().st_size
        figures = {name: _in_a_process(name, folder, options.naive_share) for name in READERS}
    _print(n_bytes, figures, options.naive_share)
    if options.json is not None:
        content = {"at": datetime.now(UTC).isoformat(), "bytes": n_bytes, **figures}
        options.json.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def draw_data(folder: Path, n_photos: int, n_instances: int, *, seed: int = SEED) -> None:
    """Write train.csv and a folder of photos that hold nothing."""
    (folder / "images").mkdir(parents=True, exist_ok=True)
    nothing = folder / "nothing"
    nothing.touch()
    rng = np.random.default_rng(seed)
    owners = np.sort(np.concatenate([np.arange(n_photos), rng.integers(0, n_photos, max(0, n_instances - n_photos))]))
    heights = np.clip(rng.lognormal(np.log(1300), 0.5, n_photos), 400, 6000).astype(np.int64)
    widths = (heights * rng.uniform(0.6, 0.85, n_photos)).astype(np.int64)
    draft = folder / "train.csv.draft"
    n_on_disk = 0
    with draft.open("w", encoding="ascii") as stream:
        stream.write("ImageId,EncodedPixels,Height,Width,ClassId\n")
        for photo in tqdm(owners, desc="draw train.csv", unit="row"):
            name, height, width = f"{photo:032x}.jpg", int(heights[photo]), int(widths[photo])
            if photo >= n_on_disk:
                link = folder / "images" / name
                link.unlink(missing_ok=True)
                link.hardlink_to(nothing) if photo % 30_000 else link.touch()  # a file has 65,000 names at most
                n_on_disk = photo + 1
            runs = " ".join(map(str, draw_runs(rng, height, width).tolist()))
            stream.write(f"{name},{runs},{height},{width},{draw_class_id(rng)}\n")
    draft.rename(folder / "train.csv")


def draw_runs(rng: np.random.Generator, height: int, width: int) -> NDArray[np.int64]:
    """One garment: an uneven blob, a run a column, with a gap in the middle of some columns; starts from 1."""
    n_columns = int(np.clip(width * rng.lognormal(np.log(0.13), 0.8), 3, width * 0.8))
    left = int(rng.integers(0, width - n_columns))
    swell = np.sin(np.linspace(0.1, np.pi - 0.1, n_columns)) ** 0.5
    lengths = np.maximum(4, n_columns * rng.uniform(0.5, 1.8) * swell + rng.normal(0, 2, n_columns).cumsum() / 2)
    lengths = np.minimum(lengths, height * 0.8).astype(np.int64)
    middle = rng.uniform(0.3, 0.7) * height + rng.normal(0, 1, n_columns).cumsum() / 2
    tops = np.clip(middle - lengths / 2, 0, height - lengths).astype(np.int64)
    starts = (left + np.arange(n_columns)) * height + tops + 1
    split = (rng.random(n_columns) < 0.15) & (lengths >= 12)
    first = np.where(split, lengths // 3, lengths)
    runs = np.stack([starts, first, starts + lengths - lengths // 3, lengths // 3], axis=1)
    kept = np.stack([np.ones(n_columns, bool), split], axis=1)
    return np.asarray(runs.reshape(-1, 2)[kept.reshape(-1)].reshape(-1), dtype=np.int64)


def draw_class_id(rng: np.random.Generator) -> str:
    """A category, with attributes for the first thirteen (the competition's main garments)."""
    category = min(45, int(rng.exponential(12)))
    attributes = sorted(set(rng.integers(0, 92, rng.integers(0, 4)).tolist())) if category < 13 else []
    return "_".join(map(str, [category, *attributes]))


def _in_a_process(reader: str, folder: Path, naive_share: float) -> dict[str, float]:
    arguments = ["-m", "benchmarks.annotations_at_size", "--folder", str(folder), "--naive-share", str(naive_share)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, *arguments, "--reader", reader], check=True, stdout=subprocess.PIPE, env=environment
    )
    figures: dict[str, float] = json.loads(done.stdout)
    return figures


def _read_with_selvedge(folder: Path, _: float) -> dict[str, float]:
    from segmentation.data.sources import read_annotations  # its memory is not the naive reader's
    from segmentation.management.progress import progress_on  # likewise
    from segmentation.masks import mask_from_rle  # likewise

    imported = _peak_bytes()
    with tqdm(desc="selvedge", unit="B", unit_scale=True) as bar:
        clock = _Clock()
        found = read_annotations(folder, on_progress=progress_on(bar))
        seconds, cpu_seconds = clock.seconds()
    if found.problems:
        sys.exit(f"the drawn data has problems: {found.problems[0]}")
    peak = _peak_bytes()
    made, decoded = [], []
    for index in np.random.default_rng(SEED).integers(0, len(found.photos), DECODED):
        clock = _Clock()
        photo = found.photos[int(index)]
        made.append(clock.seconds()[1])
        masks = [mask_from_rle(instance.mask) for instance in photo.instances]
        decoded.append(clock.seconds()[1])
        del masks
    return {
        "rows": found.n_instances,
        "seconds": seconds,
        "cpu_seconds": cpu_seconds,
        "peak_bytes": peak,
        "imports_bytes": imported,
        "made_ms": median(made) * 1e3,
        "decoded_ms": median(decoded) * 1e3,
        "decoded_worst_ms": max(decoded) * 1e3,
    }


def _read_naively(folder: Path, share: float) -> dict[str, float]:
    """As the starter kernels do; missing files are looked for row by row, mistakes are not looked for at all."""
    import csv  # so that this process holds no more than the naive reader needs

    imported = _peak_bytes()
    clock = _Clock()
    photos: dict[str, list[tuple[list[int], int, int, str]]] = {}
    for row in _some_rows(folder / "train.csv", share, csv.field_size_limit):
        if not (folder / "images" / row["ImageId"]).is_file():
            sys.exit(f"no photo {row['ImageId']}")
        runs = [int(number) for number in row["EncodedPixels"].split()]
        photos.setdefault(row["ImageId"], []).append((runs, int(row["Height"]), int(row["Width"]), row["ClassId"]))
    seconds, cpu_seconds = clock.seconds()
    return {
        "rows": sum(map(len, photos.values())) / share,
        "seconds": seconds / share,
        "cpu_seconds": cpu_seconds / share,
        "peak_bytes": imported + (_peak_bytes() - imported) / share,
        "imports_bytes": imported,
    }


def _some_rows(csv_file: Path, share: float, raise_limit: Callable[[int], int]) -> Iterator[dict[str, str]]:
    import csv  # as above

    raise_limit(1 << 28)
    limit = csv_file.stat().st_size * share
    with csv_file.open(encoding="utf-8", newline="") as stream:
        n_read = 0
        for row in tqdm(csv.DictReader(stream), desc="naive", unit="row"):
            yield row
            n_read += sum(map(len, row.values())) + len(row)
            if n_read >= limit:
                return


READERS = {"selvedge": _read_with_selvedge, "naive": _read_naively}


class _Clock:
    """Seconds by the wall and of the processor: on a busy machine the two differ."""

    def __init__(self) -> None:
        self._wall, self._cpu = time.perf_counter(), time.process_time()

    def seconds(self) -> tuple[float, float]:
        return time.perf_counter() - self._wall, time.process_time() - self._cpu


def _peak_bytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _print(n_bytes: int, figures: dict[str, dict[str, float]], naive_share: float) -> None:
    ours, naive = figures["selvedge"], figures["naive"]
    print(f"\ntrain.csv: {ours['rows']:,.0f} rows, {n_bytes / 1e6:,.0f} MB; one thread, {datetime.now(UTC):%Y-%m-%d}\n")
    print(f"{'':<40}{'selvedge':>12}{'naive':>12}{'ratio':>8}")
    for label, key, unit in (
        ("start-up, s", "seconds", 1.0),
        ("start-up, s of processor time", "cpu_seconds", 1.0),
        ("peak memory, MB", "peak_bytes", 1e6),
    ):
        mine, its = ours[key] / unit, naive[key] / unit
        print(f"{label:<40}{mine:>12,.1f}{its:>12,.1f}{its / mine:>7.1f}x")
    print(f"{'of it, after imports alone, MB':<40}{ours['imports_bytes'] / 1e6:>12,.1f}")
    print(f"{'a photo out of the arrays, ms':<40}{ours['made_ms']:>12,.2f}")
    print(f"{'and its masks decoded, median ms':<40}{ours['decoded_ms']:>12,.1f}")
    print(f"{f'and its masks decoded, worst of {DECODED}, ms':<40}{ours['decoded_worst_ms']:>12,.1f}")
    print(f"\nThe naive reader read {naive_share:.0%} of the rows; its figures are scaled up.")


if __name__ == "__main__":
    main()
