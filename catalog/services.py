"""Writes to the catalog: imports a retailer's product feed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_slug

from catalog.errors import InvalidRetailer
from catalog.feeds.google import open_feed
from catalog.feeds.rows import FeedRow, FeedRowError
from catalog.image_sources import open_images
from catalog.merging import Merge, plan_row, plan_rows, write_merges
from catalog.models import Retailer

CHUNK_ROWS = 500
"""Rows per transaction: a kill loses at most the work on these."""
EXAMPLES_KEPT = 5
ERRORS_KEPT = 10_000
"""A feed of garbage must not fill the memory; further errors are counted."""

FeedItem = FeedRow | FeedRowError
Progress = Callable[[int, int], None]
Changing = Callable[[Sequence[int]], AbstractContextManager[None]]


@dataclass(slots=True)
class ImportSummary:
    """What an import did, or with `dry_run` would do. Every row counts in exactly one of the four numbers."""

    new: int = 0
    changed: int = 0
    unchanged: int = 0
    failed: int = 0
    """Rows with an error: not stored, or (`incomplete`) stored without one of their images."""
    incomplete: int = 0
    """How many of the failed rows are stored all the same, without one of their images."""
    errors: list[FeedRowError] = field(default_factory=list)
    """In the order of the feed; at most `ERRORS_KEPT`."""
    errors_left_out: int = 0
    withheld: int = 0
    """Rows of products that the feed itself says are not on sale (drafts, archived)."""
    gone: int = 0
    """Products withdrawn, or with `dry_run` to be withdrawn: they are not in a full feed, or it says so."""
    refusal: str = ""
    """Why products absent from a full feed stay on sale; empty where none were absent, or they were withdrawn.

    The rows are taken over all the same. For whoever asked, the import has failed with this reason.
    """
    refusal_code: str = ""
    """A stable word for programs: withdrawals_guarded, feed_truncated or rows_unreadable; empty like `refusal`."""
    is_stopped: bool = False
    """Whether `should_stop` ended it early; what was written stays, and nothing was withdrawn."""
    examples: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    """Up to `EXAMPLES_KEPT` products by new, changed, unchanged and gone, ready for JSON.

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

    def add(self, merge: Merge) -> None:
        """Count one row that was understood."""
        if merge.errors:
            self.add_errors(merge.errors)
            self.incomplete += 1
        elif merge.known is None:
            self.new += 1
        elif merge.is_changed:
            self.changed += 1
        else:
            self.unchanged += 1


def import_feed(
    retailer_slug: str,
    feed: Path,
    *,
    images_dir: Path | None = None,
    feed_format: str | None = None,
    mode: str = "full",
    allow_withdrawals: bool = False,
    currency: str = "",
    link_template: str = "",
    dry_run: bool = False,
    on_progress: Progress | None = None,
    on_errors: Callable[[Sequence[FeedRowError]], None] | None = None,
    on_chunk: Callable[[ImportSummary], None] | None = None,
    changing: Changing | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> ImportSummary:
    """Bring a retailer's records in line with its feed: new and changed products are written, others left alone.

    Idempotent and resumable: the same feed again writes nothing; after a kill it resumes at the chunk it was in.
    A product whose image cannot be taken over is stored with that image `failed`. Products not in the feed stay.

    Args:
        retailer_slug: The retailer; its record is made when missing.
        feed: A Google Merchant CSV or TSV file.
        images_dir: Folder or zip of the images that the feed names as files; None = the feed's folder.
        feed_format: One of `catalog.feeds.detecting.FORMATS`; None = told by the content.
        mode: "full": known products that the feed does not name are withdrawn (guarded); "delta": they stay.
        allow_withdrawals: Withdraw them without the guard.
        currency: ISO 4217 code of prices that name none (Shopify's); empty = such prices are row errors.
        link_template: Makes the links of products without one, such as "https://shop.example/products/{handle}".
        dry_run: Write nothing, neither records nor images.
        on_progress: Called with (bytes done, bytes of the feed, unpacked), often.
        on_errors: Called after each chunk with its row errors, all of them (the summary keeps `ERRORS_KEPT`).
        on_chunk: Called after each chunk, and once at the end, with the summary so far; `lines_done` of `n_lines`.
        should_stop: Asked before each chunk; True ends the import (`ImportSummary.is_stopped`).
        changing: Entered around every write of known products that change, with their ids: for those who must follow,
            and may look at what is about to go.

    Raises:
        FeedError: The feed cannot be read as a whole, or `images_dir` is neither folder nor zip. Nothing was written.
        InvalidRetailer: The slug holds more than letters, digits, hyphens and underscores, or over 50 of them.
    """
    _check_slug(retailer_slug)
    source = open_feed(feed)
    files = open_images(feed.parent if images_dir is None else images_dir)
    retailer = _retailer(retailer_slug, create=not dry_run)
    summary = ImportSummary(dry_run=dry_run)
    n_lines = source.text.n_lines
    report = on_progress if on_progress is not None else _say_nothing
    report(0, n_lines)
    for chunk in _chunks(source.rows()):
        merges: list[Merge] = []
        known = iter(plan_rows([item for item in chunk if isinstance(item, FeedRow)], retailer))
        for item in chunk:
            if isinstance(item, FeedRowError):
                summary.add_errors([item])
            else:
                merge = plan_row(*next(known), files, store=not dry_run)
                merges.append(merge)
                summary.add(merge)
            report(min(item.line, n_lines), n_lines)
        if retailer is not None and not dry_run:
            with _announce(merges, changing):
                write_merges(merges, retailer)
    report(n_lines, n_lines)
    return summary


def _check_slug(slug: str) -> None:
    try:
        validate_slug(slug)
    except ValidationError as error:
        raise InvalidRetailer(f'"{slug}": use letters, digits, hyphens and underscores') from error
    longest = Retailer._meta.get_field("slug").max_length
    if longest is not None and len(slug) > longest:
        raise InvalidRetailer(f'"{slug}" has {len(slug)} characters; at most {longest} are allowed')


def _retailer(slug: str, *, create: bool) -> Retailer | None:
    if not create:
        return Retailer.objects.filter(slug=slug).first()
    return Retailer.objects.get_or_create(slug=slug, defaults={"name": slug.replace("-", " ").title()})[0]


def _announce(merges: Iterable[Merge], changing: Changing | None) -> AbstractContextManager[None]:
    product_ids = [merge.known.pk for merge in merges if merge.known is not None and merge.is_changed]
    return nullcontext() if changing is None or not product_ids else changing(product_ids)


def _chunks(items: Iterator[FeedItem]) -> Iterator[list[FeedItem]]:
    while chunk := list(islice(items, CHUNK_ROWS)):
        yield chunk


def _say_nothing(done: int, total: int) -> None:
    """Progress nobody asked for."""
