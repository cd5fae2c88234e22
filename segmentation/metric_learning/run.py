"""A run that trains the crop embedder: epochs, each validated, in a folder that it can be resumed from."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.optim import Optimizer

from segmentation.device import best_device
from segmentation.embedding import CropEmbedder, Embedder, fit_projection
from segmentation.errors import AnnotationError, ConfigError, TrainingDiverged
from segmentation.metric_learning.batches import Identities, ViewBatches, batch_loader, n_batches
from segmentation.metric_learning.config import EmbedderRecipe
from segmentation.metric_learning.crop_store import CropStore
from segmentation.metric_learning.engine import (
    Learner,
    LearningModel,
    build_optimizer,
    rate_factor,
    take_step,
)
from segmentation.metric_learning.held_out import split_crops
from segmentation.metric_learning.learning_model import (
    fold_for_training,
    freeze_children,
    load_features,
    served_config,
    served_state,
)
from segmentation.metric_learning.losses import Losses
from segmentation.metric_learning.run_files import (
    HISTORY,
    PAIRS,
    describe_store,
    save_embedder,
    served_tensors,
    write_history,
)
from segmentation.metric_learning.validation import validate, validate_benchmark
from segmentation.metric_learning.views import plain_view
from segmentation.training.distributed import World
from segmentation.training.failures import told_failures
from segmentation.training.ledger import Ledger, epoch_entry
from segmentation.training.run_folder import BEST, LAST, STATE, RunFolder, check_folder
from segmentation.training.state import AveragedWeights, RunProgress, load_state, save_state

FIGURES = {
    "recall_at_1": "recall@1",
    "recall_at_10": "recall@10",
    "benchmark_recall_at_1": "benchmark recall@1",
    "benchmark_recall_at_10": "benchmark recall@10",
}
N_FITTED_ON = 3000
"""Crops whose principal components a fresh projection starts with."""


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
        self.n_batches = max(1, round(train.epochs * self._n))
        self.n_epochs = math.ceil(self.n_batches / self._n)
        self._story = {"data_sets": describe_store(store, self._split), **(provenance or {})}
        resuming = check_folder(out, recipe, self._story, resume=resume)
        self._device = best_device()
        self.notes: list[str] = []
        self._learner = self._build(resuming)
        self.progress = EmbedderProgress()
        if resuming:
            self.progress = load_state(
                out / STATE, self._learner.model, self._same_optimizer, self._learner.average, EmbedderProgress
            )
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

    def _build(self, resuming: bool) -> Learner:
        train, config = self.recipe.train, self.recipe.model
        torch.manual_seed(train.seed)
        weights = train.initial_weights
        model = CropEmbedder(config, weights="imagenet" if weights == "imagenet" and not resuming else "")
        if not resuming:
            fresh = ("projection",)
            if weights not in ("", "imagenet"):
                fresh = load_features(model, Path(weights))
            elif not weights:
                self.notes.append("no initial weights: the whole embedder starts fresh")
            if train.fit_projection and any(name.startswith("projection") for name in fresh):
                self._fit_projection(model)
        fold_for_training(model.features)
        freeze_children(model, train.frozen_children)
        if config.pooling.startswith("gem"):
            model.power = torch.nn.Parameter(torch.tensor(float(config.pooling_power)))
        names = {"product": len(self._identities.product_names), "group": len(self._identities.group_names)}
        learning = LearningModel(model, Losses(train.losses, dim=config.dim, n_labels=names))
        device = torch.device(self._device.name)
        learning.to(device, memory_format=torch.channels_last)
        average = AveragedWeights(learning, train.ema_decay)
        return Learner(learning, build_optimizer(learning, train), average, device, train.bf16 and self._device.bf16)

    def _fit_projection(self, model: CropEmbedder) -> None:
        """Principal components of what the trunk sees in the training crops: a start that already retrieves."""
        config, rng = self.recipe.model, np.random.default_rng(self.recipe.train.seed)
        chosen = rng.permutation(self._split.train)[:N_FITTED_ON].tolist()
        if config.projection == "none" or len(chosen) <= config.dim:
            return
        embedder = Embedder(model, config, device=self._device.name)
        views = (plain_view(self._store[index], config) for index in chosen)
        weight, bias = fit_projection(np.concatenate([embedder.pooled([view]) for view in views]), config.dim)
        features_scale = 1 / np.linalg.norm(weight, axis=1).mean()
        model.projection.weight.data = torch.from_numpy(weight * features_scale)
        model.projection.bias.data = torch.from_numpy(bias * features_scale)  # type: ignore[union-attr]

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
        tensors = served_tensors(self._learner.model, self._learner.average.tensors)
        config = served_config(self.recipe.model, tensors)
        model = CropEmbedder(config)
        model.load_state_dict(served_state(self._learner.model.embedder, tensors))
        return Embedder(model, config, device=self._device.name)

    def _save_state(self, folder: RunFolder) -> None:
        self.progress.events_bytes = folder.flushed_events_bytes()
        learner = self._learner
        save_state(self._out / STATE, learner.model, learner.optimizer, learner.average, self.progress)
        self._saved_at = time.monotonic()

    def _save_weights(self, name: str, metrics: dict[str, Any]) -> None:
        learner, story = self._learner, {**self._story, "device": str(self._device)}
        save_embedder(
            self._out / name, learner.model, learner.average.tensors, self.recipe, story, self.progress, metrics
        )
