"""What an indexing run did, told to the person who started it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from catalog.downloads.summary import FetchSummary
from catalog.feeds.rows import FeedRowError
from catalog.models import Retailer
from catalog.services import ImportSummary
from search.duplicates import find_duplicates
from search.management.describing import DescribingRun
from search.models import ImageDescription

SHOWN = 20
"""Bad rows, and failed photos, printed in full; more are counted."""


def tell_import(summary: ImportSummary) -> str:
    """The products of a feed in one line."""
    would_be = " (dry run: nothing is written)" if summary.dry_run else ""
    incomplete = f" ({summary.incomplete} of them stored without an image)" if summary.incomplete else ""
    withheld = f", {summary.withheld} not for sale" if summary.withheld else ""
    return (
        f"{summary.feed_format} products: {summary.new} new, {summary.changed} changed, {summary.unchanged} unchanged, "
        f"{summary.failed} failed{incomplete}, {summary.gone} gone{withheld}{would_be}"
    )


def list_examples(summary: ImportSummary) -> list[str]:
    """A table of what would happen: how many of each kind, some of them, and what changes in those that change."""
    counts = {kind: getattr(summary, kind) for kind in ("new", "changed", "unchanged", "gone")}
    lines = []
    for kind, count in counts.items():
        lines.append(f"{kind:<10}{count:>10}")
        for example in summary.examples.get(kind, []):
            lines.append(f"{'':<22}{example['product_id']}  {example['title']}")
            lines += [f"{'':<26}{_tell_change(change)}" for change in example.get("changes", [])]
    return lines


def list_row_errors(summary: ImportSummary) -> list[str]:
    """The first bad rows as "line N, column X: reason", then how many more there are."""
    lines = [_tell_row(error) for error in summary.errors[:SHOWN]]
    more = len(summary.errors) - len(lines) + summary.errors_left_out
    return [*lines, f"... and {more} more (--errors FILE writes them all)"] if more else lines


def write_row_errors(summary: ImportSummary, file: Path) -> None:
    """Writes every bad row that was kept as one JSON object a line: line, column, reason."""
    with file.open("w", encoding="utf-8") as out:
        for error in summary.errors:
            out.write(json.dumps(asdict(error), ensure_ascii=False) + "\n")


def tell_fetched(summary: FetchSummary) -> list[str]:
    """The images that were asked for on the web, and why some did not come, a line for each reason; none where none."""
    if not (summary.n_ok or summary.n_failed):
        return []
    megabytes = summary.n_bytes / 1e6
    lines = [
        f"fetched: {summary.n_ok} images good, {summary.n_failed} not; {summary.n_requests} addresses asked, "
        f"{summary.n_not_modified} not modified, {megabytes:.1f} MB"
    ]
    lines += [f"  failed: {code} {n}" for code, n in summary.failed.most_common()]
    lines += [f"  tried again later: {code} {n}" for code, n in summary.later.most_common()]
    return lines


def list_failed_photos(run: DescribingRun, n_failed_before: int) -> list[str]:
    """The first photos that could not be described, each with its reason; how many more; how many in earlier runs."""
    lines = [_tell_photo(description) for description in run.failed[:SHOWN]]
    more = len(run.failed) - len(lines)
    if more:
        lines.append(f"... and {more} more failed photos (the admin lists them)")
    if n_failed_before:
        lines.append(f"photos that failed in earlier runs: {n_failed_before} (--retry-failed describes them again)")
    return lines


def list_duplicates(run: DescribingRun, retailers: Sequence[Retailer]) -> list[str]:
    """How many of the new photos show a picture that is sold as another product too, a line for each retailer's."""
    lines = []
    for retailer in retailers:
        groups = find_duplicates(run.space, retailer, image_ids=run.described_ids)
        if groups:
            n_photos = sum(len(group.images) for group in groups)
            lines.append(
                f"the same picture for different products: {len(groups)} pictures, {n_photos} photos "
                f"(find_duplicates --retailer {retailer.slug} lists all)"
            )
    return lines


def _tell_change(change: dict[str, str | None]) -> str:
    before, after = (change[side] if change[side] else "nothing" for side in ("before", "after"))
    return f"{change['column']}: {before} -> {after}"


def _tell_row(error: FeedRowError) -> str:
    where = f"line {error.line}, column {error.column}" if error.column else f"line {error.line}"
    return f"{where}: {error.reason}"


def _tell_photo(description: ImageDescription) -> str:
    image = description.image
    return f"product {image.product.external_id}, image {image.source}: {description.error} ({description.error_code})"
