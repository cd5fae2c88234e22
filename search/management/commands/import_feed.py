"""`manage.py import_feed`: a feed into the records, the index kept in step; new photos are left to `index_catalog`."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from catalog.errors import CatalogError
from search.management.importing import add_feed_options, check_outcome, take_feed


class Command(BaseCommand):
    """Imports a feed's rows."""

    help = (
        "Import a product feed: records, prices, availability; what goes or changes is searched so at once. "
        "New photos are neither fetched nor described: index_catalog does all of it."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declares the options."""
        parser.add_argument("--retailer", required=True, help="slug of the retailer; made when new")
        add_feed_options(parser.add_argument, is_required=True)

    def handle(self, *args: Any, **options: Any) -> None:
        """Imports and reports."""
        try:
            summary = take_feed(options, self.stdout.write, self.stderr.write)
        except CatalogError as error:
            raise CommandError(str(error)) from error
        except KeyboardInterrupt as error:
            raise CommandError("Interrupted. Run it again: what is done stays done.", returncode=130) from error
        if not summary.dry_run and summary.new + summary.changed:
            rest = f"manage.py index_catalog --retailer {options['retailer']} --space serving"
            self.stdout.write(f"new photos are not searched yet: {rest}")
        check_outcome(summary)
