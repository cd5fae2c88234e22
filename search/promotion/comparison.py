"""Two spaces side by side, and what speaks against putting one in the other's place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from search.errors import SpaceRefused
from search.models import Space
from search.promotion.coverage import Coverage, measure_coverage
from search.promotion.live import LiveComparison
from search.promotion.recall import RecallComparison
from search.spaces import serving_record


@dataclass(frozen=True, slots=True)
class Comparison:
    """The space that serves and one that might.

    Attributes:
        serving: The space that served when they were compared.
        candidate: The other.
        coverage: What they hold, in that order.
        recalls: What they find of a benchmark; empty where none was given.
        live: How they answer the same photos; None where none was asked.
    """

    serving: Space
    candidate: Space
    coverage: tuple[Coverage, Coverage]
    recalls: Sequence[RecallComparison] = ()
    live: LiveComparison | None = None

    def objections(self) -> list[str]:
        """What speaks against promoting the candidate; empty where nothing does."""
        lost = [recall.objection() for recall in self.recalls if recall.decides and recall.difference.is_worse]
        live = [] if self.live is None else self.live.objections()
        return [*self.coverage[1].objections(self.candidate.name), *lost, *live]


def compare_coverage(candidate: Space) -> Comparison:
    """Begins a comparison with what the serving space and a candidate hold, the candidate's index reconciled first.

    Raises:
        SpaceRefused: The candidate serves already.
        ModelMissing: No space serves yet, and a configured checkpoint is missing or damaged.
        VectorIndexError: The candidate's index cannot be written.
    """
    serving = serving_record()
    if serving.pk == candidate.pk:
        raise SpaceRefused(f"{candidate.name} serves already.")
    return Comparison(serving, candidate, (measure_coverage(serving), measure_coverage(candidate, beside=serving)))
