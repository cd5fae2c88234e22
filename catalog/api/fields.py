"""Kinds of parameters and members that every room's requests have, each refused in words where it is wrong."""

from __future__ import annotations

from typing import Any, NoReturn

from rest_framework import serializers

from catalog.access.audit import storable


class WordField(serializers.ChoiceField):
    """One of some words, all of which are told where another one is sent."""

    def fail(self, key: str, **kwargs: Any) -> NoReturn:
        """Names the words there are, as feeds do."""
        if key == "invalid_choice":
            words = ", ".join(str(word) for word in self.choices)
            raise serializers.ValidationError(f'"{str(kwargs["input"])[:60]}" is none of {words}.', code=key)
        super().fail(key, **kwargs)


class TextField(serializers.CharField):
    """A text that every database takes: without NUL and without halves of characters."""

    def to_internal_value(self, data: Any) -> str:
        """Refuses what is no text, and what no database keeps."""
        if not isinstance(data, str):
            raise serializers.ValidationError("Give a text.")
        if storable(data) != data:
            raise serializers.ValidationError("It holds a NUL character or half of a character.")
        return str(super().to_internal_value(data))
