"""`manage.py evaluate_search`: how good searches are on a benchmark, end to end, in a world of its own."""

from __future__ import annotations

import shlex
import tempfile
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from catalog.errors import CatalogError
from search.errors import SearchError
from search.evaluation.evaluation import Evaluation, evaluate
from search.evaluation.layouts.reading import AUTO
from search.evaluation.reporting.folder import write_report_folder, write_report_json
from search.evaluation.reporting.text import summary_lines
from search.index.base import VectorIndexError
from search.management.evaluating import (
    add_benchmark_options,
    add_checkpoint_options,
    asked_checkpoints,
    evaluation_bars,
    read_asked_benchmark,
)
from workers.errors import WorkersError

_OPTIONS = ("benchmark", "format", "kinds", "limit_queries", "segmenter", "embedder", "cache", "json", "out")


class Command(BaseCommand):
    """Parses, calls `evaluate`, prints a table and writes the report."""

    help = (
        "Measure searches end to end on a benchmark: its catalog is indexed aside, its photos are searched with the "
        "code of /api/search. Records, index and files of this installation are not touched."
    )
    requires_system_checks = ()  # needs neither routes nor this installation's database
    requires_migrations_checks = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declares the options."""
        add_benchmark_options(parser)
        add_checkpoint_options(parser)
        boxes = "also measure with the queries' boxes given: as drawn by a shopper, and the embedder alone"
        parser.add_argument("--given-boxes", action="store_true", help=boxes)
        parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures here")
        parser.add_argument("--out", type=Path, metavar="DIR", help="folder for report.md, charts and pictures")

    def handle(self, *args: Any, **options: Any) -> None:
        """Measures and reports."""
        try:
            for folder in (options["out"], None if options["json"] is None else options["json"].parent):
                if folder is not None:
                    # Before minutes are spent: a wrong path is told at once.
                    folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(prefix="selvedge-pictures-") as pictures:
                self._report(self._evaluate(options, Path(pictures)), options)
        except (SearchError, CatalogError, VectorIndexError, WorkersError, OSError) as error:
            raise CommandError(str(error)) from error
        except KeyboardInterrupt as error:
            raise CommandError("Interrupted. With --cache, a next run goes on from here.", returncode=130) from error

    def _evaluate(self, options: dict[str, Any], pictures: Path) -> Evaluation:
        checkpoints, benchmark = asked_checkpoints(options), read_asked_benchmark(options, pictures)
        with evaluation_bars(shown=options["verbosity"] > 0) as show:
            return evaluate(
                benchmark, checkpoints, with_boxes=options["given_boxes"], cache=options["cache"], on_progress=show
            )

    def _report(self, evaluation: Evaluation, options: dict[str, Any]) -> None:
        self.stdout.write("\n".join(summary_lines(evaluation.report)))
        if options["json"] is not None:
            write_report_json(evaluation.report, options["json"])
        if options["out"] is not None:
            told = write_report_folder(evaluation, options["out"], command=_command(options))
            self.stdout.write(f"report: {told}")


def _command(options: dict[str, Any]) -> str:
    """The command line that makes this report again."""
    given = [(name, options[name]) for name in _OPTIONS if options[name] not in (None, AUTO)]
    words = [word for name, value in given for word in (f"--{name.replace('_', '-')}", str(value))]
    boxes = ["--given-boxes"] if options["given_boxes"] else []
    return shlex.join(["manage.py", "evaluate_search", *words, *boxes])
