"""`manage.py index_catalog`: a feed in, searchable garments out. Idempotent, and resumable after any kill.

With `--space new` the same photos are described by new checkpoints, in the shadow of the space that serves.
"""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from catalog.errors import CatalogError
from catalog.models import Retailer
from catalog.selectors import get_retailer
from search.errors import SearchError
from search.index.base import VectorIndexError
from search.management import reporting
from search.management.catching_up import catch_up
from search.management.describing import STALL_TIMEOUT_S
from search.management.fetching import fetch_due
from search.management.importing import add_feed_options, check_outcome, take_feed
from search.spaces import serving_record, spaces_to_describe, tell_waiting_checkpoints
from workers.errors import WorkersError


class Command(BaseCommand):
    """Imports a feed, describes its photos and publishes the index."""

    help = "Import a product feed, describe its photos and publish the index. Safe to repeat and to interrupt."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declares the options."""
        add = parser.add_argument
        add("--retailer", help="slug of the retailer; made when new. Without --feed: only this one's photos")
        add_feed_options(add, is_required=False)
        shadow = "build this space beside the serving one: new (of other checkpoints), configured, or a space's name"
        add("--space", metavar="SPACE", help=shadow)
        add("--segmenter", type=Path, help="with --space new: its segmenter (default: the configured one)")
        add("--embedder", type=Path, help="with --space new: its embedder (default: the configured one)")
        add("--retry-failed", action="store_true", help="fetch and describe photos again that failed before")
        wait = "give up when nothing moves for so long (default %(default)g)"
        add("--stall-timeout", type=float, default=STALL_TIMEOUT_S, metavar="SECONDS", help=wait)

    def handle(self, *args: Any, **options: Any) -> None:
        """Imports, describes, publishes, reports."""
        _check(options)
        try:
            summary = None
            if options["feed"] is not None:
                summary = take_feed(options, self.stdout.write, self.stderr.write)
            if not options["dry_run"]:
                self._describe(options)
        except (CatalogError, SearchError, VectorIndexError, WorkersError) as error:
            raise CommandError(str(error)) from error
        except KeyboardInterrupt as error:
            raise CommandError("Interrupted. Run it again: what is done stays done.", returncode=130) from error
        if summary is not None:
            check_outcome(summary)

    def _describe(self, options: dict[str, Any]) -> None:
        slug = options["retailer"]
        retailers = list(Retailer.objects.order_by("pk")) if slug is None else [get_retailer(slug)]
        shown, retry = options["verbosity"] > 0, options["retry_failed"]
        for line in fetch_due([retailer.pk for retailer in retailers], failed_too=retry, shown=shown):
            self.stdout.write(line)
        serving = serving_record()
        pair = (options["segmenter"], options["embedder"])
        for space in spaces_to_describe(options["space"], *pair, after_feed=options["feed"] is not None):
            run, n_failed_before = catch_up(
                space,
                retailers,
                stall_timeout_s=options["stall_timeout"],
                retry_failed=retry,
                shown=shown,
            )
            reused = f" ({run.n_reused} as the same file was before)" if run.n_reused else ""
            self.stdout.write(f"images: {run.described} described{reused}, {len(run.failed)} failed")
            for line in reporting.list_failed_photos(run, n_failed_before):
                self.stderr.write(line)
            if space.pk == serving.pk:
                for line in reporting.list_duplicates(run, retailers):
                    self.stderr.write(line)
                self.stdout.write(f"searchable in space {space.name}")
            else:
                self.stdout.write(f"built beside it: {space.name} (compare and switch: promote_space {space.name})")
        waiting = None if options["space"] else tell_waiting_checkpoints(serving)
        if waiting is not None:
            self.stderr.write(waiting)


def _check(options: dict[str, Any]) -> None:
    """Refuses options that do not belong together."""
    if options["feed"] is None and options["space"] is None:
        raise CommandError("Give --feed (and --retailer), or --space.")
    if options["feed"] is not None and options["retailer"] is None:
        raise CommandError("--feed needs --retailer.")
    if options["dry_run"] and options["feed"] is None:
        raise CommandError("--dry-run is about a feed: give --feed.")
    if options["space"] != "new" and (options["segmenter"] or options["embedder"]):
        raise CommandError("--segmenter and --embedder belong to --space new.")
