"""A run that trains the crop embedder: epochs, each validated, in a folder that it can be resumed from."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

from segmentation.device import best_device
from segmentation.embedding import CropEmbedder, Embedder
from segmentation.errors import AnnotationError, ConfigError, TrainingDiverged
from segmentation.metric_learning.batches import Identities, ViewBatches, batch_loader, n_batches
from segmentation.metric_learning.building import build_learner
from segmentation.metric_learning.config import EmbedderRecipe
from segmentation.metric_learning.crop_store import CropStore
from segmentation.metric_learning.engine import rate_factor, take_step
from segmentation.metric_learning.held_out import split_crops
from segmentation.metric_learning.learning_model import served_config, served_state
from segmentation.metric_learning.recipe_checks import check_recipe
from segmentation.metric_learning.run_files import (
    HISTORY,
    INITIAL,
    PAIRS,
    describe_store,
    embedder_tensors,
    save_embedder,
    save_tensors,
    write_history,
)
from segmentation.metric_learning.validation import validate, validate_benchmark
from segmentation.training.distributed import World
from segmentation.training.failures import told_failures
from segmentation.training.ledger import Ledger, epoch_entry
from segmentation.training.run_folder import BEST, LAST, STATE, RunFolder, check_folder
from segmentation.training.state import RunProgress, load_state, save_state
from segmentation.weights import read_initial_weights

FIGURES = {
    "recall_at_1": "recall@1",
    "recall_at_10": "recall@10",
    "benchmark_recall_at_1": "benchmark recall@1",
    "benchmark_recall_at_10": "benchmark recall@10",
}


@dataclass
class EmbedderProgress(RunProgress):
    """Where an embedder's run is."""

    best_figure: float = -1.0


@dataclass(frozen=True)
class EmbedderListener:
    """Where a run reports to. What it raises ends the run."""

    on_batch: Callable[[int, int, dict[str, float]], None]
    """Batches of the run done, batches in all, losses."""
    on_epoch: Callable[[int, dict[str, float]], None]
    """Epoch from 0, its figures; called when everything of the epoch is on disk."""
    on_validation: Callable[[int, int], None]
    """Crops done, crops in all."""


