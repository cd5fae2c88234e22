"""`manage.py rebuild_index`: the index anew from the vectors in the database; no photo is described."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from search.compaction import compact_in_background, finish_compaction, is_due
from search.errors import SearchError
from search.index.base import IndexBusy, VectorIndexError
from search.indexing import IndexChange, sync_index
from search.management.bars import garments_bar
from search.models import Space
from search.selectors import indexable_garments
from search.spaces import find_space, fresh_spaces
from workers.errors import WorkersError


class Command(BaseCommand):
    """Builds, or repairs, the index from the database."""

    help = (
        "Build the vector index anew from the database; no photo is described again. With --if-needed, compare and "
        "repair: fit for every start of a server, of several at once too."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declares the options."""
        parser.add_argument(
            "--if-needed", action="store_true", help="only what the database says otherwise, or all where much is wrong"
        )
        parser.add_argument("--space", help="serving, new, or a name (default: every space that is kept up)")

    def handle(self, *args: Any, **options: Any) -> None:
        """Rebuilds and reports."""
        try:
            spaces = fresh_spaces() if options["space"] is None else [find_space(options["space"])]
            for space in spaces:
                self._rebuild(space, options)
        except (SearchError, VectorIndexError, WorkersError) as error:
            raise CommandError(str(error)) from error

    def _rebuild(self, space: Space, options: dict[str, Any]) -> None:
        try:
            with garments_bar(indexable_garments(space).count, shown=options["verbosity"] > 0) as show:
                change = sync_index(space, fresh=not options["if_needed"], on_progress=show)
        except IndexBusy:
            if not options["if_needed"]:
                raise
            self.stdout.write(f"Another process is writing the index of {space.name}; it is left to that one.")
            return
        if is_due(space):
            compact_in_background(space)
            finish_compaction(space)
        self.stdout.write(_tell(space, change, if_needed=options["if_needed"]))


def _tell(space: Space, change: IndexChange, *, if_needed: bool) -> str:
    published = f"{change.n_vectors} garments published as {space.name}#{change.generation}."
    if not if_needed:
        return published
    if change.added == change.removed == 0:
        return f"The index of {space.name} is whole; nothing to do."
    return f"{change.added} garments added or changed, {change.removed} removed; {published}"
