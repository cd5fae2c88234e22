"""`manage.py index_catalog`: a feed in, searchable garments out. Idempotent, and resumable after any kill."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from catalog.errors import CatalogError
from catalog.models import Retailer
from catalog.services import ImportSummary, import_feed
from search.descriptions import count_failures, forget_failures, rechoose_products
from search.errors import SearchError
from search.index.base import VectorIndexError
from search.indexing import register_space
from search.management import reporting
from search.management.bars import describing_bar, import_bar
from search.management.describing import STALL_TIMEOUT_S, DescribingRun
from search.selectors import due_images
from search.tasks import request_sync
from workers.errors import WorkersError


class Command(BaseCommand):
    """Imports a feed, describes its photos and publishes the index."""

    help = "Import a product feed, describe its photos and publish the index. Safe to repeat and to interrupt."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declares the options."""
        add = parser.add_argument
        add("--retailer", required=True, help="slug of the retailer; made when new")
        add("--feed", required=True, type=Path, help="Google Merchant CSV or TSV file")
        add("--images", type=Path, help="folder the feed's image links start from (default: the feed's)")
        add("--dry-run", action="store_true", help="say what would change; write nothing")
        add("--errors", type=Path, metavar="FILE", help="write every bad row there, one JSON a line")
        add("--retry-failed", action="store_true", help="describe photos again that failed before")
        wait = "give up when nothing moves for so long (default %(default)g)"
        add("--stall-timeout", type=float, default=STALL_TIMEOUT_S, metavar="SECONDS", help=wait)

    def handle(self, *args: Any, **options: Any) -> None:
        """Imports, describes, publishes, reports."""
        try:
            summary = self._import(options)
            if not options["dry_run"]:
                self._describe(options)
        except (CatalogError, SearchError, VectorIndexError, WorkersError) as error:
            raise CommandError(str(error)) from error
        except KeyboardInterrupt as error:
            raise CommandError("Interrupted. Run it again: what is done stays done.", returncode=130) from error
        if summary.n_stored == 0:
            raise CommandError("Nothing of the feed could be imported.")

    def _import(self, options: dict[str, Any]) -> ImportSummary:
        with import_bar(shown=options["verbosity"] > 0) as show:
            summary = import_feed(
                options["retailer"],
                options["feed"],
                images_dir=options["images"],
                dry_run=options["dry_run"],
                on_progress=show,
            )
        self.stdout.write(reporting.tell_import(summary))
        for line in reporting.list_row_errors(summary):
            self.stderr.write(line)
        if options["errors"] is not None:
            try:
                reporting.write_row_errors(summary, options["errors"])
            except OSError as error:
                raise CommandError(f"The bad rows cannot be written: {error}") from error
        return summary

    def _describe(self, options: dict[str, Any]) -> None:
        space, retailer = register_space(), Retailer.objects.get(slug=options["retailer"])
        if options["retry_failed"]:
            forget_failures(space, retailer)
        rechoose_products(space, retailer)
        n_failed_before = count_failures(space, retailer)
        # What a kill left between record and index is healed first, so that searches see it at once.
        request_sync(space)
        with describing_bar(due_images(space, retailer).count(), shown=options["verbosity"] > 0) as show:
            run = DescribingRun(space, options["stall_timeout"], on_progress=show)
            run.describe(retailer)
        run.wait_until_published()
        self.stdout.write(f"images: {run.described} described, {len(run.failed)} failed")
        for line in reporting.list_failed_photos(run, n_failed_before):
            self.stderr.write(line)
        self.stdout.write(f"searchable in space {space.name}")
