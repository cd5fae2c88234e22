"""Checkpoints: safetensors files (no pickle) that carry their own configuration, taxonomy and history.

This module reads headers and spaces without torch, so that web processes may use it. Tensors are loaded in
`segmentation.weights`.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from segmentation.errors import CheckpointError

METADATA_KEY = "selvedge"
FORMAT_VERSION = 1
CHECKPOINTS_DIR = Path(__file__).parent / "checkpoints"
SHIPPED_SEGMENTER = CHECKPOINTS_DIR / "segmenter.safetensors"
SHIPPED_EMBEDDER = CHECKPOINTS_DIR / "embedder.safetensors"


@dataclass(frozen=True, slots=True)
class CheckpointInfo:
    """What a checkpoint says of itself.

    `kind` is `segmenter` or `embedder`; `config` the TOML it was made from; `metrics` its validation figures;
    `provenance` data, licences, steps, dates; `sha8` the first 8 hexadecimal digits of the file's SHA-256.
    """

    kind: str
    config: dict[str, Any]
    categories: tuple[str, ...]
    metrics: dict[str, Any]
    provenance: dict[str, Any]
    sha8: str

    @property
    def version(self) -> str:
        """`name@sha8`: stamped on every description and search reply."""
        return f"{self.config['name']}@{self.sha8}"


@dataclass(frozen=True, slots=True)
class SpaceInfo:
    """The space embeddings live in; vectors of two spaces are never compared.

    `name` is `{arch}-emb{dim}@{sha8}`, sha8 over both files: a new segmenter cuts other crops.
    """

    name: str
    dim: int
    segmenter_version: str
    embedder_version: str


def read_info(file: Path, *, kind: str | None = None) -> CheckpointInfo:
    """Read a checkpoint's header.

    Args:
        file: A `.safetensors` checkpoint.
        kind: `segmenter` or `embedder` where only one will do.

    Raises:
        CheckpointError: Missing, damaged, not a checkpoint of this project, or of the other kind.
    """
    try:
        with safe_open(file, framework="numpy") as opened:
            metadata = opened.metadata()
    except FileNotFoundError as error:
        raise CheckpointError(f"no checkpoint at {file}") from error
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"{file.name} is damaged or not a safetensors file: {error}") from error
    try:
        content = json.loads((metadata or {})[METADATA_KEY])
        if content["format"] != FORMAT_VERSION:
            raise CheckpointError(f"{file.name}: checkpoint format {content['format']}, this is {FORMAT_VERSION}")
        _check_config(content["kind"], content["config"])
        info = CheckpointInfo(
            content["kind"],
            content["config"],
            tuple(content["categories"]),
            content["metrics"],
            content["provenance"],
            _sha8(file),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise CheckpointError(f"{file.name} is not a Selvedge checkpoint: {error!r}") from error
    if kind is not None and info.kind != kind:
        raise CheckpointError(f"{file.name} is a checkpoint of kind {info.kind}, expected {kind}")
    return info


def _check_config(kind: str, config: dict[str, Any]) -> None:
    """The entries that versions and spaces are named by; the others are checked where the model is built."""
    needed: dict[str, type] = {"name": str}
    if kind == "embedder":
        needed |= {"backbone": str, "dim": int}
    for key, wanted in needed.items():
        if not isinstance(config[key], wanted):
            raise TypeError(f"config.{key} is no {wanted.__name__}")


def read_space(segmenter: Path, embedder: Path) -> SpaceInfo:
    """Name the space that a pair of checkpoints describes garments in.

    Cached by path and modification time: asking at every request is cheap.

    Raises:
        CheckpointError: As `read_info`.
    """
    return _read_space(segmenter, _stamp(segmenter), embedder, _stamp(embedder))


@lru_cache(maxsize=8)
def _read_space(segmenter: Path, _s: tuple[int, int], embedder: Path, _e: tuple[int, int]) -> SpaceInfo:
    seen, embedded = read_info(segmenter, kind="segmenter"), read_info(embedder, kind="embedder")
    dim = int(embedded.config["dim"])
    sha8 = hashlib.sha256(f"{seen.sha8}{embedded.sha8}".encode()).hexdigest()[:8]
    arch = re.sub(
        r"[^A-Za-z0-9._-]+", "-", Path(embedded.config["backbone"]).name
    )  # timm/NAME, open_clip/hf-hub:OWNER/NAME
    return SpaceInfo(f"{arch}-emb{dim}@{sha8}", dim, seen.version, embedded.version)


def _stamp(file: Path) -> tuple[int, int]:
    try:
        stat = file.stat()
    except OSError as error:
        raise CheckpointError(f"no checkpoint at {file}") from error
    return stat.st_mtime_ns, stat.st_size


def _sha8(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()[:8]
