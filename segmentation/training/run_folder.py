"""The folder of a run: what it is, what happened in it, and how its figures moved.

config.json and config.toml say what is trained, run.json on what, how and with which versions; events.jsonl has a line
for each start and each epoch, tensorboard/ the figures of the steps, curves.png the epochs as a picture. The weights
(best.safetensors, last.safetensors) and the state to go on from (state.pt) are written by `TrainingRun`.
"""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from filelock import FileLock, Timeout
from torch.utils.tensorboard import SummaryWriter

from segmentation.config_files import from_mapping, to_mapping, to_toml
from segmentation.errors import ConfigError
from segmentation.training.curves import SEGMENTER_FIGURES, draw_curves
from segmentation.training.story import versions

STATE, BEST, LAST, EVENTS, CONFIG = "state.pt", "best.safetensors", "last.safetensors", "events.jsonl", "config.json"
CONFIG_TOML, STORY, CURVES, TENSORBOARD = "config.toml", "run.json", "curves.png", "tensorboard"
LOCK = "run.lock"
"""Held while a process trains into the folder; freed by its death, whatever becomes of the file."""
LOG_EVERY_STEPS = 10
"""TensorBoard gets the mean over so many steps."""


class NamedConfig(Protocol):
    """A segmenter's configuration, or an embedder's recipe."""

    @property
    def name(self) -> str:
        """Of the file it came from."""


def check_begun(out: Path, *, resume: bool) -> bool:
    """Whether a run was begun in the folder; to be asked before anything long is read for it.

    Raises:
        ConfigError: There is a run and `resume` was not asked for, or there is none to resume.
    """
    if (out / STATE).is_file():
        if not resume:
            raise ConfigError(f"{out}: holds a run already; pass --resume to go on, or name another folder")
        return True
    if any((out / name).is_file() for name in (BEST, LAST)):
        raise ConfigError(
            f"{out}: holds the weights of a run, but no {STATE} to go on from; name another folder, with --weights "
            f"{out / LAST} to train them further"
        )
    if resume and not (out / CONFIG).is_file():
        raise ConfigError(f"{out}: nothing to resume there")
    return False


def check_folder(out: Path, config: NamedConfig, story: Mapping[str, Any], *, resume: bool) -> bool:
    """Whether the folder holds a state to go on from; a run killed before its first begins anew.

    Raises:
        ConfigError: The folder holds another run, or none that could be resumed.
    """
    if not check_begun(out, resume=resume):
        return False
    # Read as a configuration, so that settings that came later have their defaults.
    started = to_mapping(from_mapping(type(config), _read(out / CONFIG), where=str(out / CONFIG)))
    changes = list(_changes(_plain(started), _plain(to_mapping(config))))
    if changes:
        raise ConfigError(f"{out / CONFIG}: the run was started with another configuration: {'; '.join(changes)}")
    if _read(out / STORY).get("data_sets") != _plain(story["data_sets"]):
        raise ConfigError(
            f"{out / STORY}: the run was started with other photos or annotations; to go on with these, start a new "
            f"run with --weights {out / LAST}"
        )
    return True


class RunFolder:
    """Writes everything but weights and state; of several processes, only the main one has it."""

    def __init__(
        self,
        out: Path,
        config: NamedConfig,
        story: Mapping[str, Any],
        *,
        events_bytes: int,
        step: int,
        figures: Mapping[str, str] = SEGMENTER_FIGURES,
    ) -> None:
        """Open the folder, and undo what a killed run wrote after its last state.

        Args:
            out: Made where missing.
            config: Copied in.
            story: What run.json says beside the command line, the versions and the time.
            events_bytes: How long events.jsonl was at the last state; 0 for a run that begins.
            step: How many steps were taken.
            figures: Which figures of a validation are logged, and what they are called.

        Raises:
            ConfigError: Another process is training there.
            OSError: The folder cannot be written.
        """
        self._out, self._name, self._figures = out, config.name, figures
        out.mkdir(parents=True, exist_ok=True)
        self._lock = FileLock(out / LOCK, timeout=0)
        try:
            self._lock.acquire()
        except Timeout as error:
            raise ConfigError(f"{out}: another process is training there") from error
        started = {"command": shlex.join(sys.argv), **versions()}
        if events_bytes == 0:
            _write(out / STORY, json.dumps({"at": _now(), **started, **story}, indent=2))
            _write(out / CONFIG_TOML, to_toml(config))
            _write(out / CONFIG, json.dumps(to_mapping(config), indent=2))
        self._events = (out / EVENTS).open("ab")
        self._events.truncate(min(events_bytes, self._events.seek(0, 2)))  # longer would be filled with zeros
        purge_step = step + 1 if events_bytes > 0 else None
        self._board: Any = SummaryWriter(str(out / TENSORBOARD), purge_step=purge_step)
        self._recent: list[Mapping[str, float]] = []
        same = {name: story[name] for name in ("device", "processes", "loaders")}
        self.add_event("resume" if events_bytes > 0 else "start", {**started, **same})

    def add_event(self, name: str, values: Mapping[str, Any]) -> None:
        """Append a line to events.jsonl."""
        self._events.write(json.dumps({"event": name, "at": _now(), **values}).encode() + b"\n")
        self._events.flush()

    def add_step(self, step: int, figures: Mapping[str, float]) -> None:
        """Log a step's losses, learning rate and speed."""
        self._recent.append(figures)
        if len(self._recent) >= LOG_EVERY_STEPS:
            self._log_steps(step)

    def add_epoch(self, step: int, history: list[dict[str, Any]]) -> None:
        """Log the last epoch of a history: its event, its validation figures, and the curves anew."""
        if self._recent:
            self._log_steps(step)
        for name in self._figures.keys() & history[-1].keys():
            self._board.add_scalar(f"val/{name}", history[-1][name], step)
        self.add_event("epoch", history[-1])
        draw_curves(history, self._name, self._out / CURVES, self._figures)

    def flushed_events_bytes(self) -> int:
        """How long events.jsonl is, once everything logged until now is on disk."""
        self._board.flush()
        return self._events.seek(0, 2)

    def close(self) -> None:
        """Close the files."""
        try:
            self._board.close()
            self._events.close()
        finally:
            self._lock.release()

    def _log_steps(self, step: int) -> None:
        for name in self._recent[0]:
            mean = sum(figures[name] for figures in self._recent) / len(self._recent)
            self._board.add_scalar(f"train/{name}", mean, step)
        self._recent = []


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _plain(value: Any) -> Any:
    """As it would be read from JSON."""
    return json.loads(json.dumps(value))


def _changes(before: Any, now: Any, path: str = "") -> Iterator[str]:
    if isinstance(before, dict) and isinstance(now, dict) and before.keys() == now.keys():
        for key in before:
            yield from _changes(before[key], now[key], f"{path}.{key}" if path else key)
    elif _are_tables(before) and _are_tables(now) and len(before) == len(now):
        for index, (one, other) in enumerate(zip(before, now, strict=True)):
            yield from _changes(one, other, f"{path}[{index}]")
    elif before != now:
        yield f"{path} was {json.dumps(before)}, is {json.dumps(now)}"


def _are_tables(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(each, dict) for each in value)


def _write(file: Path, text: str) -> None:
    partial = file.with_suffix(".partial")
    partial.write_text(text, encoding="utf-8")
    partial.replace(file)


def _read(file: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(file.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise ConfigError(f"{file}: this run's description cannot be read: {error}") from error
