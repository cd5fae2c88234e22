"""Reads configurations: TOML or plain values into the frozen dataclasses of `segmentation.config`, and back."""

from __future__ import annotations

import dataclasses
import difflib
import json
import math
import tomllib
import types
import typing
from collections.abc import Iterator
from dataclasses import MISSING
from pathlib import Path
from typing import Any, TypeVar

from segmentation.errors import ConfigError

CONFIGS_DIR = Path(__file__).parent / "configs"
T = TypeVar("T")


def load_config(name_or_path: str, kind: type[T]) -> T:
    """Read a configuration by its name in `segmentation/configs`, or from a TOML file.

    Raises:
        ConfigError: No such file, not TOML, an unknown key ("did you mean"), or a value of the wrong type.
    """
    path = Path(name_or_path)
    if path.suffix != ".toml":
        path = CONFIGS_DIR / f"{name_or_path}.toml"
    if not path.is_file():
        known = ", ".join(sorted(file.stem for file in CONFIGS_DIR.glob("*.toml")))
        raise ConfigError(f"no configuration {name_or_path!r}: give a TOML file or one of {known}")
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: {error}") from error
    return from_mapping(kind, {"name": path.stem, **values}, where=path.name)


def from_mapping(kind: type[T], values: dict[str, Any], *, where: str) -> T:
    """Build a configuration dataclass from plain values, checking every key and type.

    Raises:
        ConfigError: An unknown or missing key, or a value of the wrong type; the message names it under `where`.
    """
    hints = typing.get_type_hints(kind)
    for key in values:
        if key not in hints:
            close = difflib.get_close_matches(key, hints, n=1)
            raise ConfigError(f"{where}.{key}: unknown key" + (f"; did you mean {close[0]!r}?" if close else ""))
    for each in dataclasses.fields(kind):  # type: ignore[arg-type]  # every kind here is a dataclass
        if each.name not in values and each.default is MISSING and each.default_factory is MISSING:
            raise ConfigError(f"{where}.{each.name}: missing")
    return kind(**{key: _converted(hints[key], value, f"{where}.{key}") for key, value in values.items()})


def to_mapping(config: Any) -> dict[str, Any]:
    """The reverse of `from_mapping`, fit for JSON."""
    return dataclasses.asdict(config)


def to_toml(config: Any) -> str:
    """A configuration as a TOML file that `load_config` reads back to the same.

    >>> from segmentation.config import StageConfig
    >>> print(to_toml(StageConfig(epochs=2.5)).splitlines()[1])
    epochs = 2.5
    """
    return "\n".join(_toml_lines(to_mapping(config), "")) + "\n"


def _toml_lines(values: dict[str, Any], table: str) -> Iterator[str]:
    nested = {}
    for key, value in values.items():
        if isinstance(value, dict) or (isinstance(value, list | tuple) and value and isinstance(value[0], dict)):
            nested[key] = value
        else:
            # What JSON and TOML write differently (infinity, null) is no value of a configuration, see `_converted`.
            yield f"{key} = {json.dumps(value, ensure_ascii=False)}"
    for key, value in nested.items():
        name = f"{table}.{key}" if table else key
        for each in [value] if isinstance(value, dict) else value:
            yield f"\n[{name}]" if isinstance(value, dict) else f"\n[[{name}]]"
            yield from _toml_lines(each, name)


def _converted(hint: Any, value: Any, where: str) -> Any:
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        if not isinstance(value, dict):
            raise ConfigError(f"{where}: expected a table")
        return from_mapping(hint, value, where=where)
    if typing.get_origin(hint) is tuple:
        return _converted_tuple(hint, value, where)
    if typing.get_origin(hint) is dict:
        if not isinstance(value, dict):
            raise ConfigError(f"{where}: expected a table")
        return {key: _converted(typing.get_args(hint)[1], each, f"{where}.{key}") for key, each in value.items()}
    if isinstance(hint, types.UnionType):
        hint = typing.get_args(hint)[0]
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if isinstance(value, float) and not math.isfinite(value):  # TOML has them, JSON does not
        raise ConfigError(f"{where}: expected a finite number, got {value}")
    if type(value) is not hint:
        raise ConfigError(f"{where}: expected {hint.__name__}, got {value!r}")
    return value


def _converted_tuple(hint: Any, value: Any, where: str) -> tuple[Any, ...]:
    if not isinstance(value, list | tuple):
        raise ConfigError(f"{where}: expected a list, got {value!r}")
    items = typing.get_args(hint)
    if Ellipsis not in items and len(items) != len(value):
        raise ConfigError(f"{where}: expected {len(items)} values, got {len(value)}")
    return tuple(_converted(items[0], item, f"{where}[{index}]") for index, item in enumerate(value))
