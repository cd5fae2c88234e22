"""Reads JSON Lines: one product a line, with the field names of Google Merchant Center."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from catalog.errors import FeedError
from catalog.feeds.opening import FeedFile
from catalog.feeds.rows import FeedBroken, FeedItem, FeedRowError
from catalog.feeds.text import BREAKS_OFF, MAX_LINE_CHARS
from catalog.feeds.vocabulary import FeedDefaults, column_name, google_row

PRICES = ("price", "sale_price")


class JsonLines:
    """A feed of one JSON object a line."""

    name = "json_lines"

    def __init__(self, file: FeedFile, defaults: FeedDefaults) -> None:
        """Look at the beginning.

        Raises:
            FeedError: It is one JSON array.
        """
        self.notes: list[str] = []
        self._file = file
        self._defaults = defaults
        if file.start.lstrip().startswith("["):
            raise FeedError(f"{file.path.name}: is one JSON array; write one object a line (JSON Lines)")

    def rows(self) -> Iterator[FeedItem]:
        """Every line that is not blank, in order.

        Raises:
            FeedError: A line is so long that this cannot be a feed.
        """
        number = 0
        with self._file.open() as text:
            while line := text.readline(MAX_LINE_CHARS):
                number += 1
                if len(line) == MAX_LINE_CHARS:
                    raise FeedError(f"line {number} has more than {MAX_LINE_CHARS} characters; this is no product feed")
                if line.strip("\ufeff \t\r\n"):
                    yield self._parse(number, line)

    def _parse(self, number: int, line: str) -> FeedItem:
        try:
            found = json.loads(
                line.strip("\ufeff"), parse_float=Decimal, parse_int=Decimal, parse_constant=_refuse_constant
            )
        except (ValueError, RecursionError) as error:
            if not line.endswith(("\n", "\r")):
                return FeedBroken(number, "", BREAKS_OFF)
            return FeedRowError(number, "", f"is not JSON ({str(error)[:100]})")
        if not isinstance(found, dict):
            return FeedRowError(number, "", "is not a JSON object")
        by_column: dict[str, list[str]] = {}
        try:
            for key, value in _with_prices(found).items():
                by_column.setdefault(column_name(key)[:100], []).extend(_texts(value))
        except RecursionError:
            return FeedRowError(number, "", "is nested too deeply")
        kept = {column: texts for column, texts in by_column.items() if texts}
        return google_row(number, kept, self._defaults, self._file.encoding)


def _with_prices(found: Mapping[str, Any]) -> dict[str, Any]:
    """The object, its prices as texts: {"value", "currency"} or a number beside a "currency" become "15.00 USD"."""
    values = {column_name(key): value for key, value in found.items()}
    currency = values.get("currency")
    is_used = False
    for name in PRICES:
        price = values.get(name)
        if isinstance(price, Mapping) and {"value", "currency"} >= set(price):
            values[name] = f"{_text(price.get('value'))} {_text(price.get('currency'))}".strip()
        elif isinstance(price, Decimal) or (isinstance(price, str) and _is_bare(price)):
            is_used = True
            values[name] = f"{_text(price)} {_text(currency)}".strip()
    if is_used and isinstance(currency, str):
        del values["currency"]
    return values


def _is_bare(price: str) -> bool:
    return price.strip().replace(".", "", 1).isdecimal()


def _texts(value: Any) -> list[str]:
    values = value if isinstance(value, list) else [value]
    return [text for text in (_text(entry).strip() for entry in values) if text]


def _text(value: Any) -> str:
    """A JSON value as a feed's cell would hold it: nothing for null, JSON for what is nested."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return format(value, "f") if -30 < value.adjusted() < 30 else str(value)
    return json.dumps(value, ensure_ascii=False, default=str)


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is no number of JSON")
