"""From a request's parameters to a body's options."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rest_framework import serializers
from rest_framework.request import Request

from catalog.access.audit import storable
from catalog.models import Retailer
from search.api.fields import NamesField
from search.api.parameters import ListParameters
from search.filters import Filters
from search.index.base import NO_CATEGORY
from search.results import SearchOptions

_LISTS = frozenset(name for name, field in ListParameters().fields.items() if isinstance(field, NamesField))

GIVEN_TWICE = "Given more than once."


def given(request: Request) -> dict[str, Any]:
    """A request's parameters, of the form or the JSON body, and of the address. Of one that is no list there is one.

    Raises:
        rest_framework.exceptions.ValidationError: One is given twice, or the body is no JSON object.
    """
    values: dict[str, Any] = {}
    for source in (request.query_params, request.POST):
        for name, texts in source.lists():
            if name in values or (name not in _LISTS and len(texts) > 1):
                raise serializers.ValidationError({storable(name)[:60]: [GIVEN_TWICE]})
            values[name] = [text for text in texts if text.strip()] if name in _LISTS else texts[0]
    for name, value in _json(request).items():
        if name in values:
            raise serializers.ValidationError({storable(name)[:60]: [GIVEN_TWICE]})
        values[name] = [_literal(text) for text in value] if name in _LISTS and isinstance(value, list) else value
    return {name: value for name, value in values.items() if value != [] or name not in _LISTS}


def search_options(wanted: Mapping[str, Any], retailer: Retailer | None) -> SearchOptions:
    """What the parameters of a search ask for.

    Args:
        wanted: The checked parameters.
        retailer: Whose products alone are searched.
    """
    category_ids: frozenset[int] | None = wanted.get("category")
    return SearchOptions(
        # A catalog photo that was described as a whole may show any category.
        **list_options(wanted, None if category_ids is None else category_ids | {NO_CATEGORY}),
        category_ids=category_ids,
        box_xyxy=wanted.get("box"),
        retailer=retailer,
        object_ids=wanted.get("objects"),
        **{name: wanted[name] for name in ("combine", "offset", "facets")},
    )


def list_options(wanted: Mapping[str, Any], category_ids: frozenset[int] | None) -> dict[str, Any]:
    """The arguments of `ListOptions` that the parameters of any list ask for."""
    filters = Filters(
        category_ids=category_ids,
        brands=wanted.get("brand"),
        genders=wanted.get("gender"),
        colors=wanted.get("color"),
        price_min=wanted.get("price_min"),
        price_max=wanted.get("price_max"),
        currency=wanted.get("currency"),
        in_stock=True if wanted["in_stock"] else None,
    )
    copied = ("limit", "min_score", "verdict", "group_variants", "diversity")
    return {"filters": filters, "match": wanted.get("match")} | {name: wanted[name] for name in copied}


def _json(request: Request) -> Mapping[str, Any]:
    """The body where it is JSON, else nothing."""
    is_json = str(request.content_type).partition(";")[0].strip().lower() == "application/json"
    body = request.data if is_json else {}
    if not isinstance(body, Mapping):
        raise serializers.ValidationError("Send one JSON object.")
    return body


def _literal(name: Any) -> Any:
    """A name of a JSON list means itself, commas and quotes included."""
    return '"' + name.replace('"', '""') + '"' if isinstance(name, str) else name
