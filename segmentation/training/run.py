"""A training run and its folder: config.json, state.pt, best and last checkpoint, events.jsonl."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch
import torchvision
from torch.optim import Optimizer
from torchvision.models.detection import MaskRCNN

from segmentation.checkpoint import read_info
from segmentation.config import SegmenterConfig
from segmentation.config_files import to_mapping
from segmentation.data.annotations import AnnotatedPhoto, Photos
from segmentation.data.loaders import training_loader
from segmentation.data.samplers import n_batches, photo_repeats
from segmentation.device import best_device
from segmentation.errors import AnnotationError, ConfigError
from segmentation.evaluation.coco_ap import APReport, evaluate_segmenter
from segmentation.model import build_mask_rcnn, load_trunk_weights
from segmentation.segmenter import Segmenter
from segmentation.training.engine import build_optimizer, train_one_epoch
from segmentation.training.parts import freeze
from segmentation.training.stages import check_stages, plan_run
from segmentation.training.state import AveragedWeights, Progress, load_state, save_state
from segmentation.weights import is_checkpoint, load_into, read_initial_weights, save_checkpoint

STATE, BEST, LAST, EVENTS, CONFIG = "state.pt", "best.safetensors", "last.safetensors", "events.jsonl", "config.json"


@dataclass(frozen=True)
class Listener:
    """Where a run reports to; a command shows bars, a test counts."""

    on_batch: Callable[[int, int, int, dict[str, float]], None]
    """Epoch from 0, batches done, batches in the epoch, losses by Matterport's names."""
    on_epoch: Callable[[int, APReport], None]
    """Epoch from 0, its validation report."""
    on_validation: Callable[[int, int], None]
    """Photos done, photos in all."""


def _initial_provenance(weights: str) -> dict[str, Any]:
    """What a run started from; where that is a segmenter, with that segmenter's own history."""
    file = Path(weights)
    history = {"initial_provenance": read_info(file).provenance} if file.is_file() and is_checkpoint(file) else {}
    return {"initial_weights": file.name, **history}


def _load_initial(model: MaskRCNN, file: Path) -> None:
    """A whole segmenter of this project where the file is one, else a classification trunk."""
    if is_checkpoint(file):
        load_into(model, file)
    else:
        load_trunk_weights(model, read_initial_weights(file))


def _read_config(file: Path) -> Any:
    try:
        return json.loads(file.read_text())
    except (OSError, ValueError) as error:
        raise ConfigError(f"{file}: this run's configuration cannot be read: {error}") from error


