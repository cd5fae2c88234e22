"""One run of an import: the feed's rows taken over chunk by chunk, then what it leaves out taken off sale."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from itertools import islice

from django.db import IntegrityError
from django.utils import timezone

from catalog.feeds.detecting import Feed
from catalog.feeds.rows import FeedBroken, FeedItem, FeedRow, FeedRowError, OffSaleRow
from catalog.image_sources import ImageSource
from catalog.import_examples import Examples
from catalog.import_summary import ImportSummary
from catalog.merging import Merge, known_products, plan_row, write_merges
from catalog.models import Product, Retailer
from catalog.upkeep import Changing
from catalog.withdrawals import products_left_out, refuse, withdraw

CHUNK_ROWS = 500
"""Rows per transaction: a kill loses at most the work on these."""
WRITE_ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class Listeners:
    """Whom an import tells, and asks, on its way; `catalog.services.import_feed` describes each."""

    on_progress: Callable[[int, int], None]
    on_errors: Callable[[Sequence[FeedRowError]], None]
    on_chunk: Callable[[ImportSummary], None]
    changing: Changing
    should_stop: Callable[[], bool]


class FeedImport:
    """The state of one import. Memory: a chunk of rows, and some bytes for each id (`catalog.feeds.seen`)."""

    def __init__(
        self, feed: Feed, files: ImageSource, retailer: Retailer | None, listeners: Listeners, *, dry_run: bool
    ) -> None:
        self.summary = ImportSummary(feed_format=feed.format, n_lines=feed.file.n_lines, dry_run=dry_run)
        self._feed = feed
        self._files = files
        self._retailer = retailer
        self._listeners = listeners
        self._began_at = timezone.now()
        on_sale = Product.objects.filter(retailer=retailer, withdrawn_at=None)
        self._n_on_sale = 0 if retailer is None else on_sale.count()
        self._n_unnamed = 0
        self._broken = ""
        self._examples = Examples()
        self._reported = -1

    def take_rows(self) -> None:
        """Take over the feed's rows.

        Raises:
            FeedError: The feed turns out to be none.
        """
        self._report()
        items = self._feed.rows()
        while True:
            if self._listeners.should_stop():
                self.summary.is_stopped = True
                return
            chunk: list[FeedItem] = []
            for item in islice(items, CHUNK_ROWS):
                chunk.append(item)
                self._report()
            if not chunk:
                return
            self._take(chunk)
            self.summary.lines_done = min(chunk[-1].line, self.summary.n_lines)
            self._listeners.on_chunk(self.summary)

    def take_off_sale(self, *, allow_withdrawals: bool) -> None:
        """Withdraw the products that the feed does not name, unless that would likely be a mistake."""
        summary = self.summary
        if self._retailer is None or summary.is_stopped:
            return
        gone = products_left_out(self._retailer, self._feed.named, self._began_at)
        refusal = refuse(
            len(gone),
            self._n_on_sale,
            broken=self._broken if self._broken or len(self._feed.named) else "it names no product",
            n_unnamed=self._n_unnamed,
            is_allowed=allow_withdrawals,
        )
        if refusal is not None:
            summary.refusal_code, summary.refusal = refusal.code, refusal.reason
        else:
            self._withdraw(gone)

    def finish(self) -> None:
        """Complete the summary, and tell it."""
        summary = self.summary
        summary.notes = list(self._feed.notes)
        summary.examples = self._examples.by_kind
        if not summary.is_stopped:
            summary.lines_done = summary.n_lines
            self._listeners.on_progress(self._feed.file.n_bytes, self._feed.file.n_bytes)
        self._listeners.on_chunk(summary)

    def _take(self, chunk: Sequence[FeedItem]) -> None:
        errors = [item for item in chunk if isinstance(item, FeedRowError)]
        for error in errors:
            self.summary.add_errors([error])
            self._n_unnamed += not error.product_id
            if isinstance(error, FeedBroken):
                self._broken = error.reason
        for merge in self._write([item for item in chunk if isinstance(item, FeedRow)]):
            errors += merge.errors
            self._count(merge)
        self._take_off([item for item in chunk if isinstance(item, OffSaleRow)])
        if errors:
            self._listeners.on_errors(errors)

    def _write(self, rows: Sequence[FeedRow]) -> list[Merge]:
        """Plan and write some rows; once more where a product was deleted in between."""
        for attempt in range(1, WRITE_ATTEMPTS + 1):
            merges = self._plan(rows)
            self._examples.look_at(merges)
            if self._retailer is None or self.summary.dry_run:
                break
            changed = [merge.known.pk for merge in merges if merge.known is not None and merge.is_changed]
            try:
                with self._listeners.changing(changed) if changed else nullcontext():
                    write_merges(merges, self._retailer)
                break
            except IntegrityError:
                if attempt == WRITE_ATTEMPTS:
                    raise
        return merges

    def _plan(self, rows: Sequence[FeedRow]) -> list[Merge]:
        known = known_products([row.external_id for row in rows], self._retailer)
        store = not self.summary.dry_run
        return [plan_row(row, known.get(row.external_id), self._files, store=store) for row in rows]

    def _count(self, merge: Merge) -> None:
        summary = self.summary
        kind = merge.kind
        if kind == "failed":
            summary.add_errors(merge.errors)
            summary.incomplete += 1
        else:
            setattr(summary, kind, getattr(summary, kind) + 1)

    def _take_off(self, rows: Sequence[OffSaleRow]) -> None:
        """Withdraw what the feed names and does not sell."""
        self.summary.withheld += len(rows)
        if rows and self._retailer is not None:
            named = Product.objects.filter(retailer=self._retailer, external_id__in=[row.external_id for row in rows])
            self._withdraw(list(named.filter(withdrawn_at=None).order_by("pk").values_list("pk", flat=True)))

    def _withdraw(self, product_ids: Sequence[int]) -> None:
        summary, listeners = self.summary, self._listeners
        self._examples.add_gone(product_ids)
        if summary.dry_run:
            summary.gone += len(product_ids)
            return
        n_gone = withdraw(product_ids, changing=listeners.changing, should_stop=listeners.should_stop)
        summary.gone += n_gone
        summary.is_stopped = summary.is_stopped or listeners.should_stop()

    def _report(self) -> None:
        file = self._feed.file
        if file.bytes_done != self._reported:
            self._reported = file.bytes_done
            self._listeners.on_progress(file.bytes_done, file.n_bytes)
