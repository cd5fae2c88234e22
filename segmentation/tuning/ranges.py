"""What a search may turn: ranges of settings, read from TOML against the configuration they are to change.

[train.stages.0]
learning_rate = {low = 1e-5, high = 1e-2, log = true}
[train.augment]
copy_paste = {choices = [0.0, 0.5]}
"""

from __future__ import annotations

import dataclasses
import difflib
import json
import tomllib
import typing
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from optuna.trial import Trial

from segmentation.config import SegmenterConfig
from segmentation.config_checks import check_model
from segmentation.config_files import from_mapping, to_mapping
from segmentation.errors import ConfigError
from segmentation.training.stages import check_stages


@dataclass(frozen=True)
class Interval:
    """Numbers from `low` to `high`, both included; with `log`, drawn evenly by order of magnitude."""

    low: float
    high: float
    log: bool = False
    step: float | None = None


@dataclass(frozen=True)
class Range:
    """A setting, by its path such as train.stages.0.learning_rate, and what it may be: an interval or choices."""

    path: str
    is_whole: bool
    """Whether the interval holds whole numbers only."""
    interval: Interval | None
    choices: tuple[Any, ...] = ()

    def suggest(self, trial: Trial) -> Any:
        """Let a trial choose a value."""
        each = self.interval
        if each is None:
            return self.from_parameter(trial.suggest_categorical(self.path, [_word(one) for one in self.choices]))
        if self.is_whole:
            step = 1 if each.step is None else int(each.step)
            return trial.suggest_int(self.path, int(each.low), int(each.high), step=step, log=each.log)
        return trial.suggest_float(self.path, each.low, each.high, step=each.step, log=each.log)

    def as_parameter(self, value: Any) -> Any:
        """A setting's value as a trial records it; None where the range does not hold it."""
        if self.interval is None:
            return _word(value) if _word(value) in [_word(one) for one in self.choices] else None
        return value if self.interval.low <= value <= self.interval.high else None

    def from_parameter(self, parameter: Any) -> Any:
        """The reverse of `as_parameter`."""
        if self.interval is not None:
            return parameter
        return self.choices[[_word(one) for one in self.choices].index(parameter)]


def read_ranges(file: Path, base: SegmenterConfig) -> tuple[Range, ...]:
    """Read a TOML file of ranges.

    Raises:
        ConfigError: No such file, not TOML, a setting that `base` does not have ("did you mean"), or a range whose
            values it cannot have.
    """
    try:
        values = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file}: {error}") from error
    return parse_ranges(values, base, where=file.name)


def parse_ranges(values: Mapping[str, Any], base: SegmenterConfig, *, where: str) -> tuple[Range, ...]:
    """`read_ranges` of values read already; `where` is told in errors."""
    ranges = tuple(_ranges(values, base, "", where))
    if not ranges:
        raise ConfigError(f"{where}: no range to search")
    for each in ranges:
        ends = each.choices if each.interval is None else (each.interval.low, each.interval.high)
        for end in ends:
            with_values(base, {each.path: int(end) if each.is_whole else end}, where=where)
    return ranges


def with_values(base: SegmenterConfig, values: Mapping[str, Any], *, where: str = "ranges") -> SegmenterConfig:
    """A configuration with the settings at some paths changed.

    Raises:
        ConfigError: It cannot have a value.
    """
    mapping = json.loads(json.dumps(to_mapping(base)))
    for path, value in values.items():
        *tables, key = path.split(".")
        place: Any = mapping
        for table in tables:
            place = place[int(table)] if isinstance(place, list) else place[table]
        place[key] = value
    config = from_mapping(SegmenterConfig, mapping, where=where)
    try:
        check_model(config.model)
        check_stages(config.train)
    except ConfigError as error:
        raise ConfigError(f"{where}: {error}") from error
    return config


def value_at(config: SegmenterConfig, path: str) -> Any:
    """The setting at a path."""
    value: Any = config
    for key in path.split("."):
        value = value[int(key)] if isinstance(value, tuple) else getattr(value, key)
    return value


def _ranges(values: Mapping[str, Any], current: Any, path: str, where: str) -> Iterator[Range]:
    for key, value in values.items():
        here = f"{path}.{key}" if path else key
        child, hint = _child(current, key, f"{where}: {here}")
        if _is_table(child):
            if not isinstance(value, dict):
                raise ConfigError(f"{where}: {here}: expected a table; stages are written as [train.stages.0]")
            yield from _ranges(value, child, here, where)
        else:
            yield _range(value, hint, here, where)


def _child(current: Any, key: str, where: str) -> tuple[Any, Any]:
    """What is at a key of a table, and its type."""
    if isinstance(current, tuple):
        if not key.isdecimal() or int(key) >= len(current):
            raise ConfigError(f"{where}: the configuration has stages 0 to {len(current) - 1}")
        return current[int(key)], type(current[int(key)])
    hints = typing.get_type_hints(type(current))
    known = [name for name in hints if name != "name"]
    if key not in known:
        close = difflib.get_close_matches(key, known, n=1)
        raise ConfigError(f"{where}: unknown key" + (f"; did you mean {close[0]!r}?" if close else ""))
    return getattr(current, key), hints[key]


def _is_table(value: Any) -> bool:
    if isinstance(value, tuple):
        return bool(value) and dataclasses.is_dataclass(value[0])
    return dataclasses.is_dataclass(value)


def _range(value: Any, hint: Any, path: str, where: str) -> Range:
    here = f"{where}: {path}"
    if not isinstance(value, dict):
        raise ConfigError(f"{here}: expected {{low = ..., high = ...}} or {{choices = [...]}}, got {value!r}")
    if "choices" in value:
        return Range(path, False, None, _choices(value, here))
    if hint not in (int, float):
        raise ConfigError(f"{here}: is no number; give {{choices = [...]}}")
    interval = from_mapping(Interval, value, where=here)
    _check_interval(interval, hint is int, here)
    return Range(path, hint is int, interval)


def _choices(value: dict[str, Any], where: str) -> tuple[Any, ...]:
    choices = value["choices"]
    alone = len(value) == 1 and isinstance(choices, list) and len(choices) > 0
    if not alone or len({_word(each) for each in choices}) < len(choices):
        raise ConfigError(f"{where}: expected {{choices = [...]}} with different values and nothing else")
    return tuple(choices)


def _check_interval(interval: Interval, is_whole: bool, where: str) -> None:
    low, high, step = interval.low, interval.high, interval.step
    if not low < high:
        raise ConfigError(f"{where}: low must be less than high")
    if interval.log and (low <= 0 or step is not None):
        raise ConfigError(f"{where}: log needs low above 0, and no step")
    if step is not None and step <= 0:
        raise ConfigError(f"{where}: step must be above 0")
    if is_whole and any(number is not None and number != int(number) for number in (low, high, step)):
        raise ConfigError(f"{where}: takes whole numbers")


def _word(value: Any) -> Any:
    """A choice as Optuna keeps it: plain values as they are, lists as JSON."""
    return json.dumps(value) if isinstance(value, Sequence) and not isinstance(value, str) else value
