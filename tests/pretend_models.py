"""Checkpoints with headers and hardly any weights, and models that pretend to belong to them: spaces at no cost."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

from segmentation.checkpoint import METADATA_KEY, SHIPPED_EMBEDDER, SpaceInfo
from segmentation.taxonomy import CATEGORIES
from segmentation.types import Color, Embedding, EncodedPhoto, GarmentDescriptor, PhotoDescription, PhotoError
from workers.model_files import CheckpointPair

DIM = 48
TOP = 1


def write_pair(folder: Path, number: int) -> CheckpointPair:
    """Checkpoints whose headers are right; each number is another space."""
    folder.mkdir(parents=True, exist_ok=True)
    pair = CheckpointPair(folder / f"s{number}.safetensors", folder / f"e{number}.safetensors")
    configs = {"segmenter": {"name": "s"}, "embedder": {"name": "e", "backbone": "hub/net", "dim": DIM}}
    for (kind, config), file in zip(configs.items(), (pair.segmenter, pair.embedder), strict=True):
        content = {"format": 1, "kind": kind, "config": config, "metrics": {}, "provenance": {}}
        content["categories"] = [category.name for category in CATEGORIES]
        save_file({"any": np.full(1, number, np.float32)}, file, metadata={"selvedge": json.dumps(content)})
    return pair


def renamed_embedder(file: Path) -> Path:
    """The shipped embedder, written under another name: the same vectors, another space."""
    with safe_open(SHIPPED_EMBEDDER, framework="numpy") as opened:
        metadata = dict(opened.metadata())
    content = json.loads(metadata[METADATA_KEY])
    content["config"]["name"] = "renamed"
    save_file(load_file(SHIPPED_EMBEDDER), file, metadata=metadata | {METADATA_KEY: json.dumps(content)})
    return file


def by_colors(data: bytes) -> Embedding:
    """A photo's colors on a grid: photos that look alike are near each other, float32 (DIM,), unit length."""
    with Image.open(io.BytesIO(data)) as opened:
        pixels = np.asarray(opened.convert("RGB").resize((4, 4)), dtype=np.float32)
    return _unit(pixels.reshape(-1) - 128.0)


def by_chance(data: bytes) -> Embedding:
    """Has nothing to do with what a photo shows; only the very same file is found again."""
    seed = int.from_bytes(hashlib.sha256(data).digest()[:8], "big")
    return _unit(np.random.default_rng(seed).normal(size=DIM))


class PretendModel:
    """Sees one garment in every photo; `workers.runtime.lent` puts it in the place of a space's model.

    Attributes:
        n_described: Photos it was asked for.
        fails_at: Files it cannot describe.
        interrupted_after: Photos after which whoever asks presses Ctrl-C; None for never.
    """

    def __init__(self, space: SpaceInfo, embed: Callable[[bytes], Embedding] = by_colors) -> None:
        """A model of a space that embeds photos so."""
        self.space_info = space
        self.n_described = 0
        self.fails_at: set[bytes] = set()
        self.interrupted_after: int | None = None
        self._embed = embed

    @property
    def space(self) -> str:
        """The space's name."""
        return self.space_info.name

    @property
    def model_version(self) -> str:
        """Of the segmenter."""
        return self.space_info.segmenter_version

    def describe(self, photos: Sequence[EncodedPhoto]) -> list[PhotoDescription | PhotoError]:
        """One description a photo."""
        return [self._describe(photo) for photo in photos]

    def _describe(self, photo: EncodedPhoto) -> PhotoDescription | PhotoError:
        if self.interrupted_after is not None and self.n_described >= self.interrupted_after:
            raise KeyboardInterrupt
        if not photo.data or photo.data in self.fails_at:
            return PhotoError("not_an_image", "It says so.")
        self.n_described += 1
        vector = self._embed(photo.data)
        with Image.open(io.BytesIO(photo.data)) as opened:
            width, height = opened.size
        box = (0.0, 0.0, float(width), float(height))
        garment, whole = (
            GarmentDescriptor(category, 0.9, box, None, Color("red", (200, 0, 0)), vector) for category in (TOP, None)
        )
        return PhotoDescription(width, height, (garment,), whole, {"decode": 0.0, "segment": 0.0, "embed": 0.0})


def _unit(vector: np.ndarray) -> Embedding:
    return (vector / np.linalg.norm(vector)).astype(np.float32)
