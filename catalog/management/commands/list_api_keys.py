"""`manage.py list_api_keys`: which keys there are, and when they were last used."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from catalog.access.caller import RIGHTS, Caller
from catalog.access.granting import state_of, visible_keys
from catalog.errors import CatalogError

CALLER = Caller("operator", RIGHTS["operator"], name="command list_api_keys")


class Command(BaseCommand):
    """One line a key; none shows the key itself."""

    help = "List API keys, newest first."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Whose."""
        parser.add_argument("--retailer", help="only this retailer's (slug)")

    def handle(self, *args: Any, **options: Any) -> None:
        """List."""
        try:
            keys = visible_keys(CALLER, options["retailer"])
        except CatalogError as error:
            raise CommandError(str(error)) from error
        for key in keys:
            owner = "-" if key.retailer is None else key.retailer.slug
            used = "never used" if key.last_used_at is None else f"last used {key.last_used_at:%Y-%m-%d %H:%M}"
            end = "" if key.expiry_date is None else f", ends {key.expiry_date:%Y-%m-%d %H:%M}"
            self.stdout.write(f"{key.prefix}  {state_of(key):8} {key.kind:12} {owner:20} {used}{end}  {key.name}")
