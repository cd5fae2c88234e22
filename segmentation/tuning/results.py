"""What became of the trials of a search."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from optuna.trial import FrozenTrial, Trial, TrialState

from segmentation.tuning.ranges import Range


@dataclass(frozen=True)
class TrialResult:
    """What became of a trial."""

    number: int
    outcome: str
    """finished, pruned, failed, or killed (and gone on with as another trial)."""
    value: float | None
    """Its figure; of a pruned trial the best one on its way."""
    n_epochs: int
    seconds: float
    settings: Mapping[str, Any]
    """What was searched, by path."""
    is_base: bool
    """Whether the settings are those of the base configuration."""
    reason: str
    """Why it failed."""
    folder: str

    @property
    def counts(self) -> bool:
        """Whether it is one of the trials asked for."""
        return self.outcome != "killed"


def result_of(trial: FrozenTrial, ranges: Sequence[Range]) -> TrialResult:
    """Read a trial that has ended."""
    outcome, on_the_way = outcome_of(trial), trial.intermediate_values.values()
    parameters = trial.params
    return TrialResult(
        number=trial.number,
        outcome=outcome,
        value=trial.value if outcome == "finished" else max(on_the_way, default=None),
        n_epochs=len(on_the_way),
        seconds=trial.duration.total_seconds() if trial.duration is not None else 0.0,
        settings={each.path: each.from_parameter(parameters[each.path]) for each in ranges if each.path in parameters},
        is_base=bool(trial.user_attrs.get("is_base", False)),
        reason=str(trial.user_attrs.get("reason", "")),
        folder=folder_of(trial),
    )


def outcome_of(trial: FrozenTrial) -> str:
    """See `TrialResult.outcome`; a reason is written down before a trial is told to have failed."""
    if trial.state == TrialState.FAIL:
        return "failed" if "reason" in trial.user_attrs else "killed"
    return "finished" if trial.state == TrialState.COMPLETE else "pruned"


def folder_of(trial: Trial | FrozenTrial) -> str:
    """The name of a trial's run folder: its own number, or that of the killed trial it goes on with."""
    return str(trial.user_attrs.get("folder", f"{trial.number:04}"))
