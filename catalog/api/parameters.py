"""Reads a request's parameters, for every room's views."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from rest_framework import serializers

from catalog.access.audit import storable

MAX_NAMED = 10
"""Unknown names that one answer tells of."""


class NoParameters(serializers.Serializer[Any]):
    """Of routes that take none."""


def asked(
    parameters: type[serializers.Serializer[Any]],
    given: Mapping[str, Any] | Sequence[Any],
    *,
    besides: Collection[str] = (),
) -> dict[str, Any]:
    """The checked parameters; a wrong or unknown one is answered with its name and reason.

    A text that is empty or blank counts as not given.

    Args:
        parameters: Which there are.
        given: Values by name, a plain mapping: in a form's QueryDict, DRF takes an absent checkbox for false.
            A JSON body may go in as it was parsed: what is no object is refused.
        besides: Further names that may be given because something else reads them.

    Raises:
        rest_framework.exceptions.ValidationError: One is wrong, or there is none of that name.
    """
    if not isinstance(given, Mapping):
        raise serializers.ValidationError("Send one JSON object.")
    checked = parameters(data={name: value for name, value in given.items() if not _is_blank(value)})
    refuse_unknown(given, {name for name, field in checked.fields.items() if not field.read_only} | set(besides))
    checked.is_valid(raise_exception=True)
    return dict(checked.validated_data)


def refuse_unknown(given: Collection[str], known: Collection[str]) -> None:
    """Refuses names that nothing reads: a filter that is misspelt must not widen what is answered.

    Args:
        given: Names that were sent.
        known: Names there are.

    Raises:
        rest_framework.exceptions.ValidationError: For each unknown name what it may have meant.
    """
    unknown = sorted(set(given) - set(known))
    if unknown:
        raise serializers.ValidationError(
            {storable(name)[:60]: [_unknown(name, known)] for name in unknown[:MAX_NAMED]}
        )


def _unknown(name: str, known: Collection[str]) -> str:
    nearest = get_close_matches(name[:60].lower(), sorted(known), n=1, cutoff=0.6)
    if nearest:
        return f'Unknown; did you mean "{nearest[0]}"?'
    listed = ", ".join(sorted(known))
    return f"Unknown; there are: {listed}." if known else "Unknown; this takes no parameters."


def _is_blank(value: Any) -> bool:
    return isinstance(value, str) and not value.strip()
