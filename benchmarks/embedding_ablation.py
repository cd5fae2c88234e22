"""What each choice about the embedding brings: background, crop margin, views, pooling, dimension, loss.

    python -m benchmarks.embedding_ablation --benchmark BENCHMARK.json --out runs/embedding_ablation
    python -m benchmarks.embedding_ablation --benchmark BENCHMARK.json --out ... --weights TRUNK.pth \
        --annotated CCP --data LUMA --data WARDROBE --epochs 1 --rows fit-*,train-*,loss-*
    python -m benchmarks.embedding_ablation --table --out runs/embedding_ablation

Photos are segmented once, by the shipped segmenter; a row embeds their crops its own way and is compared exactly.
"photo" is the whole photo (garments found, categories compatible, best product of all garments), "box" the given box
against whole catalog pictures. Rows that only change how crops are cut need no data; "fit" rows fit a projection to
the garments of --annotated; "train" and "loss" rows train from --weights for the same number of batches. A row that
is finished is not measured again unless the embedder it started from changed; a killed command goes on where it was.
"""

from __future__ import annotations

import argparse
import dataclasses
import fnmatch
import json
import sys
import time
from pathlib import Path
from typing import Any

from tqdm import tqdm

from benchmarks.ablation_measure import Floats, Remembering, Segmented, columns, measure, segment
from benchmarks.ablation_rows import ROWS, Row
from search.errors import BenchmarkError, SearchError
from search.evaluation.layouts.reading import read_benchmark
from search.evaluation.remembered import RememberingPredictor
from segmentation.checkpoint import SHIPPED_EMBEDDER, SHIPPED_SEGMENTER, read_info
from segmentation.config import pad_as_weights_expect
from segmentation.data.sources import read_annotations
from segmentation.embedding import CropEmbedder, Embedder
from segmentation.errors import SegmentationError
from segmentation.evaluation.reporting.markdown import table
from segmentation.management.embedder_bars import EmbedderBars
from segmentation.metric_learning.config import EmbedderRecipe, load_recipe
from segmentation.metric_learning.crop_store import CropStore, prepare_store
from segmentation.metric_learning.garment_finder import GarmentFinder
from segmentation.metric_learning.run import EmbedderRun
from segmentation.metric_learning.sources import exclude_benchmarks, open_source
from segmentation.predictor import GarmentPredictor
from segmentation.training.projection import fit_embedder
from segmentation.training.run_folder import LAST, STATE
from segmentation.weights import load_into

SHRINKAGE = 0.25
"""Of fitted projections, as the shipped untrained embedder's."""
WARMUP_ITERATIONS = 10
"""Of every training: a recipe's own, made for a long run, would outlast a short one."""
ROWS_FILE = "rows.json"


