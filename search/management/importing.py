"""A feed taken in as commands do it: options, a bar, and a report."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from catalog.feeds.detecting import FORMATS
from catalog.models import ImportJob
from catalog.services import ImportSummary, import_feed
from search.management import reporting
from search.management.bars import import_bar
from search.tasks import products_changing

Write = Callable[[str], object]


def add_feed_options(add: Callable[..., object], *, is_required: bool) -> None:
    """Declares what is said of a feed.

    Args:
        add: The parser's `add_argument`.
        is_required: Whether the command is about a feed alone.
    """
    add(
        "--feed",
        type=Path,
        required=is_required,
        help="product feed: Google (CSV, TSV, XML), Shopify or Product Search CSV, JSON Lines; gzip",
    )
    add("--images", type=Path, help="folder or zip the feed's image links start from (default: the feed's folder)")
    add("--format", choices=FORMATS, dest="feed_format", help="the feed's format (default: told by its content)")
    full_or_delta = "full: products the feed leaves out are withdrawn; delta: they stay (default %(default)s)"
    add("--mode", choices=ImportJob.Mode.values, default=ImportJob.Mode.FULL.value, help=full_or_delta)
    guard = "withdraw also where a feed leaves out more than a fifth of what is on sale"
    add("--allow-withdrawals", action="store_true", help=guard)
    add("--currency", default="", metavar="CODE", help="of prices that name none, such as Shopify's: EUR")
    link = "makes links where the feed has none: https://shop.example/products/{handle} or {id}"
    add("--link-template", default="", metavar="URL", help=link)
    add("--dry-run", action="store_true", help="say what would change, with examples; write nothing")
    add("--errors", type=Path, metavar="FILE", help="write every bad row there, one JSON a line")


def take_feed(options: dict[str, Any], write: Write, write_error: Write) -> ImportSummary:
    """Imports the feed that the options name, and reports; the index follows what changes and what goes.

    Args:
        options: As parsed.
        write: Prints a line of the report.
        write_error: Prints what is wrong.

    Raises:
        CatalogError: The feed as a whole is unusable.
        CommandError: The bad rows cannot be written where they were asked for.
    """
    with import_bar(shown=options["verbosity"] > 0) as show:
        summary = import_feed(
            options["retailer"],
            options["feed"],
            images_dir=options["images"],
            feed_format=options["feed_format"],
            mode=options["mode"],
            allow_withdrawals=options["allow_withdrawals"],
            currency=options["currency"],
            link_template=options["link_template"],
            dry_run=options["dry_run"],
            on_progress=show,
            changing=products_changing,
        )
    write(reporting.tell_import(summary))
    for line in reporting.list_examples(summary) if summary.dry_run else []:
        write(line)
    for line in [*reporting.list_row_errors(summary), *summary.notes]:
        write_error(line)
    if options["errors"] is not None:
        try:
            reporting.write_row_errors(summary, options["errors"])
        except OSError as error:
            raise CommandError(f"The bad rows cannot be written: {error}") from error
    return summary


def check_outcome(summary: ImportSummary) -> None:
    """Fails where the import has; asked last, because what was taken over is good all the same.

    Raises:
        CommandError: Nothing could be imported, or products that the feed leaves out were not withdrawn.
    """
    if summary.n_stored + summary.withheld == 0:
        raise CommandError("Nothing of the feed could be imported.")
    if summary.refusal:
        hint = " (--allow-withdrawals, or --mode delta)" if summary.refusal_code != "feed_truncated" else ""
        raise CommandError(f"{summary.refusal}{hint}")
