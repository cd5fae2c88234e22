"""`manage.py rebuild_index`: the index anew from the vectors in the database; no photo is described."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from search.index.base import VectorIndexError
from search.indexing import index_is_whole, register_space, sync_index
from workers.errors import WorkersError


class Command(BaseCommand):
    """Builds the index of the current space from the database."""

    help = "Build the vector index anew from the database (no photo is described again)."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declares the options."""
        parser.add_argument(
            "--if-needed", action="store_true", help="do nothing where the index holds what the database does"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Rebuilds and reports."""
        try:
            space = register_space()
            if options["if_needed"] and index_is_whole(space):
                self.stdout.write(f"The index of {space.name} is whole; nothing to do.")
                return
            change = sync_index(space, fresh=True)
        except (VectorIndexError, WorkersError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{change.n_vectors} garments published as {space.name}#{change.generation}.")
