"""Days of a report, in UTC."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import DateField
from django.db.models.functions import TruncDate
from django.db.models.sql.compiler import SQLCompiler

MAX_DAYS = 366


@dataclass(frozen=True, slots=True)
class Period:
    """Whole days from the first to the last, both included."""

    first_day: date
    last_day: date

    @property
    def start(self) -> datetime:
        """Its first moment."""
        return datetime.combine(self.first_day, time.min, tzinfo=UTC)

    @property
    def end(self) -> datetime:
        """The first moment after it."""
        return datetime.combine(self.last_day + timedelta(days=1), time.min, tzinfo=UTC)


def period_of(days: int, last_day: date | None = None) -> Period:
    """So many days, at least 1, up to a last one; without it, up to today.

    >>> period_of(2, date(2026, 3, 1)).start.isoformat()
    '2026-02-28T00:00:00+00:00'
    """
    last = datetime.now(UTC).date() if last_day is None else last_day
    return Period(last - timedelta(days=days - 1), last)


class _UtcDay(TruncDate):
    """On SQLite, moments are texts in UTC, and its own function cuts them ten times as fast as Django's in Python."""

    def as_sqlite(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **_: Any) -> tuple[str, Any]:
        sql, params = compiler.compile(self.lhs)
        return f"date({sql})", params


def utc_day(moment: str) -> TruncDate:
    """The day of a moment, in UTC, counted by the database."""
    return _UtcDay(moment, output_field=DateField(), tzinfo=UTC)
