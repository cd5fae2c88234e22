"""`manage.py revoke_api_key PREFIX`: ends a key at once and for good."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from catalog.access.audit import record
from catalog.access.caller import RIGHTS, Caller
from catalog.access.granting import get_key, revoke_key
from catalog.errors import CatalogError

CALLER = Caller("operator", RIGHTS["operator"], name="command revoke_api_key")


class Command(BaseCommand):
    """Revokes keys."""

    help = "Revoke API keys by their prefixes, as list_api_keys shows them."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which."""
        parser.add_argument("prefix", nargs="+", help="the eight characters of a key before its dot")

    def handle(self, *args: Any, **options: Any) -> None:
        """Revoke all of them, or none."""
        try:
            with transaction.atomic():
                for prefix in options["prefix"]:
                    key = get_key(CALLER, prefix)
                    revoke_key(key)
                    record(CALLER, "api_key.revoke", prefix, retailer=key.retailer)
        except CatalogError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"Revoked: {', '.join(options['prefix'])}.")
