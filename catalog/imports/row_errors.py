"""Why rows of an import were not taken over: kept as they are found, up to a cap, the rest counted."""

from __future__ import annotations

from collections.abc import Sequence

from catalog import limits
from catalog.access.audit import storable
from catalog.feeds.rows import FeedRowError
from catalog.models import ImportJob, ImportRowError

ERRORS_KEPT = 10_000
"""A feed of garbage must not fill the database."""
COLUMN_CHARS, REASON_CHARS = 100, 1000


class RowErrors:
    """Those of one run of an import; what an earlier run of it found is forgotten."""

    def __init__(self, job: ImportJob) -> None:
        self.n_found = 0
        self._n_kept = 0
        self._job = job
        ImportRowError.objects.filter(job=job).delete()

    def add(self, errors: Sequence[FeedRowError]) -> None:
        """Keeps the errors of some rows."""
        kept = errors[: ERRORS_KEPT - self._n_kept]
        ImportRowError.objects.bulk_create(_record(self._job, error) for error in kept)
        self._n_kept += len(kept)
        self.n_found += len(errors)


def _record(job: ImportJob, error: FeedRowError) -> ImportRowError:
    # They quote the feed, which may hold what no database takes.
    column, product_id, reason = map(storable, (error.column, error.product_id, error.reason))
    return ImportRowError(
        job=job,
        line=error.line,
        column=column[:COLUMN_CHARS],
        product_id=product_id[: limits.ID_CHARS],
        reason=reason[:REASON_CHARS],
    )
