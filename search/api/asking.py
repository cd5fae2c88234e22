"""From a request's parameters to a body's options."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rest_framework.request import Request

from search.api.fields import NamesField
from search.api.parameters import ListParameters
from search.filters import Filters
from search.index.base import NO_CATEGORY
from search.results import SearchOptions

_LISTS = frozenset(name for name, field in ListParameters().fields.items() if isinstance(field, NamesField))


def given(request: Request) -> dict[str, Any]:
    """A request's parameters, of the form and of the address; of those that are no lists, the last one counts."""
    values: dict[str, Any] = {}
    for source in (request.query_params, request.POST):
        for name, texts in source.lists():
            values[name] = [text for text in texts if text.strip()] if name in _LISTS else texts[-1]
    return {name: value for name, value in values.items() if value != []}


def search_options(wanted: Mapping[str, Any]) -> SearchOptions:
    """What the parameters of a photo search ask for."""
    category_ids: frozenset[int] | None = wanted.get("category")
    return SearchOptions(
        # A catalog photo that was described as a whole may show any category.
        **list_options(wanted, None if category_ids is None else category_ids | {NO_CATEGORY}),
        category_ids=category_ids,
        box_xyxy=wanted.get("box"),
        retailer_slug=wanted.get("retailer"),
        combine=wanted["combine"],
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
