"""A disk that is full: what does not fit is refused, and what was given up leaves room again."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from search.index.coarse import build_coarse
from search.index.options import IndexOptions


@contextmanager
def files_end_at(n_bytes: int) -> Iterator[None]:
    """The system refuses what would make a file longer, as it does on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("missing_bytes", [1, 100, 5000])
@pytest.mark.parametrize("kind", ["flat", "ivf_sq8"])
def test_codes_whose_last_bytes_do_not_fit_onto_the_disk_are_refused_when_written(
    tmp_path: Path, kind: str, missing_bytes: int
) -> None:
    vectors = np.random.default_rng(0).standard_normal((3000, 32)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    whole, cut_short = tmp_path / "whole.faiss", tmp_path / "cut.faiss"
    build_coarse(vectors, whole, IndexOptions(kind=kind))
    with files_end_at(whole.stat().st_size - missing_bytes), pytest.raises((OSError, RuntimeError)):
        build_coarse(vectors, cut_short, IndexOptions(kind=kind))
