"""`manage.py remove_space`: a space that is not needed any more gives its disk and rows back."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from search.errors import SearchError
from search.index.base import VectorIndexError
from search.space_upkeep import remove_space
from search.spaces import find_space
from workers.errors import WorkersError


class Command(BaseCommand):
    """Removes descriptions, index and checkpoints of one space."""

    help = (
        "Remove a retired space, or a shadow that is given up: its descriptions, its index and its checkpoints. "
        "Never the serving one. There is no way back to it."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declares the options."""
        parser.add_argument("space", help="name of the space, or the hash at its end")

    def handle(self, *args: Any, **options: Any) -> None:
        """Removes, reports."""
        try:
            space = find_space(options["space"])
            name = space.name
            n_deleted = remove_space(space)
        except (SearchError, VectorIndexError, WorkersError) as error:
            raise CommandError(str(error)) from error
        except KeyboardInterrupt as error:
            raise CommandError("Interrupted. Run it again: what is gone stays gone.", returncode=130) from error
        self.stdout.write(f"{name} is removed: {n_deleted} descriptions, its index and its checkpoints.")
