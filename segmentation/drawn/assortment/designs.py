"""A design: a cut and the cloth a buyer chose for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

from numpy.random import Generator

from segmentation.drawn.cuts import Cut
from segmentation.drawn.fabric import Material
from segmentation.drawn.patterns import Pattern

Choice = TypeVar("Choice")
Gender = Literal["female", "male", "unisex"]
PLAIN: tuple[Pattern, ...] = ("plain",)


@dataclass(frozen=True, slots=True)
class Design:
    """A cut and the cloth it is made of, before it is dyed."""

    cut: Cut
    material: Material
    pattern: Pattern
    gender: Gender
    period: float = 4.0
    """Units after which the pattern repeats."""


def pick(rng: Generator, options: Sequence[Choice]) -> Choice:
    """One of the options, all equally likely."""
    return options[int(rng.integers(len(options)))]


def a_person(rng: Generator) -> Gender:
    """For whom it is cut."""
    return pick(rng, ("female", "male"))


def a_cloth(rng: Generator, patterns: Sequence[Pattern]) -> tuple[Pattern, float]:
    """A pattern and its repeat; half of what is sold is plain."""
    pattern: Pattern = "plain" if rng.random() < 0.4 else pick(rng, patterns)
    return pattern, pick(rng, (2.0, 4.0, 4.0, 8.0) if pattern != "plaid" else (8.0, 16.0))
