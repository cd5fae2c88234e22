"""What an import did, row by row and as a whole."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from catalog.feeds.rows import FeedRowError

ERRORS_KEPT = 10_000
"""A feed of garbage must not fill the memory; further errors are counted."""


@dataclass(slots=True)
class ImportSummary:
    """What an import did, or with `dry_run` would do. Every row counts in exactly one of the first five numbers."""

    new: int = 0
    changed: int = 0
    unchanged: int = 0
    failed: int = 0
    """Rows with an error: not stored, or (`incomplete`) stored without one of their images."""
    withheld: int = 0
    """Rows of products that the feed itself says are not on sale (drafts, archived)."""
    incomplete: int = 0
    """How many of the failed rows are stored all the same, without one of their images."""
    gone: int = 0
    """Products withdrawn, or with `dry_run` to be withdrawn: they are not in a full feed, or it says so."""
    errors: list[FeedRowError] = field(default_factory=list)
    """In the order of the feed; at most `ERRORS_KEPT`."""
    errors_left_out: int = 0
    refusal: str = ""
    """Why products absent from a full feed stay on sale; empty where none were absent, or they were withdrawn.

    The rows are taken over all the same. For whoever asked, the import has failed with this reason.
    """
    refusal_code: str = ""
    """A stable word for programs: withdrawals_guarded, feed_truncated or rows_unreadable; empty like `refusal`."""
    is_stopped: bool = False
    """Whether `should_stop` ended it early; what was written stays, and nothing was withdrawn."""
    examples: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    """Up to `import_examples.EXAMPLES_KEPT` products by new, changed, unchanged and gone, ready for JSON.

    Each has `product_id` and `title`; those under `changed` also `changes`: a list of {column, before, after}, texts
    or None.
    """
    notes: list[str] = field(default_factory=list)
    """What the retailer should know of the feed as a whole, in sentences."""
    feed_format: str = ""
    """One of `catalog.feeds.detecting.FORMATS`."""
    lines_done: int = 0
    n_lines: int = 0
    """Lines of the feed (unpacked); one row may have several, and an XML feed may be one line."""
    dry_run: bool = False

    @property
    def n_rows(self) -> int:
        """Rows (of Shopify: variants) the feed has, apart from its header and blank lines."""
        return self.new + self.changed + self.unchanged + self.failed + self.withheld

    @property
    def n_stored(self) -> int:
        """Rows whose product is in the records, or with `dry_run` would be."""
        return self.new + self.changed + self.unchanged + self.incomplete

    def add_errors(self, errors: Iterable[FeedRowError]) -> None:
        """Keep the errors of one row, which has failed."""
        self.failed += 1
        for error in errors:
            if len(self.errors) < ERRORS_KEPT:
                self.errors.append(error)
            else:
                self.errors_left_out += 1
