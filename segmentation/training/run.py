"""A training run: stages of epochs, each validated, in a folder that it can be resumed from."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch.optim import Optimizer

from segmentation.config import SegmenterConfig
from segmentation.data.annotations import AnnotatedPhoto, Photos
from segmentation.data.loaders import training_loader
from segmentation.data.samplers import n_batches, photo_repeats
from segmentation.device import best_device
from segmentation.errors import AnnotationError, ConfigError, TrainingDiverged
from segmentation.evaluation.coco_ap import APReport, evaluate_segmenter
from segmentation.model import build_mask_rcnn
from segmentation.segmenter import Segmenter
from segmentation.training.distributed import World
from segmentation.training.engine import Learner, build_optimizer, train_one_epoch
from segmentation.training.failures import told_failures
from segmentation.training.initial import load_initial
from segmentation.training.ledger import BatchRecord, Ledger, epoch_entry
from segmentation.training.listener import Listener
from segmentation.training.parts import freeze
from segmentation.training.roi_sampling import SeededSampling
from segmentation.training.run_folder import BEST, CONFIG, EVENTS, LAST, STATE, RunFolder, check_folder
from segmentation.training.stages import check_stages, plan_run
from segmentation.training.state import AveragedWeights, Progress, load_state, save_state
from segmentation.training.story import describe_data, save_run_checkpoint
from segmentation.trunk_variants import train_norm_affine

__all__ = ["BEST", "CONFIG", "EVENTS", "LAST", "STATE", "Listener", "TrainingRun"]


class TrainingRun:
    """Trains one configuration into one folder; with `resume`, goes on from the state the folder holds.

    `notes` are sentences a person should read before it trains, such as which parts start from random weights; `plan`
    says which epochs there will be, `progress` where it is.
    """

    def __init__(
        self,
        config: SegmenterConfig,
        train: Sequence[AnnotatedPhoto],
        val: Sequence[AnnotatedPhoto],
        out: Path,
        *,
        resume: bool = False,
        n_workers: int = 0,
        provenance: dict[str, Any] | None = None,
        world: World | None = None,
    ) -> None:
        """Prepare everything, but train nothing yet.

        Raises:
            AnnotationError: There is nothing to train on, or nothing to validate on.
            ConfigError: A stage is wrong; processes cannot share a batch; the folder holds another run, or there is
                none to resume.
            CheckpointError: The initial weights or the state cannot be read.
        """
        check_stages(config.train)
        self._world = world if world is not None else World(torch.device(best_device().name))
        self._world.check_batch_size(config.train.batch_size)
        if not train or not Photos.of(val).n_instances:
            raise AnnotationError(f"no photo with garments to {'validate' if train else 'train'} on")
        self.config, self._train, self._val, self._out = config, train, val, out
        self._n_workers = n_workers
        self._story = {"data_sets": {"train": describe_data(train), "val": describe_data(val)}, **(provenance or {})}
        if len(set(self._world.gather_words([self._story["data_sets"]["train"]["sha8"]]))) > 1:
            raise ConfigError("the processes read different training photos")
        repeats = photo_repeats(train, config.train.sampling)
        self.plan = plan_run(config.train, n_batches(repeats, config.train.batch_size))
        resuming = check_folder(out, config, self._story, resume=resume)
        self._learner = self._build(resuming)
        self.progress = Progress()
        if resuming:
            self.progress = load_state(
                out / STATE, self._learner.model, self._begin_stage, self._learner.average, Progress
            )
        self._world.share_weights(self._learner.model)
        self._machine = {"device": str(best_device()), "processes": self._world.size}
        self._ledger = Ledger(self.progress, self._world)
        self._saved_at = time.monotonic()

    def _build(self, resuming: bool) -> Learner:
        train = self.config.train
        torch.manual_seed(train.seed)
        published = "imagenet" if train.initial_weights == "imagenet" and not resuming else ""
        model = build_mask_rcnn(self.config.model, weights=published, rois_per_image=train.rois_per_image)
        if train.norm_affine:
            train_norm_affine(model.backbone.body)
        self.notes = () if resuming else load_initial(model, train)
        model.to(self._world.device, memory_format=torch.channels_last)
        for stage in reversed(self.plan.stages):  # one that would train nothing is told now, not when it begins
            freeze(model, stage)
        return Learner(
            model,
            SeededSampling(model),
            build_optimizer(model, train, self.plan.stages[0]),
            AveragedWeights(model, train.ema_decay),
            self._world,
            # A GPU that only emulates bfloat16 is slower with it.
            bf16=train.bf16 and (self._world.device.type != "cuda" or best_device().bf16),
        )

    def train(self, listener: Listener) -> Progress:
        """Train to the last epoch, validating after each; returns where it ended.

        Raises:
            TrainingDiverged: See `train_one_epoch`; the folder holds the weights and the state before that step.
            AnnotationError: A photo cannot be read; the message names it.
            ConfigError: A batch does not fit the GPU; another process trains into the folder.
            RunNotWritten: The folder cannot be written.
            TrainingPeerLost: Another process stopped.
        """
        with told_failures(self._out):
            return self._train_all(listener)

    def _train_all(self, listener: Listener) -> Progress:
        self._world.wait()  # none may look for a state once the main process writes one
        folder = self._open_folder() if self._world.is_main else None
        try:
            if folder is not None:
                self._save_state(folder)
            while self.progress.epoch < len(self.plan.epochs):
                self._train_epoch(folder, listener)
                if folder is not None:
                    self._finish_epoch(folder, listener)
                else:
                    self._advance()
                self._world.wait()
        except TrainingDiverged as error:
            if folder is not None:
                self._keep_what_there_is(folder, str(error))
            raise TrainingDiverged(
                f"{error}; the step was not taken. Mend or leave out these photos, or lower the learning rate: "
                f"{self._out / LAST} holds the weights before it, and --resume goes on from there"
            ) from error
        finally:
            if folder is not None:
                folder.close()
        return self.progress

    def _open_folder(self) -> RunFolder:
        titles = [self.plan.title(epoch) for epoch in range(len(self.plan.epochs))]
        story = {**self._story, **self._machine, "loaders": self._n_workers, "epochs": titles}
        step = self.plan.step(self.progress.epoch, self.progress.batch)
        return RunFolder(self._out, self.config, story, events_bytes=self.progress.events_bytes, step=step)

    def _train_epoch(self, folder: RunFolder | None, listener: Listener) -> None:
        epoch, first = self.progress.epoch, self.progress.batch
        n = self.plan.epochs[epoch].n_batches
        if first == n:  # killed while it was validated
            return
        pending: list[BatchRecord] = []

        def after_batch(done: int, n_photos: int, losses: dict[str, float]) -> None:
            pending.append((n_photos, losses))
            if self.plan.ends_step(epoch, done):
                self._after_step(done, pending, folder)
                pending.clear()
            if folder is not None:
                listener.on_batch(epoch, done, n, losses)

        self._ledger.begin_epoch()
        train_one_epoch(
            self._learner,
            training_loader(
                self._train,
                self.config,
                epoch=epoch,
                first_batch=first,
                n_workers=self._n_workers,
                shard=self._world.shard,
            ),
            self.config.train,
            plan=self.plan,
            epoch=epoch,
            first_batch=first,
            after_batch=after_batch,
        )
        self._ledger.end_epoch()
        if folder is not None:
            self._save_state(folder)

    def _after_step(self, done: int, batches: list[BatchRecord], folder: RunFolder | None) -> None:
        images_per_s = self._ledger.add_step(done, batches)
        if folder is None:
            return
        means = {name: sum(losses[name] for _, losses in batches) / len(batches) for name in batches[0][1]}
        figures = {**means, "learning_rate": self._learner.learning_rate, "images_per_s": images_per_s}
        folder.add_step(self.plan.step(self.progress.epoch, done), figures)
        if time.monotonic() - self._saved_at >= self.config.train.save_every_s:
            self._save_state(folder)

    def _finish_epoch(self, folder: RunFolder, listener: Listener) -> None:
        progress, epoch = self.progress, self.progress.epoch
        report = self._validate(listener)
        self._ledger.add_validation()
        metrics = asdict(report)
        stage, rate = self.plan.stage_of(epoch).name, self._learner.learning_rate
        progress.history.append(epoch_entry(progress, stage, rate, metrics))
        folder.add_epoch(self.plan.step(epoch, progress.batch), progress.history)
        self._save_weights(LAST, metrics)
        if report.mask_ap > progress.best_mask_ap:
            progress.best_mask_ap = report.mask_ap
            self._save_weights(BEST, metrics)
        self._advance()
        self._save_state(folder)
        listener.on_epoch(epoch, report)

    def _advance(self) -> None:
        progress = self.progress
        progress.epoch, progress.batch, progress.epoch_losses = progress.epoch + 1, 0, {}
        if progress.epoch < len(self.plan.epochs) and self.plan.begins_stage(progress.epoch):
            self._begin_stage(progress.epoch)

    def _begin_stage(self, epoch: int) -> Optimizer:
        stage = self.plan.stage_of(min(epoch, len(self.plan.epochs) - 1))
        freeze(self._learner.model, stage)
        self._learner.optimizer = build_optimizer(self._learner.model, self.config.train, stage)
        return self._learner.optimizer

    def _keep_what_there_is(self, folder: RunFolder, reason: str) -> None:
        folder.add_event("diverged", {"epoch": self.progress.epoch, "reason": reason})
        self._save_weights(LAST, {})
        self._save_state(folder)

    def _save_state(self, folder: RunFolder) -> None:
        self.progress.events_bytes = folder.flushed_events_bytes()
        learner = self._learner
        save_state(self._out / STATE, learner.model, learner.optimizer, learner.average, self.progress)
        self._saved_at = time.monotonic()

    def _save_weights(self, name: str, metrics: dict[str, Any]) -> None:
        story, weights = {**self._story, **self._machine}, self._learner.average.tensors
        save_run_checkpoint(self._out / name, weights, self.config, story, self.progress, metrics)

    def _validate(self, listener: Listener) -> APReport:
        model = build_mask_rcnn(self.config.model)
        model.load_state_dict(self._learner.average.tensors)
        device = self._world.device.type
        segmenter = Segmenter(model, self.config.model, device=device, bf16=self._learner.bf16)
        return evaluate_segmenter(segmenter, self._val, on_progress=listener.on_validation)
