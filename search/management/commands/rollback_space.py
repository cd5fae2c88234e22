"""`manage.py rollback_space`: the space serves again that served before; what came since is then described in it."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from catalog.models import Retailer
from search.errors import SearchError
from search.index.base import VectorIndexError
from search.management import reporting
from search.management.catching_up import catch_up
from search.management.describing import STALL_TIMEOUT_S
from search.promotion.switching import roll_back
from search.webhook_tasks import send_before_leaving
from workers.errors import WorkersError


class Command(BaseCommand):
    """Reconciles the former space's index, switches, and catches up."""

    help = "Let the space serve again that served before the last promotion."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declares the options."""
        only = "leave photos that came since the promotion to the next index_catalog"
        parser.add_argument("--switch-only", action="store_true", help=only)
        wait = "give up when nothing moves for so long (default %(default)g)"
        parser.add_argument("--stall-timeout", type=float, default=STALL_TIMEOUT_S, metavar="SECONDS", help=wait)

    def handle(self, *args: Any, **options: Any) -> None:
        """Goes back, reports."""
        try:
            space, left = roll_back()
            send_before_leaving()
            self.stdout.write(f"{space.name} serves again, in every process; {left.name} is retired and kept.")
            if options["switch_only"]:
                return
            run, n_failed_before = catch_up(
                space,
                list(Retailer.objects.order_by("pk")),
                stall_timeout_s=options["stall_timeout"],
                shown=options["verbosity"] > 0,
            )
        except (SearchError, VectorIndexError, WorkersError) as error:
            raise CommandError(str(error)) from error
        except KeyboardInterrupt as error:
            told = "Interrupted. index_catalog --space serving describes what came since the promotion."
            raise CommandError(told, returncode=130) from error
        self.stdout.write(f"images that came since: {run.described} described, {len(run.failed)} failed")
        for line in reporting.list_failed_photos(run, n_failed_before):
            self.stderr.write(line)
