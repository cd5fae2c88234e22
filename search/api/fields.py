"""Kinds of parameters, each refused in words where it is wrong."""

from __future__ import annotations

import csv
import math
from collections.abc import Callable
from typing import Any

from rest_framework import serializers

from catalog.api.problems import ProblemError, sentence
from search.category_choice import choose_category
from search.errors import InvalidFilter, UnknownCategory
from search.vocabulary import MAX_AMOUNT, known_currency

MAX_NAMES = 50
"""In one list: each is one more alternative in the database's query."""
MAX_NAME_CHARS = 200


class BoxField(serializers.CharField):
    """Four numbers with commas between them."""

    def to_internal_value(self, data: Any) -> Any:
        """x_min, y_min, x_max, y_max as a tuple of floats."""
        try:
            edges = tuple(float(edge) for edge in super().to_internal_value(data).split(","))
        except ValueError:
            edges = ()
        if len(edges) != 4 or not all(math.isfinite(edge) for edge in edges):
            raise serializers.ValidationError('Give four numbers as "x_min,y_min,x_max,y_max".')
        return edges


class ScoreField(serializers.FloatField):
    """A number of 0..1."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(min_value=0.0, max_value=1.0, **kwargs)

    def to_internal_value(self, data: Any) -> float:
        """Refuses what is no number, "nan" included: it passes every comparison."""
        score = super().to_internal_value(data)
        if not math.isfinite(score):
            raise serializers.ValidationError("Give a number of 0..1.")
        return score


class NamesField(serializers.CharField):
    """Names, given by repetition or with commas between them; a name that holds a comma stands in double quotes."""

    def __init__(self, known: Callable[[str], str] = str, **kwargs: Any) -> None:
        """Takes what reads one name; it raises `InvalidFilter` for one it does not know."""
        super().__init__(**kwargs)
        self.known = known

    def to_internal_value(self, data: Any) -> Any:
        """The names as a frozenset."""
        texts = [
            super(NamesField, self).to_internal_value(text) for text in (data if isinstance(data, list) else [data])
        ]
        try:
            names = {name.strip() for row in csv.reader(texts, skipinitialspace=True) for name in row} - {""}
            known = frozenset(map(self.known, names))
        except csv.Error as error:
            raise serializers.ValidationError("Give names with commas between them.") from error
        except InvalidFilter as error:
            raise serializers.ValidationError(sentence(error)) from error
        if not 1 <= len(known) <= MAX_NAMES or any(len(name) > MAX_NAME_CHARS or "\0" in name for name in known):
            raise serializers.ValidationError(f"Give 1 to {MAX_NAMES} names of at most {MAX_NAME_CHARS} characters.")
        return known


class CurrencyField(serializers.CharField):
    """A currency of ISO 4217."""

    def to_internal_value(self, data: Any) -> Any:
        """Its code in capitals."""
        try:
            return known_currency(super().to_internal_value(data))
        except InvalidFilter as error:
            raise serializers.ValidationError(sentence(error)) from error


class PriceField(serializers.DecimalField):
    """An amount of 0 or more, with as many decimals as the client likes."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_digits=None, decimal_places=None, min_value=0, max_value=MAX_AMOUNT, **kwargs)


class CategoryField(serializers.CharField):
    """A category or a group of categories."""

    def to_internal_value(self, data: Any) -> Any:
        """What is meant; an unknown one is a problem of its own."""
        try:
            return choose_category(super().to_internal_value(data))
        except UnknownCategory as error:
            raise ProblemError(400, "unknown_category", sentence(error), field="category") from error
