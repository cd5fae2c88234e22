"""From a benchmark and a pair of checkpoints to a report: the catalog indexed aside, every query asked, all counted."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

from search.errors import BenchmarkError, InvalidRegion
from search.evaluation.alone import WholePictures, index_recall
from search.evaluation.asking import Answer, ask
from search.evaluation.benchmark import Benchmark, BenchmarkQuery
from search.evaluation.confidence import Confidence, Pairs, confidence_of, pairs_of
from search.evaluation.figures import Figures, Outcome, figures_of, outcome_of
from search.evaluation.remembered import RememberingPredictor
from search.evaluation.scratch import scratch_world
from search.evaluation.scratch_catalog import index_catalog, item_ids
from search.models import Space
from segmentation.errors import PhotoRejected
from segmentation.taxonomy import category_by_id
from segmentation.types import Embedding
from workers import runtime
from workers.model_files import CheckpointPair

REPORT_FORMAT = 1
Measure = Literal["photo", "tapped", "box", "embedding"]
MEASURES: tuple[Measure, ...] = ("photo", "tapped")
"""What is always measured; see `search.evaluation.asking`."""
BOX_MEASURES: tuple[Measure, ...] = ("box", "embedding")
"""What is measured with given boxes."""
STAGES = ("decode", "segment", "embed", "search", "rank", "total")

Progress = Callable[[str, int, int], None]
"""Called with the stage ("catalog" or "queries"), how many are done, and how many there are."""


@dataclass(frozen=True, slots=True)
class MeasureReport:
    """One measure over all queries and over groups of them."""

    all: Figures
    by_kind: Mapping[str, Figures]
    by_category: Mapping[str, Figures]


@dataclass(frozen=True, slots=True)
class Report:
    """What an evaluation found. Queries that ask for nothing in the catalog count in `confidence` alone."""

    format: int
    benchmark: str
    n_catalog: int
    n_queries: int
    space: str
    segmenter_version: str
    embedder_version: str
    measures: Mapping[str, MeasureReport]
    confidence: Confidence | None
    index_recall_at_10: float
    milliseconds: Mapping[str, Mapping[str, float]]
    """p50 and p95 of every stage of a query; "total" is their sum."""
    n_described: int
    """Photos looked at in this run; the others' milliseconds are those of the run that looked."""
    outcomes: Mapping[str, tuple[Outcome, ...]]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """A report and what it was made from."""

    report: Report
    benchmark: Benchmark
    answers: Mapping[str, Sequence[Answer]]
    """Of the measure "tapped", by query id."""
    pairs: Pairs


@dataclass(slots=True)
class _Lists:
    """What the queries gave so far."""

    found: dict[str, dict[str, list[str]]] = field(default_factory=dict)
    tapped: dict[str, list[Answer]] = field(default_factory=dict)
    wholes: dict[str, list[Answer]] = field(default_factory=dict)
    milliseconds: dict[str, list[float]] = field(default_factory=lambda: {stage: [] for stage in STAGES})
    vectors: list[Embedding] = field(default_factory=list)


def evaluate(
    benchmark: Benchmark,
    checkpoints: CheckpointPair,
    *,
    with_boxes: bool = False,
    calibration: Mapping[str, Any] | None = None,
    cache: Path | None = None,
    on_progress: Progress | None = None,
) -> Evaluation:
    """Measure a pair of checkpoints end to end, in a world of its own that is removed afterwards.

    Args:
        benchmark: What to index and to ask.
        checkpoints: What describes the photos.
        with_boxes: Measure with given boxes too; looks at every query with a box once more.
        calibration: `Calibration.to_mapping` of the space; None leaves the one the embedder carries.
        cache: Where descriptions are kept from run to run.
        on_progress: Told how far it is.

    Raises:
        BenchmarkError: A picture cannot be used.
        VectorIndexError, WorkersError: As indexing and searching any catalog.
    """
    report_progress = _say_nothing if on_progress is None else on_progress
    with _world(checkpoints, cache) as (folder, predictor):
        space = index_catalog(
            benchmark, folder / "catalog", on_progress=lambda done, total: report_progress("catalog", done, total)
        )
        Space.objects.filter(pk=space.pk).update(calibration=calibration)
        lists = _ask_all(benchmark, space, with_boxes=with_boxes, on_progress=report_progress)
        recall = index_recall(space, lists.vectors)
    outcomes = {name: _outcomes(benchmark, found) for name, found in lists.found.items()}
    judged = [(query.relevant, lists.tapped[query.id]) for query in benchmark.queries]
    report = Report(
        format=REPORT_FORMAT,
        benchmark=benchmark.name,
        n_catalog=len(benchmark.catalog),
        n_queries=len(benchmark.queries),
        space=space.name,
        segmenter_version=space.segmenter_version,
        embedder_version=space.embedder_version,
        measures={name: measured for name, each in outcomes.items() if (measured := _measure(each)) is not None},
        confidence=confidence_of(judged),
        index_recall_at_10=recall,
        milliseconds={stage: _percentiles(values) for stage, values in lists.milliseconds.items() if values},
        n_described=predictor.n_described,
        outcomes=outcomes,
    )
    return Evaluation(report, benchmark, lists.tapped, pairs_of(_with_wholes(benchmark, lists)))


