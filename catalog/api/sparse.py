"""`fields=a,b`: answers with only the members a client asks for."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from rest_framework import serializers

from catalog.api.parameters import refuse_unknown

MAX_FIELDS_CHARS = 1000


class FieldsQuery(serializers.Serializer[Any]):
    """The query parameter."""

    fields = serializers.CharField(  # type: ignore[assignment]
        required=False,
        max_length=MAX_FIELDS_CHARS,
        help_text="Only these members of each result, with commas between them; others are left out.",
    )


def chosen_fields(wanted: Mapping[str, Any], serializer: type[serializers.BaseSerializer[Any]]) -> frozenset[str]:
    """The members that are asked for; empty for all.

    Args:
        wanted: The checked parameters.
        serializer: Of one result.

    Raises:
        rest_framework.exceptions.ValidationError: One is unknown; it is named.
    """
    text = wanted.get("fields")
    if text is None:
        return frozenset()
    names = [name.strip() for name in text.split(",") if name.strip()]
    try:
        refuse_unknown(names, known_fields(serializer))
    except serializers.ValidationError as error:
        raise serializers.ValidationError({"fields": _in_words(error)}) from error
    return frozenset(names)


def known_fields(serializer: type[serializers.BaseSerializer[Any]]) -> Collection[str]:
    """The members of one result."""
    return list(serializer().fields)  # type: ignore[attr-defined]


def only(serializer: serializers.BaseSerializer[Any], names: Collection[str]) -> serializers.BaseSerializer[Any]:
    """The serializer, of a result or of many, with only those members; what is left out costs nothing."""
    one: Any = getattr(serializer, "child", serializer)
    for name in set(one.fields) - set(names) if names else ():
        one.fields.pop(name)
    return serializer


def _in_words(error: serializers.ValidationError) -> list[str]:
    detail: Any = error.detail
    return [f"{name}: {message}" for name, messages in detail.items() for message in messages]
