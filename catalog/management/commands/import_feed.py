"""Imports a product feed into the records, without looking at its images (`index_catalog` does both)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from tqdm import tqdm

from catalog.errors import CatalogError
from catalog.services import ImportSummary, import_feed


class Command(BaseCommand):
    """`manage.py import_feed --retailer R --feed FILE [--images DIR] [--dry-run]`."""

    help = "Import a Google Merchant product feed (CSV or TSV): records and image files only, nothing is indexed."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the arguments."""
        parser.add_argument("--retailer", required=True, help="slug of the retailer; made when missing")
        parser.add_argument("--feed", required=True, type=Path, help="the feed file")
        parser.add_argument("--images", type=Path, help="folder of the image files (default: the feed's folder)")
        parser.add_argument("--dry-run", action="store_true", help="say what would change, write nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        """Import and print a summary. Exits with an error only where the feed as a whole is unusable."""
        bar = tqdm(desc="import", unit="line", leave=False, disable=None)

        def show(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        try:
            summary = import_feed(
                options["retailer"],
                options["feed"],
                images_dir=options["images"],
                dry_run=options["dry_run"],
                on_progress=show,
            )
        except CatalogError as error:
            raise CommandError(str(error)) from error
        finally:
            bar.close()
        self._print(summary)

    def _print(self, summary: ImportSummary) -> None:
        for error in summary.errors:
            self.stderr.write(str(error))
        if summary.errors_left_out:
            self.stderr.write(f"and {summary.errors_left_out} more errors")
        would = "dry run, nothing written: " if summary.dry_run else ""
        self.stdout.write(
            f"{would}{summary.n_rows} rows: {summary.new} new, {summary.changed} changed, "
            f"{summary.unchanged} unchanged, {summary.failed} failed"
        )
