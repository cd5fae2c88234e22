"""Fits scores to a benchmark's answers, or to pairs an embedder's training held out."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from search.errors import BenchmarkError
from search.evaluation.confidence import Pairs
from segmentation.calibration import Calibration
from segmentation.calibration_fit import fit_calibration, held_out_scores
from segmentation.reliability import Reliability, reliability


@dataclass(frozen=True, slots=True)
class Fitted:
    """A calibration, and how reliable scores are without and with it."""

    calibration: Calibration
    before: Reliability
    """Of the similarities themselves, clipped to 0..1."""
    after: Reliability
    """Of scores fitted without the query they are scores of (five folds)."""


def fit_scores(pairs: Pairs, *, absent_share: float) -> Fitted:
    """Fit a calibration and judge it.

    Args:
        pairs: Queries and products with the truth.
        absent_share: As `fit_calibration`.

    Raises:
        CalibrationError: The pairs are too few, or not finite.
    """
    values = (pairs.similarities, pairs.is_same, pairs.category_ids)
    calibration = fit_calibration(*values, query_ids=pairs.query_ids, absent_share=absent_share)
    raw: NDArray[np.float64] = np.clip(pairs.similarities, 0.0, 1.0)
    scores = held_out_scores(*values, pairs.query_ids)
    return Fitted(calibration, reliability(raw, pairs.is_same), reliability(scores, pairs.is_same))


def read_pairs(file: Path) -> Pairs:
    """Read `pairs.npz` of an embedder's run.

    Raises:
        BenchmarkError: It cannot be read, or an array is missing.
    """
    try:
        with np.load(file, allow_pickle=False) as stored:
            similarities = stored["similarities"].astype(np.float64)
            return Pairs(
                similarities=similarities,
                scores=np.clip(similarities, 0.0, 1.0),
                is_same=stored["is_same"].astype(np.bool_),
                category_ids=stored["category_ids"].astype(np.int64),
                query_ids=stored["query_ids"].astype(np.int64),
            )
    except (OSError, KeyError, ValueError, TypeError, zipfile.BadZipFile) as error:
        raise BenchmarkError(f"{file} is no pairs.npz of train_embedder: {error}.") from error
