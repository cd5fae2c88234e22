"""`manage.py tidy`: takes up what dead processes left, does what is due, removes what expired. Safe at any time."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from search.background import wait_for_background
from search.tidying import do_chores


class Command(BaseCommand):
    """Does every chore once."""

    help = "Take up interrupted imports, do what is due, remove what expired. Run it by a timer (cron, celery beat)."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declares the options."""
        wait = "where there is no queue, wait so long for the imports that were taken up (default: to their end)"
        parser.add_argument("--timeout", type=float, metavar="SECONDS", help=wait)

    def handle(self, *args: Any, **options: Any) -> None:
        """Does them and says what was done."""
        done = do_chores()
        for chore in done:
            if options["verbosity"] > 1 or chore.n_done:
                self.stdout.write(f"{chore.name}: {chore.n_done}")
        is_over = wait_for_background(options["timeout"])
        for chore in done:
            if chore.error:
                self.stderr.write(f"{chore.name}: {chore.error}")
        if not is_over:
            self.stderr.write("Some of it is still under way; the next run takes it up.")
        if any(chore.error for chore in done):
            raise CommandError("Not every chore could be done.")
