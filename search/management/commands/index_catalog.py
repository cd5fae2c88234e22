"""`manage.py index_catalog`: a feed in, searchable garments out. Idempotent, and resumable after any kill."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from catalog.errors import CatalogError
from catalog.models import Retailer
from catalog.services import ImportSummary, import_feed
from search.errors import SearchError
from search.index.base import VectorIndexError
from search.indexing import forget_failures, rechoose_products, register_space
from search.management.describing import DescribingRun
from search.management.reporting import list_row_errors, write_row_errors
from search.models import ImageDescription
from search.selectors import due_images
from search.tasks import sync_index
from workers.errors import WorkersError

STALL_TIMEOUT_S = 180.0
"""A cold vision worker loads its model and describes a first batch well within."""
FAILURES_SHOWN = 20
BAR = "{l_bar}{bar}| {n_fmt}/{total_fmt} [{elapsed} gone, {remaining} to go, {rate_noinv_fmt}]"
"""Always images a second: tqdm's own turns to seconds an image where that is more than one."""


class Command(BaseCommand):
    """Imports a feed, describes its photos and publishes the index."""

    help = "Import a product feed, describe its photos and publish the index. Safe to repeat and to interrupt."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declares the options."""
        parser.add_argument("--retailer", required=True, help="slug of the retailer; made when new")
        parser.add_argument("--feed", required=True, type=Path, help="Google Merchant CSV or TSV file")
        parser.add_argument(
            "--images", type=Path, help="folder the feed's image links start from (default: the feed's)"
        )
        parser.add_argument("--dry-run", action="store_true", help="say what would change; write nothing")
        parser.add_argument("--errors", type=Path, metavar="FILE", help="write every bad row there, one JSON a line")
        parser.add_argument("--retry-failed", action="store_true", help="describe photos again that failed before")
        parser.add_argument(
            "--stall-timeout",
            type=float,
            default=STALL_TIMEOUT_S,
            metavar="SECONDS",
            help="give up when nothing moves for so long (default %(default)g)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Imports, describes, publishes, reports."""
        try:
            summary = self._import(options)
            if not options["dry_run"]:
                self._describe(options)
        except (CatalogError, SearchError, VectorIndexError, WorkersError) as error:
            raise CommandError(str(error)) from error
        if summary.new + summary.changed + summary.unchanged == 0:
            raise CommandError("Nothing of the feed could be imported.")

    def _import(self, options: dict[str, Any]) -> ImportSummary:
        with tqdm(desc="import", unit="row", disable=self._is_quiet(options)) as bar:

            def show(done: int, total: int) -> None:
                bar.total = total
                bar.update(done - bar.n)

            summary = import_feed(
                options["retailer"],
                options["feed"],
                images_dir=options["images"],
                dry_run=options["dry_run"],
                on_progress=show,
            )
        would_be = " (dry run: nothing is written)" if summary.dry_run else ""
        self.stdout.write(
            f"products: {summary.new} new, {summary.changed} changed, {summary.unchanged} unchanged, "
            f"{summary.failed} failed{would_be}"
        )
        for line in list_row_errors(summary):
            self.stderr.write(line)
        if options["errors"] is not None:
            write_row_errors(summary, options["errors"])
        return summary

    def _describe(self, options: dict[str, Any]) -> None:
        space = register_space()
        retailer = Retailer.objects.get(slug=options["retailer"])
        if options["retry_failed"]:
            forget_failures(space, retailer)
        rechoose_products(space, retailer)
        # What a kill left between record and index is healed first, so that searches see it at once.
        sync_index.delay(space.name)
        n_due = due_images(space, retailer).count()
        with tqdm(
            total=n_due, desc="describe", unit="image", disable=self._is_quiet(options) or n_due == 0, bar_format=BAR
        ) as bar:
            run = DescribingRun(space, options["stall_timeout"], on_progress=bar.update)
            run.describe(retailer)
        run.wait_until_published()
        self.stdout.write(f"images: {run.described} described, {len(run.failed)} failed")
        for description in run.failed[:FAILURES_SHOWN]:
            self.stderr.write(_failure(description))
        if len(run.failed) > FAILURES_SHOWN:
            self.stderr.write(f"... and {len(run.failed) - FAILURES_SHOWN} more failed images (see the admin)")
        self.stdout.write(f"searchable in space {space.name}")

    @staticmethod
    def _is_quiet(options: dict[str, Any]) -> bool:
        return bool(options["verbosity"] == 0)


def _failure(description: ImageDescription) -> str:
    image = description.image
    return f"product {image.product.external_id}, image {image.source}: {description.error} ({description.error_code})"
