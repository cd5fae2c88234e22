"""A training run: stages of epochs, each validated, in a folder that it can be resumed from."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch
from torch.optim import Optimizer

from segmentation.backbones import train_norm_affine
from segmentation.config import SegmenterConfig
from segmentation.config_files import to_mapping
from segmentation.data.annotations import AnnotatedPhoto, Photos
from segmentation.data.loaders import training_loader
from segmentation.data.samplers import n_batches, photo_repeats
from segmentation.device import best_device
from segmentation.errors import AnnotationError, TrainingDiverged
from segmentation.evaluation.coco_ap import APReport, evaluate_segmenter
from segmentation.model import build_mask_rcnn
from segmentation.segmenter import Segmenter
from segmentation.training.distributed import World
from segmentation.training.engine import Learner, build_optimizer, train_one_epoch
from segmentation.training.initial import initial_provenance, load_initial
from segmentation.training.parts import freeze
from segmentation.training.roi_sampling import SeededSampling
from segmentation.training.run_folder import (
    BEST,
    CONFIG,
    EVENTS,
    LAST,
    STATE,
    RunFolder,
    check_data,
    check_folder,
    describe_data,
    versions,
)
from segmentation.training.stages import check_stages, plan_run
from segmentation.training.state import AveragedWeights, Progress, load_state, save_state
from segmentation.training.stopwatch import Stopwatch
from segmentation.weights import save_checkpoint

__all__ = ["BEST", "CONFIG", "EVENTS", "LAST", "STATE", "Listener", "TrainingRun"]


@dataclass(frozen=True)
class Listener:
    """Where a run reports to; a command shows bars, a test counts. What it raises ends the run."""

    on_batch: Callable[[int, int, int, dict[str, float]], None]
    """Epoch from 0, batches done, batches in the epoch, losses by Matterport's names."""
    on_epoch: Callable[[int, APReport], None]
    """Epoch from 0, its validation report; called when everything of the epoch is on disk."""
    on_validation: Callable[[int, int], None]
    """Photos done, photos in all."""


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
        self._config, self._train, self._val, self._out = config, train, val, out
        self._n_workers = n_workers
        self._provenance = provenance if provenance is not None else {}
        self._data = {"train": describe_data(train), "val": describe_data(val)}
        repeats = photo_repeats(train, config.train.sampling)
        self.plan = plan_run(config.train, n_batches(repeats, config.train.batch_size))
        resuming = check_folder(out, config, resume=resume)
        if resuming:
            check_data(out, self._data)
        self._learner = self._build(resuming)
        self.progress = Progress()
        if resuming:
            self.progress = load_state(out / STATE, self._learner.model, self._begin_stage, self._learner.average)
        self._world.share_weights(self._learner.model)
        self._saved_at, self._watch, self._unshared_cpu_s = time.monotonic(), Stopwatch(), 0.0

    def _build(self, resuming: bool) -> Learner:
        train = self._config.train
        torch.manual_seed(train.seed)
        published = "imagenet" if train.initial_weights == "imagenet" and not resuming else ""
        model = build_mask_rcnn(self._config.model, weights=published, rois_per_image=train.rois_per_image)
        if train.norm_affine:
            train_norm_affine(model.backbone.body)
        self.notes = () if resuming else load_initial(model, train)
        model.to(self._world.device, memory_format=torch.channels_last)
        freeze(model, self.plan.stages[0])
        return Learner(
            model,
            SeededSampling(model),
            build_optimizer(model, train, self.plan.stages[0]),
            AveragedWeights(model, train.ema_decay),
            self._world,
            bf16=train.bf16 and (self._world.device.type != "cuda" or best_device().bf16),
        )

    def train(self, listener: Listener) -> Progress:
        """Train to the last epoch, validating after each; returns where it ended.

        Raises:
            TrainingDiverged: See `train_one_epoch`; the folder holds the weights and the state before that step.
            AnnotationError: A photo cannot be read; the message names it.
        """
        self._world.wait()
        folder = self._open_folder() if self._world.is_main else None
        try:
            while self.progress.epoch < len(self.plan.epochs):
                self._train_epoch(folder, listener)
                if folder is not None:
                    self._finish_epoch(folder, listener)
                else:
                    self._advance()
                self._world.wait()
        except TrainingDiverged as error:
            if folder is None:
                raise
            folder.add_event("diverged", {"epoch": self.progress.epoch, "reason": str(error)})
            self._save_checkpoint(LAST, {})
            self._save_state(folder)
            raise TrainingDiverged(
                f"{error}; the step was not taken. Mend or leave out these photos or lower the learning rate: "
                f"{self._out / LAST} holds the weights before it, and --resume goes on from there"
            ) from error
        finally:
            if folder is not None:
                folder.close()
        return self.progress

    def _open_folder(self) -> RunFolder:
        story = {
            "data": self._data,
            **self._provenance,
            "device": str(best_device()),
            "processes": self._world.size,
            "loaders": self._n_workers,
            "plan": [self.plan.title(epoch) for epoch in range(len(self.plan.epochs))],
        }
        step = self.plan.step(self.progress.epoch, self.progress.batch)
        folder = RunFolder(self._out, self._config, story, events_bytes=self.progress.events_bytes, step=step)
        self._save_state(folder)
        return folder

    def _train_epoch(self, folder: RunFolder | None, listener: Listener) -> None:
        epoch, first = self.progress.epoch, self.progress.batch
        n = self.plan.epochs[epoch].n_batches
        if first == n:
            return
        loader = training_loader(
            self._train,
            self._config,
            epoch=epoch,
            first_batch=first,
            n_workers=self._n_workers,
            shard=self._world.shard,
        )

        def after_batch(done: int, n_photos: int, losses: dict[str, float]) -> None:
            pending.append((n_photos, losses))
            if self.plan.ends_step(epoch, done):
                self._count_step(done, pending, folder)
                pending.clear()
            if folder is not None:
                listener.on_batch(epoch, done, n, losses)

        pending: list[tuple[int, dict[str, float]]] = []
        self._watch.lap()
        train_one_epoch(
            self._learner,
            loader,
            self._config.train,
            plan=self.plan,
            epoch=epoch,
            first_batch=first,
            after_batch=after_batch,
        )
        del loader  # its processes end, and are counted
        self._count_time()
        others = float(self._world.gather([self._unshared_cpu_s]).sum()) - self._unshared_cpu_s
        self.progress.cpu_s, self._unshared_cpu_s = self.progress.cpu_s + others, 0.0
        if folder is not None:
            self._save_state(folder)

    def _count_step(self, done: int, batches: list[tuple[int, dict[str, float]]], folder: RunFolder | None) -> None:
        progress, n_photos = self.progress, sum(n for n, _ in batches)
        progress.batch, progress.images_seen = done, progress.images_seen + n_photos
        for _, losses in batches:
            for name, value in losses.items():
                progress.epoch_losses[name] = progress.epoch_losses.get(name, 0.0) + value
        wall_s = self._count_time()
        if folder is None:
            return
        means = {name: sum(losses[name] for _, losses in batches) / len(batches) for name in batches[0][1]}
        speed = {"images_per_s": n_photos / max(wall_s, 1e-9), "learning_rate": self._learning_rate()}
        folder.add_step(self.plan.step(progress.epoch, done), {**means, **speed})
        if time.monotonic() - self._saved_at >= self._config.train.save_every_s:
            self._save_state(folder)

    def _count_time(self) -> float:
        """Count the time since it was last counted as training; returns its wall seconds."""
        wall_s, cpu_s = self._watch.lap()
        self.progress.wall_s += wall_s
        self.progress.cpu_s += cpu_s
        self._unshared_cpu_s += cpu_s
        return wall_s

    def _learning_rate(self) -> float:
        return max(float(group["lr"]) for group in self._learner.optimizer.param_groups)

    def _finish_epoch(self, folder: RunFolder, listener: Listener) -> None:
        progress, epoch = self.progress, self.progress.epoch
        report = self._validate(listener)
        metrics = asdict(report)
        progress.history.append(self._account(metrics))
        folder.add_epoch(
            self.plan.step(epoch, progress.batch), progress.history, {k: metrics[k] for k in ("mask_ap", "mask_ap50", "box_ap")}
        )
        self._save_checkpoint(LAST, metrics)
        if report.mask_ap > progress.best_mask_ap:
            progress.best_mask_ap = report.mask_ap
            self._save_checkpoint(BEST, metrics)
        self._advance()
        self._save_state(folder)
        listener.on_epoch(epoch, report)

    def _account(self, metrics: dict[str, Any]) -> dict[str, Any]:
        """The epoch's entry in the history."""
        progress = self.progress
        wall_s, cpu_s = self._watch.lap()
        progress.validation_wall_s += wall_s
        progress.validation_cpu_s += cpu_s
        total = _cost(progress)
        before = progress.history[-1]["total"] if progress.history else dict.fromkeys(total, 0.0)
        return {
            "epoch": progress.epoch,
            "stage": self.plan.stage_of(progress.epoch).name,
            "losses": {name: value / progress.batch for name, value in progress.epoch_losses.items()},
            "learning_rate": self._learning_rate(),
            "cost": {name: value - before[name] for name, value in total.items()},
            "total": total,
            **metrics,
        }

    def _advance(self) -> None:
        progress = self.progress
        progress.epoch, progress.batch, progress.epoch_losses = progress.epoch + 1, 0, {}
        if progress.epoch < len(self.plan.epochs) and self.plan.begins_stage(progress.epoch):
            self._begin_stage(progress.epoch)

    def _begin_stage(self, epoch: int) -> Optimizer:
        stage = self.plan.stage_of(min(epoch, len(self.plan.epochs) - 1))
        freeze(self._learner.model, stage)
        self._learner.optimizer = build_optimizer(self._learner.model, self._config.train, stage)
        return self._learner.optimizer

    def _save_state(self, folder: RunFolder) -> None:
        folder.flush()
        self.progress.events_bytes = folder.events_bytes
        learner = self._learner
        save_state(self._out / STATE, learner.model, learner.optimizer, learner.average, self.progress)
        self._saved_at = time.monotonic()

    def _validate(self, listener: Listener) -> APReport:
        model = build_mask_rcnn(self._config.model)
        model.load_state_dict(self._learner.average.tensors)
        device = self._world.device.type
        segmenter = Segmenter(model, self._config.model, device=device, bf16=self._learner.bf16)
        return evaluate_segmenter(segmenter, self._val, on_progress=listener.on_validation)

    def _save_checkpoint(self, name: str, metrics: dict[str, Any]) -> None:
        weights = self._config.train.initial_weights
        provenance = {
            **self._provenance,
            **initial_provenance(weights),
            "trained_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "epochs_done": len(self.progress.history),
            "n_photos": self._data["train"]["photos"],
            "n_instances": self._data["train"]["instances"],
            "cost": _cost(self.progress),
            "processes": self._world.size,
            "device": str(best_device()),
            **versions(),
        }
        config = to_mapping(self._config)
        config["train"]["initial_weights"] = Path(weights).name
        save_checkpoint(
            self._out / name,
            self._learner.average.tensors,
            kind="segmenter",
            config=config,
            metrics=metrics,
            provenance=provenance,
        )


def _cost(progress: Progress) -> dict[str, float]:
    """Images trained on, and the seconds it took: by the clock, and of processors over all threads and processes."""
    return {
        "images": progress.images_seen,
        "wall_s": round(progress.wall_s, 2),
        "cpu_s": round(progress.cpu_s, 2),
        "validation_wall_s": round(progress.validation_wall_s, 2),
        "validation_cpu_s": round(progress.validation_cpu_s, 2),
    }
