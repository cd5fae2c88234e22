"""Lists in pages: `limit` and an opaque `cursor`, so that what is added or removed meanwhile shifts nothing."""

from __future__ import annotations

from base64 import b64decode
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.pagination import Cursor, CursorPagination
from rest_framework.request import Request

from catalog.api.problems import ProblemError

DEFAULT_LIMIT = 20
MAX_LIMIT = 100
CURSOR_CHARS = 500


class PageQuery(serializers.Serializer[Any]):
    """Query parameters of every list of resources."""

    limit = serializers.IntegerField(
        required=False,
        min_value=1,
        max_value=MAX_LIMIT,
        default=DEFAULT_LIMIT,
        help_text=f"Entries per page, 1 to {MAX_LIMIT}.",
    )
    cursor = serializers.CharField(
        required=False,
        max_length=CURSOR_CHARS,
        help_text="Where the page begins, as `next` and `previous` of another page give it.",
    )


class CursorPages(CursorPagination):
    """Pages from a position in a fixed order. Views say which order; parameters are checked by `PageQuery`."""

    page_size = DEFAULT_LIMIT
    page_size_query_param = "limit"
    max_page_size = MAX_LIMIT
    ordering = "pk"

    def __init__(self, *ordering: str) -> None:
        """Takes the order, a unique field last; the first field is what a cursor names."""
        if ordering:
            self.ordering = ordering  # type: ignore[assignment]

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> list[Any]:
        """The page that is asked for.

        Raises:
            ProblemError: 400 `invalid_cursor`.
        """
        self._model = queryset.model
        page: list[Any] | None = super().paginate_queryset(queryset, request, view)
        return [] if page is None else list(page)

    def decode_cursor(self, request: Request) -> Cursor | None:
        """The cursor of the request; a damaged one is refused before the database sees it."""
        encoded = request.query_params.get(self.cursor_query_param, "")
        if not encoded.strip():
            return None
        try:
            if not b64decode(encoded, validate=True):
                raise ValueError("nothing")
            cursor = super().decode_cursor(request)
            if cursor is not None and cursor.position is not None:
                name = (self.ordering if isinstance(self.ordering, str) else self.ordering[0]).lstrip("-")
                field = self._model._meta.pk if name == "pk" else self._model._meta.get_field(name)
                value = field.to_python(cursor.position)
                if isinstance(value, int) and not 0 <= value < 2**63:
                    raise ValueError("no key")
        except (ValidationError, NotFound, ValueError, TypeError, OverflowError) as error:
            raise _invalid() from error
        return cursor


def page_of(queryset: QuerySet[Any], request: Request, *ordering: str) -> tuple[list[Any], dict[str, str | None]]:
    """One page of a list and the addresses of its neighbours.

    Args:
        queryset: All entries, filtered.
        request: Whose `limit` and `cursor` count.
        ordering: Fields, a unique one last.

    Returns:
        The entries, and `next` and `previous` as a list's answer has them.

    Raises:
        ProblemError: 400 `invalid_cursor`.
    """
    pages = CursorPages(*ordering)
    found = pages.paginate_queryset(queryset, request)
    return found, {"next": pages.get_next_link(), "previous": pages.get_previous_link()}


def paged(serializer: type[serializers.BaseSerializer[Any]], **more: serializers.Field[Any, Any, Any, Any]) -> Any:
    """The answer of a list, for the OpenAPI document: `results` with the addresses of its neighbours.

    Args:
        serializer: Of one entry.
        more: Further members.
    """
    name = f"{serializer.__name__.removesuffix('Serializer')}Page"
    address: dict[str, Any] = {"allow_null": True, "required": False}
    return type(
        name,
        (serializers.Serializer,),
        {
            "__doc__": "One page of a list.",
            "results": serializer(many=True, help_text="The entries of this page."),
            "next": serializers.URLField(help_text="Address of the next page, or null on the last.", **address),
            "previous": serializers.URLField(help_text="Address of the page before, or null.", **address),
            **more,
        },
    )


def _invalid() -> ProblemError:
    detail = "The cursor is damaged; take it from `next` or `previous` as it is, or leave it out to begin anew."
    return ProblemError(400, "invalid_cursor", detail, field="cursor")
