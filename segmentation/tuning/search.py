"""A search over ranges of settings that can be killed at any moment and goes on where it was.

The folder: study.db (Optuna's, every trial and its figures), trials/0000 .. (a run folder each), winner.toml.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import optuna
import torch
from filelock import FileLock, Timeout
from optuna.exceptions import StorageInternalError
from optuna.pruners import BasePruner, HyperbandPruner, MedianPruner, NopPruner
from optuna.trial import Trial, TrialState
from sqlalchemy.exc import SQLAlchemyError

from segmentation.config import SegmenterConfig
from segmentation.config_files import to_mapping
from segmentation.errors import CheckpointError, ConfigError, TrainingDiverged
from segmentation.tuning.ranges import Range, value_at, with_values
from segmentation.tuning.results import TrialResult, folder_of, outcome_of, result_of

STUDY, TRIALS, LOCK = "study.db", "trials", "study.lock"
PRUNERS: Mapping[str, Callable[[], BasePruner]] = {
    "median": lambda: MedianPruner(n_startup_trials=4),
    "hyperband": HyperbandPruner,
    "none": NopPruner,
}
"""median ends a trial whose best figure so far is below the median of earlier trials at that epoch."""
N_RANDOM_TRIALS = 8
"""So many trials are drawn at random before the sampler learns from them."""

Report = Callable[[int, int, float], None]
"""Called with an epoch (from 0), how many there will be, and the epoch's figure; raises to end a bad trial."""
TrainOne = Callable[[SegmenterConfig, Path, Report], float]
"""Trains a configuration into a folder, going on where the folder was left, and returns its figure: more is better."""


def check_searched(out: Path, *, resume: bool) -> None:
    """Refuse to begin where a search is, or to go on where there is none; to be asked before anything long is read.

    Raises:
        ConfigError: One or the other.
    """
    if (out / STUDY).is_file() != resume:
        raise ConfigError(
            f"{out}: nothing to resume there"
            if resume
            else f"{out}: holds a search already; pass --resume to go on, or name another folder"
        )


