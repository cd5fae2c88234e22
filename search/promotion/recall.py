"""What two spaces find of a benchmark, query by query."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from search.errors import BenchmarkError
from search.evaluation.benchmark import Benchmark
from search.evaluation.evaluation import evaluate
from search.evaluation.figures import Difference, Outcome, compare_recall
from search.models import Space
from workers.model_files import find_pair

RANKS = (1, 10)
MEASURE = "photo"
"""End to end, as a shopper without a box searches; see `search.evaluation.asking`."""

BenchmarkProgress = Callable[[Space, str, int, int], None]
"""Called with the space, the stage ("catalog" or "queries"), how many photos are done, and how many there are."""


@dataclass(frozen=True, slots=True)
class RecallComparison:
    """Recall at `k` of all queries, or of those of one kind.

    Attributes:
        k: Depth of the list.
        kind: The kind; None for all queries, by which alone is decided: of many kinds one is lost by chance.
        difference: Before is the space that serves, after the candidate.
    """

    k: int
    kind: str | None
    difference: Difference

    @property
    def name(self) -> str:
        """What is measured, in words."""
        return f"recall@{self.k}" + ("" if self.kind is None else f" {self.kind}")

    @property
    def decides(self) -> bool:
        """Whether a loss speaks against the candidate."""
        return self.kind is None

    def objection(self) -> str:
        """The loss, in words."""
        lost = self.difference
        low, high = lost.interval
        return (
            f"{self.name} falls from {lost.before:.3f} to {lost.after:.3f}, beyond chance ({lost.difference:+.3f}, "
            f"95 %: {low:+.3f} to {high:+.3f}, {lost.n_queries} queries)"
        )


def compare_recalls(
    benchmark: Benchmark, serving: Space, candidate: Space, *, cache: Path | None, on_progress: BenchmarkProgress
) -> list[RecallComparison]:
    """Measures the checkpoints of two spaces on the same benchmark, each in a world of its own.

    Args:
        benchmark: Its catalog is indexed, its queries are asked.
        serving: The space that serves.
        candidate: The one to compare it with.
        cache: Where descriptions are kept from run to run.
        on_progress: Told how far it is.

    Raises:
        BenchmarkError: A picture cannot be used, or no query asks for anything in the catalog.
        ModelMissing: The checkpoints of one are not found from here.
        VectorIndexError, WorkersError: As indexing and searching any catalog.
    """
    before, after = (_outcomes(benchmark, space, cache, on_progress) for space in (serving, candidate))
    kinds = [None, *(benchmark.kinds if len(benchmark.kinds) > 1 else ())]
    compared = [
        RecallComparison(k, kind, difference)
        for kind in kinds
        for k in RANKS
        if (difference := compare_recall(_of(before, kind), _of(after, kind), k)) is not None
    ]
    if not compared:
        raise BenchmarkError(f"No query of {benchmark.name} asks for anything in its catalog.")
    return compared


def _outcomes(
    benchmark: Benchmark, space: Space, cache: Path | None, on_progress: BenchmarkProgress
) -> tuple[Outcome, ...]:
    evaluation = evaluate(
        benchmark,
        find_pair(space.name),
        calibration=space.calibration,
        cache=cache,
        on_progress=lambda stage, done, total: on_progress(space, stage, done, total),
    )
    return evaluation.report.outcomes[MEASURE]


def _of(outcomes: tuple[Outcome, ...], kind: str | None) -> list[Outcome]:
    return [each for each in outcomes if kind is None or each.kind == kind]