class EmbedderRun:
    """Trains one recipe into one folder; with `resume`, goes on from the state the folder holds."""

    def __init__(
        self,
        recipe: EmbedderRecipe,
        store: CropStore,
        out: Path,
        *,
        resume: bool = False,
        n_workers: int = 0,
        benchmark: Path | None = None,
        provenance: dict[str, Any] | None = None,
    ) -> None:
        """Prepare everything, but train nothing yet.

        Raises:
            AnnotationError: There is nothing to train on, or nothing to validate on.
            ConfigError: The recipe is wrong; the folder holds another run, or there is none to resume.
            CheckpointError: The initial weights or the state cannot be read.
        """
        check_recipe(recipe)
        train = recipe.train
        self.recipe, self._store, self._out = recipe, store, out
        self._n_workers, self._benchmark = n_workers, benchmark
        self._split = split_crops(store, train)
        self._identities = Identities(store, self._split.train)
        self._n = n_batches(self._identities, train)
        if self._n == 0:
            raise AnnotationError(
                f"{len(self._identities.group_names)} groups to train on do not fill a batch of "
                f"{train.groups_per_batch}: lower train.groups_per_batch"
            )
        self.n_batches = round(train.epochs * self._n)
        self.n_epochs = max(1, math.ceil(self.n_batches / self._n))  # of 0 epochs, one is validated
        self._story = {"data_sets": describe_store(store, self._split), **(provenance or {})}
        resuming = check_folder(out, recipe, self._story, resume=resume)
        self._device = best_device()
        self._learner, notes = build_learner(recipe, store, self._identities, self._device, resuming=resuming)
        self.notes = notes
        self.progress = EmbedderProgress()
        if resuming:
            self.progress = load_state(
                out / STATE, self._learner.model, self._same_optimizer, self._learner.average, EmbedderProgress
            )
        self._initial = self._initial_weights(resuming)
        self._ledger = Ledger(self.progress, World(torch.device(self._device.name)))
        self._saved_at = time.monotonic()

    def train(self, listener: EmbedderListener) -> EmbedderProgress:
        """Train to the last epoch, validating after each; returns where it ended.

        Raises:
            TrainingDiverged: See `take_step`; the folder holds the state before that step.
            ConfigError: A batch does not fit the GPU; another process trains into the folder.
            RunNotWritten: The folder cannot be written.
        """
        with told_failures(self._out):
            folder = self._open_folder()
            try:
                if self._initial and not (self._out / STATE).is_file():
                    save_tensors(self._out / INITIAL, self._initial)
                self._save_state(folder)
                while self.progress.epoch < self.n_epochs:
                    self._train_epoch(folder, listener)
                    self._finish_epoch(folder, listener)
            except TrainingDiverged as error:
                folder.add_event("diverged", {"epoch": self.progress.epoch, "reason": str(error)})
                self._save_state(folder)
                raise TrainingDiverged(f"{error}; the step was not taken. Lower the learning rate.") from error
            finally:
                folder.close()
        return self.progress

    def _same_optimizer(self, _epoch: int) -> Optimizer:
        return self._learner.optimizer

    def _open_folder(self) -> RunFolder:
        story = {**self._story, "device": str(self._device), "processes": 1, "loaders": self._n_workers}
        step = self._step(self.progress.batch)
        return RunFolder(
            self._out, self.recipe, story, events_bytes=self.progress.events_bytes, step=step, figures=FIGURES
        )

    def _step(self, batch: int) -> int:
        return self.progress.epoch * self._n + batch

    def _n_of(self, epoch: int) -> int:
        return min(self._n, self.n_batches - epoch * self._n)

    def _train_epoch(self, folder: RunFolder, listener: EmbedderListener) -> None:
        epoch, first, n = self.progress.epoch, self.progress.batch, self._n_of(self.progress.epoch)
        if first == n:  # killed while it was validated
            return
        train = self.recipe.train
        self._ledger.begin_epoch()
        batches = ViewBatches(self._identities, self.recipe.model, train, epoch, first, n)
        for done, batch in enumerate(batch_loader(batches, self._n_workers, train.seed), start=first + 1):
            factor = rate_factor(self._step(done - 1), self.n_batches, train.warmup_iterations)
            losses = take_step(self._learner, batch, train, factor, f"batch {done} of epoch {epoch + 1}")
            images_per_s = self._ledger.add_step(done, [(len(batch.groups), losses)])
            rate = self._learner.learning_rate
            folder.add_step(self._step(done), {**losses, "learning_rate": rate, "images_per_s": images_per_s})
            if time.monotonic() - self._saved_at >= train.save_every_s:
                self._save_state(folder)
            listener.on_batch(self._step(done), self.n_batches, {**losses, "img/s": images_per_s})
        self._ledger.end_epoch()
        self._save_state(folder)

    def _finish_epoch(self, folder: RunFolder, listener: EmbedderListener) -> None:
        progress = self.progress
        figures = self._validate(listener)
        self._ledger.add_validation()
        progress.history.append(epoch_entry(progress, "all", self._learner.learning_rate, figures))
        folder.add_epoch(self._step(progress.batch), progress.history)
        write_history(self._out / HISTORY, progress.history)
        self._save_weights(LAST, figures)
        if figures[self.recipe.train.best_by] > progress.best_figure:
            progress.best_figure = figures[self.recipe.train.best_by]
            self._save_weights(BEST, figures)
        progress.epoch, progress.batch, progress.epoch_losses = progress.epoch + 1, 0, {}
        self._save_state(folder)
        listener.on_epoch(progress.epoch - 1, figures)

    def _validate(self, listener: EmbedderListener) -> dict[str, float]:
        embedder = self._embedder()
        figures, pairs = validate(
            embedder, self._store, self._split, self.recipe.train, on_progress=listener.on_validation
        )
        pairs.save(self._out / PAIRS)
        if self._benchmark is not None:
            figures |= validate_benchmark(embedder, self._benchmark, on_progress=listener.on_validation)
        if self.recipe.train.best_by not in figures:
            raise ConfigError(f"train.best_by: no figure {self.recipe.train.best_by!r}; there are {', '.join(figures)}")
        return figures

    def _embedder(self) -> Embedder:
        """The averaged weights, ready to serve."""
        tensors = self._served()
        config = served_config(self.recipe.model, tensors)
        model = CropEmbedder(config)
        model.load_state_dict(served_state(self._learner.model.embedder, tensors))
        return Embedder(model, config, device=self._device.name)

    def _served(self) -> dict[str, Tensor]:
        """The averaged weights, and of the initial ones what `initial_share` says."""
        tensors = embedder_tensors(self._learner.average.tensors)
        share = self.recipe.train.initial_share
        return {name: value.lerp(self._initial[name], share) if share > 0 else value for name, value in tensors.items()}

    def _initial_weights(self, resuming: bool) -> dict[str, Tensor]:
        if self.recipe.train.initial_share == 0:
            return {}
        if resuming:
            given = read_initial_weights(self._out / INITIAL)
            return {name: value.to(self._learner.device) for name, value in given.items()}
        return {name: value.clone() for name, value in embedder_tensors(self._learner.average.tensors).items()}

    def _save_state(self, folder: RunFolder) -> None:
        self.progress.events_bytes = folder.flushed_events_bytes()
        learner = self._learner
        save_state(self._out / STATE, learner.model, learner.optimizer, learner.average, self.progress)
        self._saved_at = time.monotonic()

    def _save_weights(self, name: str, metrics: dict[str, Any]) -> None:
        learner, story = self._learner, {**self._story, "device": str(self._device)}
        save_embedder(
            self._out / name, learner.model.embedder, self._served(), self.recipe, story, self.progress, metrics
        )
