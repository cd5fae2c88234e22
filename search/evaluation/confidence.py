"""Whether scores and verdicts keep their word on a benchmark's answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from search.evaluation.asking import Answer
from segmentation.calibration import NO_CATEGORY, VERDICTS
from segmentation.reliability import Reliability, reliability


@dataclass(frozen=True, slots=True)
class Pairs:
    """Query and product, pair by pair, with the truth: what a calibration is fitted on. All of shape (n,)."""

    similarities: NDArray[np.float64]
    scores: NDArray[np.float64]
    is_same: NDArray[np.bool_]
    category_ids: NDArray[np.int64]
    """Of the query's object; `NO_CATEGORY` where it has none."""
    query_ids: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Confidence:
    """Scores and verdicts against the truth, of the answers to what was meant (the measure "tapped")."""

    best: Reliability
    """Of the best answers."""
    answers: Reliability
    """Of all answers, ten a query."""
    best_verdicts: Mapping[str, int]
    """How many best answers have each verdict."""
    best_right: Mapping[str, float | None]
    """How many of those are right; None where there are none."""
    absent_verdicts: Mapping[str, int]
    """Verdicts of what would be the best answer if the product asked for were not in the catalog; what is not asked
    for by any product (`relevant` is empty) counts here as it is."""


def pairs_of(lists: Sequence[tuple[Mapping[str, int], Sequence[Answer]]]) -> Pairs:
    """All answers with their truth.

    Args:
        lists: For every query what is relevant, and its answers.
    """
    rows = [
        (
            answer.similarity,
            answer.score,
            answer.item_id in relevant,
            NO_CATEGORY if answer.category_id is None else answer.category_id,
            number,
        )
        for number, (relevant, answers) in enumerate(lists)
        for answer in answers
    ]
    columns = list(zip(*rows, strict=True)) if rows else [(), (), (), (), ()]
    return Pairs(
        np.array(columns[0], dtype=np.float64),
        np.array(columns[1], dtype=np.float64),
        np.array(columns[2], dtype=np.bool_),
        np.array(columns[3], dtype=np.int64),
        np.array(columns[4], dtype=np.int64),
    )


def confidence_of(lists: Sequence[tuple[Mapping[str, int], Sequence[Answer]]]) -> Confidence | None:
    """Judge scores and verdicts; None where no query has an answer."""
    asked = [(relevant, answers) for relevant, answers in lists if answers]
    if not asked:
        return None
    pairs = pairs_of(asked)
    best = [(answers[0], answers[0].item_id in relevant) for relevant, answers in asked]
    wrong = [[each for each in answers if each.item_id not in relevant] for relevant, answers in asked]
    counts, right = (
        Counter(answer.verdict for answer, _ in best),
        Counter(a.verdict for a, is_right in best if is_right),
    )
    absent = Counter(answers[0].verdict for answers in wrong if answers)
    return Confidence(
        best=reliability(np.array([answer.score for answer, _ in best]), np.array([each for _, each in best])),
        answers=reliability(pairs.scores, pairs.is_same),
        best_verdicts={verdict: counts[verdict] for verdict in reversed(VERDICTS)},
        best_right={
            verdict: right[verdict] / counts[verdict] if counts[verdict] else None for verdict in reversed(VERDICTS)
        },
        absent_verdicts={verdict: absent[verdict] for verdict in reversed(VERDICTS)},
    )
