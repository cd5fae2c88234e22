"""What tests of the FAISS keeper's files share: a small index, a look into its folder, and a fresh pair of eyes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from search.index import drafts, opened, registry
from search.index.base import Tags
from search.index.registry import open_writer
from search.index.snapshots import Pointer, parse_pointer, read_pointer, space_folder

SPACE = "testnet-emb8@0123abcd"
DIM = 8
AXES = np.eye(DIM, dtype=np.float32)


def url_of(root: Path) -> str:
    return f"faiss://{root}"


def publish(root: Path, n: int = 3, *, fresh: bool = False) -> int:
    """Publish n vectors, the first n axes, under ids 0..n-1."""
    with open_writer(url_of(root), SPACE, DIM, fresh=fresh) as writer:
        writer.upsert(np.arange(n), AXES[:n], [Tags(1, 4)] * n)
        return writer.publish()


def publish_base(root: Path, count: int, seed: int = 0) -> np.ndarray:
    """Publish so many vectors as a base, whatever their number, under ids 0, 2, 4...; give the vectors."""
    vectors = np.random.default_rng(seed).standard_normal((count, DIM)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(drafts, "BUILD_AT_LEAST", 1)
        with open_writer(url_of(root), SPACE, DIM, fresh=True) as writer:
            writer.upsert(np.arange(count) * 2, vectors, [Tags(1, 4, price=i % 50) for i in range(count)])
            writer.publish()
    return vectors


def change(root: Path, first_id: int, n: int = 1) -> int:
    """Publish n vectors, all the last axis, from an id on."""
    with open_writer(url_of(root), SPACE, DIM) as writer:
        writer.upsert(np.arange(first_id, first_id + n), np.repeat(AXES[-1:], n, axis=0), [Tags(2, 5)] * n)
        return writer.publish()


def folder_of(root: Path) -> Path:
    return space_folder(root, SPACE)


def names(root: Path) -> list[str]:
    """What lies in the space's folder, without its locks."""
    return sorted(path.name for path in folder_of(root).iterdir() if path.suffix != ".lock")


def pointer_of(root: Path) -> Pointer:
    text = read_pointer(folder_of(root))
    assert text is not None
    return parse_pointer(folder_of(root), text)


def base_folder(root: Path) -> Path:
    return folder_of(root) / pointer_of(root).current.folder_name


def manifest_of(root: Path) -> dict[str, object]:
    content: dict[str, object] = json.loads((base_folder(root) / "manifest.json").read_text())
    return content


def forget_what_is_open() -> None:
    """From here on, indexes are opened as a process opens them that has just started."""
    opened._opened.clear()
    registry._readers.clear()