class TrainingRun:
    """Trains one configuration into one folder; with `resume`, goes on from the state the folder holds."""

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
    ) -> None:
        """Prepare everything, but train nothing yet.

        Raises:
            AnnotationError: There is nothing to train on, or nothing to validate on.
            ConfigError: The folder holds another run, or there is none to resume.
            CheckpointError: The initial weights or the state cannot be read.
        """
        check_stages(config.train)
        if not train or not Photos.of(val).n_instances:
            raise AnnotationError(f"no photo with garments to {'validate' if train else 'train'} on")
        self._config, self._train, self._val, self._out = config, train, val, out
        self._n_workers = n_workers
        repeats = photo_repeats(train, config.train.sampling)
        self.plan = plan_run(config.train, n_batches(repeats, config.train.batch_size))
        self._provenance = provenance if provenance is not None else {}
        self._device = torch.device(best_device().name)
        torch.manual_seed(config.train.seed)
        weights = config.train.initial_weights
        resuming = (out / STATE).is_file()
        self._check_folder(resume, resuming)
        self._model = build_mask_rcnn(
            config.model,
            weights="imagenet" if weights == "imagenet" and not resuming else "",
            rois_per_image=config.train.rois_per_image,
        )
        if weights not in ("", "imagenet") and not resuming:
            _load_initial(self._model, Path(weights))
        self._model.to(self._device, memory_format=torch.channels_last)
        self._begin_stage(0)
        self._average = AveragedWeights(self._model, config.train.ema_decay)
        self.progress = Progress()
        if resuming:
            self.progress = load_state(out / STATE, self._model, self._begin_stage, self._average)
        self._saved_at = time.monotonic()

    def _check_folder(self, resume: bool, resuming: bool) -> None:
        if resume and not resuming:
            raise ConfigError(f"{self._out}: nothing to resume there")
        if resuming and not resume:
            raise ConfigError(f"{self._out}: holds a run already; pass --resume to go on, or name another folder")
        self._out.mkdir(parents=True, exist_ok=True)
        wanted, file = json.dumps(to_mapping(self._config), indent=2), self._out / CONFIG
        if not resuming:
            file.write_text(wanted)
        elif _read_config(file) != json.loads(wanted):
            raise ConfigError(f"{file}: the run was started with another configuration")

    def train(self, listener: Listener) -> Progress:
        """Train to the last epoch, validating after each; returns where it ended.

        Raises:
            TrainingDiverged: See `train_one_epoch`; the last state stays usable.
            AnnotationError: A photo cannot be read; the message names it.
        """
        while self.progress.epoch < len(self.plan.epochs):
            epoch, first = self.progress.epoch, self.progress.batch

            def after_batch(done: int, losses: dict[str, float], epoch: int = epoch) -> None:
                self.progress.batch = done
                listener.on_batch(epoch, done, self.plan.epochs[epoch].n_batches, losses)
                if done % self._config.train.accumulate == 0:
                    self._save_now_and_then()

            loader = training_loader(
                self._train, self._config, epoch=epoch, first_batch=first, n_workers=self._n_workers
            )
            train_one_epoch(
                self._model,
                loader,
                self._optimizer,
                self._average,
                self._config.train,
                plan=self.plan,
                epoch=epoch,
                first_batch=first,
                device=self._device,
                after_batch=after_batch,
            )
            self._finish_epoch(listener)
        return self.progress

    def _begin_stage(self, epoch: int) -> Optimizer:
        stage = self.plan.stage_of(min(epoch, len(self.plan.epochs) - 1))
        freeze(self._model, stage)
        self._optimizer = build_optimizer(self._model, self._config.train, stage)
        return self._optimizer

    def _save_now_and_then(self) -> None:
        if time.monotonic() - self._saved_at >= self._config.train.save_every_s:
            self._save_state()

    def _save_state(self) -> None:
        save_state(self._out / STATE, self._model, self._optimizer, self._average, self.progress)
        self._saved_at = time.monotonic()

    def _finish_epoch(self, listener: Listener) -> None:
        report = self._validate(listener)
        progress = self.progress
        metrics = asdict(report)
        progress.history.append({"epoch": progress.epoch, **metrics})
        with (self._out / EVENTS).open("a", encoding="utf-8") as stream:
            stream.write(json.dumps({"at": datetime.now(UTC).isoformat(), **progress.history[-1]}) + "\n")
        self._save_checkpoint(LAST, metrics)
        if report.mask_ap > progress.best_mask_ap:
            progress.best_mask_ap = report.mask_ap
            self._save_checkpoint(BEST, metrics)
        listener.on_epoch(progress.epoch, report)
        progress.epoch, progress.batch = progress.epoch + 1, 0
        if progress.epoch < len(self.plan.epochs) and self.plan.begins_stage(progress.epoch):
            self._begin_stage(progress.epoch)
        self._save_state()

    def _validate(self, listener: Listener) -> APReport:
        model = build_mask_rcnn(self._config.model)
        model.load_state_dict(self._average.tensors)
        segmenter = Segmenter(model, self._config.model, device=self._device.type, bf16=self._config.train.bf16)
        return evaluate_segmenter(segmenter, self._val, on_progress=listener.on_validation)

    def _save_checkpoint(self, name: str, metrics: dict[str, Any]) -> None:
        provenance = {
            **self._provenance,
            **_initial_provenance(self._config.train.initial_weights),
            "trained_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "epochs_done": self.progress.epoch + 1,
            "n_photos": len(self._train),
            "n_instances": Photos.of(self._train).n_instances,
            "torch": torch.__version__,
            "torchvision": torchvision.__version__,
        }
        train = {**to_mapping(self._config)["train"], "initial_weights": Path(self._config.train.initial_weights).name}
        config = {**to_mapping(self._config), "train": train}
        save_checkpoint(
            self._out / name,
            self._average.tensors,
            kind="segmenter",
            config=config,
            metrics=metrics,
            provenance=provenance,
        )
