"""`manage.py create_api_key`: makes a key of the API, and shows it this once."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.utils import timezone

from catalog.access.audit import record
from catalog.access.caller import RIGHTS, Caller
from catalog.access.granting import KeyWish, grant_key
from catalog.errors import CatalogError, RetailerNotFound
from catalog.models import ApiKey, Retailer
from catalog.retailers import create_retailer
from catalog.selectors import get_retailer

CALLER = Caller("operator", RIGHTS["operator"], name="command create_api_key")


class Command(BaseCommand):
    """Makes a key; it alone goes to standard output, so that a script can keep it."""

    help = "Make an API key: secret (writes), publishable (searches from given pages), or an operator's."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Whose key, of which kind, for how long."""
        whose = parser.add_mutually_exclusive_group(required=True)
        whose.add_argument("--retailer", help="slug of the retailer whose catalog it opens")
        whose.add_argument("--operator", action="store_true", help="a key for all retailers")
        parser.add_argument("--kind", choices=["secret", "publishable"], default="secret", help="default: %(default)s")
        parser.add_argument("--name", required=True, help="what it is for")
        parser.add_argument(
            "--origin",
            action="append",
            default=[],
            help="page a publishable key works on, such as https://shop.example; may be repeated",
        )
        parser.add_argument("--rate", default="", help='its own limit, such as "600/minute"')
        parser.add_argument("--days", type=float, help="how long it works; default: until it is revoked")
        parser.add_argument("--create-retailer", action="store_true", help="make the retailer where there is none")

    def handle(self, *args: Any, **options: Any) -> None:
        """Make it."""
        try:
            with transaction.atomic():
                made, key = grant_key(CALLER, self._wish(options))
                record(CALLER, "api_key.create", made.prefix, retailer=made.retailer, detail={"kind": made.kind})
        except RetailerNotFound as error:
            raise CommandError(f"{error}; --create-retailer makes it") from error
        except (CatalogError, OverflowError) as error:
            raise CommandError(str(error)) from error
        self.stderr.write(f"Key {made.prefix} ({made.kind}) is made. Keep it now: it is not shown again.")
        self.stdout.write(key)

    def _wish(self, options: dict[str, Any]) -> KeyWish:
        days: float | None = options["days"]
        return KeyWish(
            kind=ApiKey.Kind.OPERATOR if options["operator"] else ApiKey.Kind(options["kind"]),
            name=options["name"],
            retailer=None if options["operator"] else _retailer(options["retailer"], options["create_retailer"]),
            allowed_origins=options["origin"],
            rate=options["rate"],
            expires_at=None if days is None else timezone.now() + timedelta(days=days),
        )


def _retailer(slug: str, is_made: bool) -> Retailer:
    try:
        return get_retailer(slug)
    except RetailerNotFound:
        if not is_made:
            raise
        return create_retailer(slug, slug.replace("-", " ").title())
