"""`manage.py fetch_images`: asks again for product images on the web, without importing anything."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from catalog.errors import CatalogError
from catalog.selectors import get_retailer
from search.management.fetching import fetch_due


class Command(BaseCommand):
    """Runs the fetch stage."""

    help = "Fetch product images that are due: new links, and failed ones whose time has come. Safe to interrupt."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declares the options."""
        add = parser.add_argument
        add("--retailer", help="slug of the retailer (default: all)")
        add("--retry-failed", action="store_true", help="ask at once for all that failed, for good or until later")
        add("--refresh", action="store_true", help="ask also for images that are there, whether they changed (ETag)")

    def handle(self, *args: Any, **options: Any) -> None:
        """Fetches and reports by reason."""
        try:
            lines = fetch_due(
                None if options["retailer"] is None else [get_retailer(options["retailer"]).pk],
                failed_too=options["retry_failed"],
                stored_too=options["refresh"],
                shown=options["verbosity"] > 0,
            )
        except CatalogError as error:
            raise CommandError(str(error)) from error
        except KeyboardInterrupt as error:
            raise CommandError("Interrupted. Run it again: what is done stays done.", returncode=130) from error
        for line in lines or ["fetched: nothing was due"]:
            self.stdout.write(line)
