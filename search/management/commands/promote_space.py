"""`manage.py promote_space`: compare a space with the one that serves, and put it in its place where it is no worse."""

from __future__ import annotations

import tempfile
from argparse import ArgumentParser
from dataclasses import replace
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from catalog.errors import CatalogError
from search.errors import SearchError
from search.index.base import VectorIndexError
from search.management.comparing import comparison_lines
from search.management.evaluating import add_benchmark_options, evaluation_bars, read_asked_benchmark
from search.models import Space
from search.promotion.comparison import Comparison, compare_coverage
from search.promotion.live import LiveComparison, catalog_photos, compare_live, folder_photos
from search.promotion.recall import RecallComparison, compare_recalls
from search.promotion.switching import check_model, loaded_ahead, promote
from search.spaces import find_space
from search.webhook_tasks import send_before_leaving
from workers.errors import WorkersError

LIVE_PHOTOS = 20


class Command(BaseCommand):
    """Compares, and switches unless something speaks against it."""

    help = (
        "Compare a space with the serving one and let it serve instead: refused where photos are missing in it, or it "
        "finds less of the benchmark, or photos of the catalog find their own product less often. rollback_space goes "
        "back."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declares the options."""
        add = parser.add_argument
        add("space", help="name of the space, the hash at its end, `new` (the only shadow) or `configured`")
        add_benchmark_options(parser, required=False)
        live = "ask both spaces with so many photos of the catalog (default %(default)s; 0: none)"
        add("--live", type=int, default=LIVE_PHOTOS, metavar="N", help=live)
        add("--queries", type=Path, metavar="DIR", help="ask both spaces with the photos of this folder too")
        add("--dry-run", action="store_true", help="compare and tell; change nothing that searches see")
        add("--force", action="store_true", help="promote whatever speaks against it")

    def handle(self, *args: Any, **options: Any) -> None:
        """Compares, prints, promotes."""
        try:
            candidate = find_space(options["space"])
            if candidate.state == Space.State.SERVING:
                self.stdout.write(f"{candidate.name} serves already.")
                return
            self._promote(candidate, options)
        except (CatalogError, SearchError, VectorIndexError, WorkersError, OSError) as error:
            raise CommandError(str(error)) from error
        except KeyboardInterrupt as error:
            raise CommandError("Interrupted. Nothing was promoted.", returncode=130) from error

    def _promote(self, candidate: Space, options: dict[str, Any]) -> None:
        comparison = compare_coverage(candidate)
        with loaded_ahead(candidate):
            if not comparison.objections() or options["dry_run"] or options["force"]:
                comparison = _compare(comparison, options)
            self.stdout.write("\n".join(comparison_lines(comparison)))
            if not comparison.recalls:
                self.stderr.write("What both find was not measured: give --benchmark.")
            if not options["dry_run"]:
                promote(candidate, comparison, forced=options["force"])
        if not options["dry_run"]:
            send_before_leaving()
            self.stdout.write(f"{candidate.name} serves now, in every process.")
            self.stdout.write(f"rollback_space goes back to {comparison.serving.name}.")
        elif objections := comparison.objections():
            raise CommandError("It would be refused:\n" + "\n".join(f"  {each}" for each in objections))
        else:
            self.stdout.write("Nothing speaks against promoting it.")


def _compare(comparison: Comparison, options: dict[str, Any]) -> Comparison:
    check_model(comparison.candidate)
    return replace(comparison, recalls=_recalls(comparison, options), live=_live(comparison, options))


def _recalls(comparison: Comparison, options: dict[str, Any]) -> list[RecallComparison]:
    if options["benchmark"] is None:
        return []
    shown = options["verbosity"] > 0
    with tempfile.TemporaryDirectory(prefix="selvedge-pictures-") as pictures, evaluation_bars(shown=shown) as show:
        return compare_recalls(
            read_asked_benchmark(options, Path(pictures)),
            comparison.serving,
            comparison.candidate,
            cache=options["cache"],
            on_progress=lambda space, stage, done, total: show(f"{space.name} {stage}", done, total),
        )


def _live(comparison: Comparison, options: dict[str, Any]) -> LiveComparison | None:
    if not all(coverage.n_garments for coverage in comparison.coverage):
        return None
    photos = [] if options["queries"] is None else folder_photos(options["queries"])
    photos += catalog_photos(comparison.serving, max(0, options["live"]))
    with tqdm(total=len(photos), desc="live", unit="photo", disable=options["verbosity"] == 0 or not photos) as bar:
        return compare_live(photos, comparison.serving, comparison.candidate, on_progress=bar.update)
