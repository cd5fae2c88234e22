"""What a similarity is worth: the chance that it is the same product, and a verdict in words.

A calibration comes with the embedder or was fitted for its space; where none is known, the score is the similarity
clipped to 0..1 and everything counts as similar.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from segmentation.calibration import Calibration, Verdict, reaches


@dataclass(frozen=True, slots=True)
class Judgement:
    """A hit's score (0..1) and verdict."""

    score: float
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Judge:
    """Judges the hits of one query; a higher similarity is never worth less."""

    calibration: Calibration | None = None
    """None: the similarity itself is the score, and no verdict is ventured."""
    category_id: int | None = None
    """The query's category; None for a whole photo or a region."""

    def __call__(self, similarity: float) -> Judgement:
        """Judges one similarity.

        >>> Judge()(0.25)
        Judgement(score=0.25, verdict='similar')
        """
        if self.calibration is None:
            return Judgement(clip_similarity(similarity), "similar")
        score = self.calibration.score(similarity, self.category_id)
        return Judgement(score, self.calibration.verdict_of_score(score))


class Judged(Protocol):
    """Whatever bears a score and a verdict."""

    @property
    def score(self) -> float:
        """0..1."""
        ...

    @property
    def verdict(self) -> Verdict:
        """In a word."""
        ...


@dataclass(frozen=True, slots=True)
class Cut:
    """The least a product must reach to be returned."""

    min_score: float = 0.0
    verdict: Verdict = "none"

    def keeps(self, judged: Judged) -> bool:
        """Whether a hit is good enough.

        >>> Cut(min_score=0.5, verdict="similar").keeps(Judgement(0.5, "similar"))
        True
        >>> Cut(verdict="exact").keeps(Judgement(0.5, "similar"))
        False
        """
        return judged.score >= self.min_score and reaches(judged.verdict, self.verdict)


def clip_similarity(similarity: float) -> float:
    """A cosine as 0..1: what points away is as unlike as what stands at right angles.

    >>> clip_similarity(-0.2), clip_similarity(0.25), clip_similarity(1.0000001)
    (0.0, 0.25, 1.0)
    """
    return min(1.0, max(0.0, float(similarity)))