@contextmanager
def _world(checkpoints: CheckpointPair, cache: Path | None) -> Iterator[tuple[Path, RememberingPredictor]]:
    """A scratch world whose photos are described with a memory."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="selvedge-evaluation-")))
        stack.enter_context(scratch_world(folder / "world", checkpoints))
        predictor = RememberingPredictor(runtime.predictor(), cache)
        stack.enter_context(runtime.lent(predictor))
        yield folder, predictor


def _ask_all(benchmark: Benchmark, space: Space, *, with_boxes: bool, on_progress: Progress) -> _Lists:
    lists, ids = _Lists(), item_ids()
    wholes = WholePictures(space, ids) if with_boxes else None
    measures = (*MEASURES, *BOX_MEASURES) if with_boxes else MEASURES
    lists.found = {measure: {} for measure in measures}
    on_progress("queries", 0, len(benchmark.queries))
    for done, query in enumerate(benchmark.queries, start=1):
        try:
            _ask_one(benchmark, query, lists, ids)
            if wholes is not None:
                _ask_with_box(benchmark, query, lists, ids, wholes, space)
        except (PhotoRejected, InvalidRegion) as error:
            raise BenchmarkError(f"Query {query.id!r}, {query.file}: {error}") from error
        on_progress("queries", done, len(benchmark.queries))
    return lists


def _ask_one(benchmark: Benchmark, query: BenchmarkQuery, lists: _Lists, ids: dict[int, str]) -> None:
    asked = ask(benchmark, query, query.file.read_bytes(), ids, with_box=False)
    lists.tapped[query.id] = asked.tapped()
    lists.wholes[query.id] = asked.whole()
    lists.found["photo"][query.id] = [answer.item_id for answer in asked.photo()]
    lists.found["tapped"][query.id] = [answer.item_id for answer in lists.tapped[query.id]]
    lists.vectors += [found.descriptor.embedding for found in asked.result.objects]
    stages = {stage: asked.result.timings_ms[stage] for stage in STAGES if stage != "total"}
    for stage, value in stages.items():
        lists.milliseconds[stage].append(value)
    # Not the clock's total: where a photo was described in an earlier run, it was not looked at now.
    lists.milliseconds["total"].append(sum(stages.values()))


def _ask_with_box(
    benchmark: Benchmark,
    query: BenchmarkQuery,
    lists: _Lists,
    ids: dict[int, str],
    wholes: WholePictures,
    space: Space,
) -> None:
    data = query.file.read_bytes()
    if query.box_xyxy_px is None:
        lists.found["box"][query.id] = lists.found["photo"][query.id]
    else:
        asked = ask(benchmark, query, data, ids, with_box=True)
        lists.found["box"][query.id] = [answer.item_id for answer in asked.photo()]
    lists.found["embedding"][query.id] = wholes.nearest(query, data, space)


def _with_wholes(benchmark: Benchmark, lists: _Lists) -> list[tuple[Mapping[str, int], list[Answer]]]:
    """What was found for the garment meant and for the photo as a whole: scores of both must mean the same."""
    return [
        (query.relevant, [*lists.tapped[query.id], *lists.wholes[query.id]])
        for query in benchmark.queries
        if query.relevant
    ]


def _outcomes(benchmark: Benchmark, found: Mapping[str, Sequence[str]]) -> tuple[Outcome, ...]:
    return tuple(
        outcome_of(query.id, query.kind, benchmark.wanted_category_id(query), query.relevant, found[query.id])
        for query in benchmark.queries
        if query.relevant
    )


def _measure(outcomes: Sequence[Outcome]) -> MeasureReport | None:
    overall = figures_of(outcomes)
    if overall is None:
        return None
    kinds = dict.fromkeys(each.kind for each in outcomes)
    categories = sorted({each.category_id for each in outcomes if each.category_id is not None})
    by_kind = {kind: figures_of([each for each in outcomes if each.kind == kind]) for kind in kinds}
    by_category = {
        category_by_id(number).name: figures_of([each for each in outcomes if each.category_id == number])
        for number in categories
    }
    return MeasureReport(overall, _known(by_kind), _known(by_category))


def _known(groups: Mapping[str, Figures | None]) -> dict[str, Figures]:
    return {name: figures for name, figures in groups.items() if figures is not None}


def _percentiles(values: Sequence[float]) -> dict[str, float]:
    return {"p50": float(np.percentile(values, 50)), "p95": float(np.percentile(values, 95))}


def _say_nothing(stage: str, done: int, total: int) -> None:
    """Progress nobody asked for."""