class Search:
    """Trials over ranges around a base configuration, kept in a folder."""

    def __init__(
        self,
        base: SegmenterConfig,
        ranges: Sequence[Range],
        out: Path,
        *,
        resume: bool = False,
        seed: int = 0,
        pruner: str = "median",
        facts: Mapping[str, Any] | None = None,
    ) -> None:
        """Begin a search, or go on with the one in the folder: what was killed is tried again.

        Args:
            base: What the ranges change; its own values are the first trial where the ranges hold them.
            ranges: What to search.
            out: The folder; made where missing.
            resume: Whether the folder holds a search to go on with.
            seed: Of the sampler.
            pruner: One of `PRUNERS`.
            facts: What else must be the same when going on, such as the data.

        Raises:
            ConfigError: The folder holds another search, none to go on with, or one that is running.
        """
        check_searched(out, resume=resume)
        out.mkdir(parents=True, exist_ok=True)
        self.base, self.ranges, self.out, self._seed = base, tuple(ranges), out, seed
        self._lock = FileLock(out / LOCK, timeout=0)
        try:
            self._lock.acquire()
        except Timeout as error:
            raise ConfigError(f"{out}: a search is running there") from error
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        try:
            with _told(out / STUDY):
                self._study = optuna.create_study(
                    storage=f"sqlite:///{(out / STUDY).resolve()}",
                    study_name="segmenter",
                    direction="maximize",
                    pruner=PRUNERS[pruner](),
                    load_if_exists=True,
                )
                known = {"base": to_mapping(base), "ranges": [repr(each) for each in ranges], **(facts or {})}
                self._check_settings(known)
                self._revive_killed()
        except ConfigError:
            self.close()
            raise

    def close(self) -> None:
        """Let others go on with the folder."""
        self._lock.release()

    def run(self, n_trials: int, train_one: TrainOne, on_result: Callable[[TrialResult], None]) -> None:
        """Try until `n_trials` have been tried in all, those before a resumption included.

        Raises:
            ConfigError: The study cannot be written; what it holds can be gone on with.
        """
        with _told(self.out / STUDY):
            self._run(n_trials, train_one, on_result)

    def _run(self, n_trials: int, train_one: TrainOne, on_result: Callable[[TrialResult], None]) -> None:
        while sum(result.counts for result in self.results()) < n_trials:
            trials = self._study.get_trials(deepcopy=False)
            # Seeded anew, or a resumed search would draw what it drew at its start.
            self._study.sampler = optuna.samplers.TPESampler(
                seed=self._seed + len(trials), n_startup_trials=N_RANDOM_TRIALS
            )
            trial = self._study.ask()
            self._try(trial, train_one)
            on_result(next(result for result in self.results() if result.number == trial.number))

    def results(self) -> list[TrialResult]:
        """Every trial that has ended, in the order they were begun."""
        trials = self._study.get_trials(deepcopy=False)
        return [result_of(trial, self.ranges) for trial in trials if trial.state.is_finished()]

    def winner(self) -> TrialResult | None:
        """The best finished trial."""
        finished = [result for result in self.results() if result.outcome == "finished" and result.value is not None]
        return max(finished, key=lambda result: result.value or 0.0, default=None)

    def importances(self) -> dict[str, float]:
        """How much of the figures' differences each setting explains, 0..1; empty where there are too few trials.

        Source: Watanabe, Bansal and Hutter, "PED-ANOVA", IJCAI 2023.
        """
        finished = [result for result in self.results() if result.outcome == "finished"]
        if len(finished) < N_RANDOM_TRIALS or len({result.value for result in finished}) < 2:
            return {}
        return dict(optuna.importance.get_param_importances(self._study))

    def _try(self, trial: Trial, train_one: TrainOne) -> None:
        values = {each.path: each.suggest(trial) for each in self.ranges}
        folder = folder_of(trial)
        trial.set_user_attr("folder", folder)

        def report(epoch: int, n_epochs: int, value: float) -> None:
            trial.report(value, epoch)
            if epoch + 1 < n_epochs and trial.should_prune():
                raise optuna.TrialPruned

        try:
            value = train_one(with_values(self.base, values), self.out / TRIALS / folder, report)
        except optuna.TrialPruned:
            self._study.tell(trial, state=TrialState.PRUNED)
        except (TrainingDiverged, ConfigError, CheckpointError, torch.OutOfMemoryError) as error:
            trial.set_user_attr("reason", str(error))
            self._study.tell(trial, state=TrialState.FAIL)
        else:
            self._study.tell(trial, value)

    def _check_settings(self, settings: dict[str, Any]) -> None:
        wanted, known = json.loads(json.dumps(settings)), self._study.user_attrs.get("settings")
        if known is None:
            own = {each.path: each.as_parameter(value_at(self.base, each.path)) for each in self.ranges}
            if all(value is not None for value in own.values()):
                self._study.enqueue_trial(own, user_attrs={"is_base": True}, skip_if_exists=True)
            self._study.set_user_attr("settings", wanted)
            return
        different = [name for name, value in wanted.items() if known.get(name) != value]
        if different:
            raise ConfigError(f"{self.out}: the search was started with another {', '.join(different)}")

    def _revive_killed(self) -> None:
        """Queue again what was running when a process died, with the folder it left; safe to be killed itself."""
        for trial in self._study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
            self._study.tell(trial.number, state=TrialState.FAIL)
        trials = self._study.get_trials(deepcopy=False)
        for trial in trials:
            later = {each.user_attrs.get("folder") for each in trials if each.number > trial.number}
            if trial.state.is_finished() and outcome_of(trial) == "killed" and folder_of(trial) not in later:
                attributes = {**trial.user_attrs, "folder": folder_of(trial)}
                self._study.enqueue_trial(dict(trial.params), user_attrs=attributes)


@contextmanager
def _told(study: Path) -> Iterator[None]:
    """The one place where the words of Optuna's storage for a damaged file or a full disk are translated."""
    try:
        yield
    except (SQLAlchemyError, StorageInternalError) as error:
        reason = str(error).splitlines()[0]
        raise ConfigError(f"{study}: the search cannot be read or written: {reason}") from error
