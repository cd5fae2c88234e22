"""Kinds of parameters, each refused in words where it is wrong."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Callable
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from catalog.api.problems import ProblemError, sentence
from search.category_choice import choose_category
from search.errors import InvalidFilter, UnknownCategory
from search.vocabulary import MAX_AMOUNT, known_currency

MAX_NAMES = 50
"""In one list: each is one more alternative in the database's query."""
MAX_NAME_CHARS = 200
MAX_BOX_CHARS = 200
_OBJECT_ID = re.compile(r"[0-9]{1,5}")


@extend_schema_field(
    {
        "oneOf": [
            {"type": "string", "maxLength": MAX_BOX_CHARS},
            {"type": "array", "items": {"type": "number"}, "minItems": 4, "maxItems": 4},
        ]
    }
)
class BoxField(serializers.CharField):
    """Four numbers with commas between them; in JSON also a list of them."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=MAX_BOX_CHARS, **kwargs)

    def run_validators(self, value: Any) -> None:
        """None are left to do: they are for texts, and this is numbers by now."""

    def to_internal_value(self, data: Any) -> Any:
        """x_min, y_min, x_max, y_max as a tuple of floats."""
        try:
            if isinstance(data, list):
                edges = tuple(float(edge) for edge in data if isinstance(edge, int | float) and edge is not True)
                edges = edges if len(edges) == len(data) else ()
            else:
                edges = tuple(float(edge) for edge in super().to_internal_value(data)[:MAX_BOX_CHARS].split(","))
        except (ValueError, OverflowError):
            edges = ()
        if len(edges) != 4 or not all(math.isfinite(edge) for edge in edges):
            raise serializers.ValidationError('Give four numbers as "x_min,y_min,x_max,y_max".')
        return edges


class ImageIdField(serializers.UUIDField):
    """A UUID as text: a number, which the library takes for one, is none."""

    def to_internal_value(self, data: Any) -> Any:
        """The UUID."""
        if not isinstance(data, str):
            self.fail("invalid", value=data)
        return super().to_internal_value(data)


@extend_schema_field(
    {
        "oneOf": [
            {"type": "string"},
            {"type": "integer", "minimum": 0},
            {"type": "array", "items": {"type": "integer", "minimum": 0}, "minItems": 1, "maxItems": MAX_NAMES},
        ]
    }
)
class ObjectsField(serializers.CharField):
    """Ids of a photo's objects with commas between them; in JSON also a list of them."""

    def run_validators(self, value: Any) -> None:
        """None are left to do: they are for texts, and this is numbers by now."""

    def to_internal_value(self, data: Any) -> Any:
        """The ids as a frozenset."""
        texts = data if isinstance(data, list) else [data]
        words = [
            word.strip() for text in texts for word in super(ObjectsField, self).to_internal_value(text).split(",")
        ]
        words = [word for word in words if word]
        if not 1 <= len(words) <= MAX_NAMES or not all(_OBJECT_ID.fullmatch(word) for word in words):
            raise serializers.ValidationError(f'Give 1 to {MAX_NAMES} object ids, such as "0,2".')
        return frozenset(map(int, words))


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


@extend_schema_field(
    {
        "oneOf": [
            {"type": "string"},
            {"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": MAX_NAMES},
        ]
    }
)
class NamesField(serializers.CharField):
    """Names, given by repetition or with commas between them; a name that holds a comma stands in double quotes."""

    most = MAX_NAMES

    def __init__(self, known: Callable[[str], str] = str, **kwargs: Any) -> None:
        """Takes what reads one name; it raises `InvalidFilter` for one it does not know."""
        super().__init__(**kwargs)
        self.known = known

    def run_validators(self, value: Any) -> None:
        """None are left to do: they are for texts, and each name was checked."""

    def to_internal_value(self, data: Any) -> Any:
        """The names as a frozenset."""
        texts = [
            super(NamesField, self).to_internal_value(text) for text in (data if isinstance(data, list) else [data])
        ]
        try:
            names = {name.strip() for row in csv.reader(texts, skipinitialspace=True) for name in row} - {""}
            known = frozenset(map(self.known, filter(_is_storable, names)))
        except csv.Error as error:
            raise serializers.ValidationError("Give names with commas between them.") from error
        except InvalidFilter as error:
            raise serializers.ValidationError(sentence(error)) from error
        if not 1 <= len(known) <= self.most or not all(map(_is_storable, names)):
            raise serializers.ValidationError(f"Give 1 to {self.most} names of at most {MAX_NAME_CHARS} characters.")
        return known


class CurrencyField(serializers.CharField):
    """A currency of ISO 4217."""

    def to_internal_value(self, data: Any) -> Any:
        """Its code in capitals."""
        try:
            return known_currency(super().to_internal_value(data))
        except InvalidFilter as error:
            raise serializers.ValidationError(sentence(error)) from error


@extend_schema_field({"type": ["string", "number"], "format": "decimal", "minimum": 0})
class PriceField(serializers.DecimalField):
    """An amount of 0 or more, with as many decimals as the client likes."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_digits=None, decimal_places=None, min_value=0, max_value=MAX_AMOUNT, **kwargs)


class CategoryField(serializers.CharField):
    """A category or a group of categories."""

    def to_internal_value(self, data: Any) -> Any:
        """What is meant; an unknown one is a problem of its own."""
        text = super().to_internal_value(data)
        if not _is_storable(text):
            raise serializers.ValidationError("Not a valid string.")
        try:
            return choose_category(text)
        except UnknownCategory as error:
            raise ProblemError(400, "unknown_category", sentence(error), field="category") from error


def _is_storable(name: str) -> bool:
    """Whether a database takes it: no NUL, no half of a surrogate pair, not without end."""
    return len(name) <= MAX_NAME_CHARS and "\0" not in name and not any("\ud800" <= each <= "\udfff" for each in name)
