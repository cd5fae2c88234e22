"""Answers as tables for spreadsheets."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from django.http import StreamingHttpResponse

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


class CsvFile(StreamingHttpResponse):
    """Rows as CSV, sent as they are read; cells that a spreadsheet would take for formulas are marked as text.

    Source: OWASP, "CSV Injection".
    """

    def __init__(self, name: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        headers = {"Content-Disposition": f'attachment; filename="{name}"'}
        super().__init__(_lines(columns, rows), content_type="text/csv; charset=utf-8", headers=headers)


def _lines(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[str]:
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    for row in (columns, *rows):
        writer.writerow([_as_text(cell) for cell in row])
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()


def _as_text(cell: Any) -> Any:
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA_STARTS) else cell
