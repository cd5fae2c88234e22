"""Reads a request's parameters, for every room's views."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rest_framework import serializers


def asked(parameters: type[serializers.Serializer[Any]], given: Mapping[str, Any]) -> dict[str, Any]:
    """The checked parameters; a wrong one is answered with its name and reason. An empty one counts as not given.

    Args:
        parameters: Which there are.
        given: Values by name, a plain mapping: in a form's QueryDict, DRF takes an absent checkbox for false.

    Raises:
        rest_framework.exceptions.ValidationError: One is wrong.
    """
    checked = parameters(data={name: value for name, value in given.items() if not _is_blank(value)})
    checked.is_valid(raise_exception=True)
    return dict(checked.validated_data)


def _is_blank(value: Any) -> bool:
    return isinstance(value, str) and not value.strip()