def main() -> int:
    """Measure the rows that are missing and print the table; the exit status."""
    options = _parse()
    try:
        results = _read_results(options)
        if not options.table:
            _measure_missing(options, results)
    except (SearchError, SegmentationError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(_table(results))
    return 0


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.embedding_ablation", description=__doc__)
    add = parser.add_argument
    add("--benchmark", type=Path, help="benchmark file or folder, as evaluate_search reads them")
    add("--limit-queries", type=int, help="at most so many queries")
    add("--out", type=Path, default=Path("runs/embedding_ablation"), help="results, runs, descriptions")
    add("--rows", default="*", help="names or patterns, separated by commas")
    add("--embedder", type=Path, default=SHIPPED_EMBEDDER, help="what rows that need no data start from")
    add("--segmenter", type=Path, default=SHIPPED_SEGMENTER)
    add("--weights", help="trunk weights, for rows that fit or train")
    add("--annotated", type=Path, help="folder of annotated photos, for rows that fit")
    add("--fit-photos", type=int, default=400, help="of them, at most so many (default %(default)s)")
    add("--data", type=Path, action="append", default=[], help="folders to train on, as train_embedder's --data")
    add("--config", default="garment", help="recipe of the rows that train")
    add("--epochs", type=float, default=1.0, help="of each training: the same budget for all (default %(default)s)")
    add("--subset", type=int, help="only the first so many groups of each folder")
    add("--table", action="store_true", help="only print what is there")
    options = parser.parse_args()
    if not options.table and options.benchmark is None:
        parser.error("--benchmark is needed")
    return options


def _measure_missing(options: argparse.Namespace, results: dict[str, Any]) -> None:
    rows = {name: row for name, row in ROWS.items() if _is_asked(name, options.rows)}
    rows = {name: row for name, row in rows.items() if not _is_measured(options, row, results.get(name))}
    possible = {name: row for name, row in rows.items() if _is_possible(row, options)}
    for name in rows.keys() - possible.keys():
        print(f"{name}: left out, see --weights, --annotated and --data", file=sys.stderr)
    if not possible:
        return
    segmented, known = _segmented(options), dict[bytes, Floats]()
    for name, row in possible.items():
        started = time.process_time()
        embedder = _EMBEDDERS[row.made](options, name, row)
        made_s, started = time.process_time() - started, time.process_time()
        figures = measure(segmented, Remembering(embedder, known if row.made == "given" else {}), row)
        results[name] = {
            "figures": figures,
            "making_cpu_s": made_s,
            "measuring_cpu_s": time.process_time() - started,
            "embedder": _embedder_of(options, row),
        }
        _write_results(options, results)
        print(f"{name}: " + ", ".join(f"{key} {value:.3f}" for key, value in figures.items()), flush=True)


def _is_measured(options: argparse.Namespace, row: Row, result: dict[str, Any] | None) -> bool:
    return result is not None and result["embedder"] == _embedder_of(options, row)


def _embedder_of(options: argparse.Namespace, row: Row) -> str | None:
    """What a row started from; a row that is trained does not know the given embedder."""
    return None if row.made == "trained" else read_info(options.embedder, kind="embedder").version


def _is_asked(name: str, patterns: str) -> bool:
    return any(fnmatch.fnmatchcase(name, pattern.strip()) for pattern in patterns.split(","))


def _is_possible(row: Row, options: argparse.Namespace) -> bool:
    if row.made == "given":
        return True
    return options.weights is not None and (options.annotated is not None if row.made == "fitted" else options.data)


def _segmented(options: argparse.Namespace) -> Segmented:
    benchmark = read_benchmark(options.benchmark, pictures=options.out / "pictures").part(limit=options.limit_queries)
    predictor = GarmentPredictor.from_files(options.segmenter, options.embedder)
    remembering = RememberingPredictor(predictor, options.out / "descriptions")
    with tqdm(total=len(benchmark.catalog) + len(benchmark.queries), desc="segment", unit="photo") as bar:
        for state in segment(benchmark, remembering):
            if isinstance(state, Segmented):
                return state
            bar.update(state - bar.n)
    raise AssertionError("segment ends with its result")


def _given(options: argparse.Namespace, _name: str, row: Row) -> Embedder:
    embedder, _ = Embedder.from_file(options.embedder)
    model = CropEmbedder(embedder.config)
    load_into(model, options.embedder)
    return Embedder(model, dataclasses.replace(embedder.config, **row.model))


def _fitted(options: argparse.Namespace, _name: str, row: Row) -> Embedder:
    config = dataclasses.replace(Embedder.from_file(options.embedder)[0].config, projection="linear", **row.model)
    photos = read_annotations(options.annotated, split="train").photos[: options.fit_photos]
    with tqdm(desc="fit", unit="photo") as bar:

        def show(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        model, _ = fit_embedder(config, photos, options.weights, shrinkage=SHRINKAGE, on_progress=show)
    return Embedder(model, config)


def _trained(options: argparse.Namespace, name: str, row: Row) -> Embedder:
    recipe = load_recipe(options.config)
    model, _ = pad_as_weights_expect(dataclasses.replace(recipe.model, **row.model), options.weights)
    fixed = {"initial_weights": options.weights, "epochs": options.epochs, "warmup_iterations": WARMUP_ITERATIONS}
    recipe = EmbedderRecipe(name, model, dataclasses.replace(recipe.train, **{**row.train, **fixed}))
    folder = options.out / "runs" / name
    run = EmbedderRun(recipe, _store(options, recipe), folder, resume=(folder / STATE).is_file())
    bars = EmbedderBars()
    try:
        run.train(bars.listener())
    finally:
        bars.close()
    return Embedder.from_file(folder / LAST)[0]


_EMBEDDERS = {"given": _given, "fitted": _fitted, "trained": _trained}


def _store(options: argparse.Namespace, recipe: EmbedderRecipe) -> CropStore:
    """Crops to train on, prepared once for all rows; nothing of the benchmark's queries."""
    sources = exclude_benchmarks([open_source(folder) for folder in options.data], [options.benchmark])
    return prepare_store(
        sources,
        options.out / "crops",
        finder=GarmentFinder.from_file(options.segmenter),
        stored_side_px=recipe.train.stored_side_px,
        limit=options.subset,
    )


def _read_results(options: argparse.Namespace) -> dict[str, Any]:
    """The rows that are there.

    Raises:
        BenchmarkError: They are of another benchmark, segmenter or budget.
    """
    file = options.out / ROWS_FILE
    if not file.is_file():
        return {}
    content = json.loads(file.read_text(encoding="utf-8"))
    if not options.table and content["about"] != _about(options):
        raise BenchmarkError(f"{file} holds rows of {content['about']}: choose another --out, or remove it.")
    return dict(content["rows"])


def _write_results(options: argparse.Namespace, results: dict[str, Any]) -> None:
    options.out.mkdir(parents=True, exist_ok=True)
    partial = options.out / f"{ROWS_FILE}.partial"
    partial.write_text(json.dumps({"about": _about(options), "rows": results}, indent=1) + "\n", encoding="utf-8")
    partial.replace(options.out / ROWS_FILE)


def _about(options: argparse.Namespace) -> dict[str, Any]:
    """What rows must share to stand in one table."""
    return {
        "benchmark": options.benchmark.name,
        "limit_queries": options.limit_queries,
        "segmenter": read_info(options.segmenter, kind="segmenter").version,
        "epochs": options.epochs,
    }


def _table(results: dict[str, Any]) -> str:
    names = [name for name in ROWS if name in results]
    figures = columns([results[name]["figures"] for name in names])
    rows = [
        [
            ROWS[name].group,
            ROWS[name].what,
            *(f"{results[name]['figures'].get(key, float('nan')):.3f}" for key in figures),
        ]
        for name in names
    ]
    return table(("choice", "row", *figures), rows, n_words=2)


if __name__ == "__main__":
    sys.exit(main())
