"""`manage.py index_status`: what is in the database, what is published, and whether they agree."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from search.errors import SearchError
from search.index.base import UnsupportedIndexUrl
from search.index_report import IndexReport, report_index
from search.spaces import find_space, serving_record
from workers.errors import WorkersError


class Command(BaseCommand):
    """Prints the state of a space and its index."""

    help = "Show a space's photos and garments, its index, and whether database and index agree."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declares the options."""
        parser.add_argument("--space", help="serving (default), new, or a space's name")
        parser.add_argument("--quick", action="store_true", help="do not compare every garment")
        parser.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        """Prints one line a fact."""
        try:
            space = serving_record() if options["space"] is None else find_space(options["space"])
            report = report_index(space, compared=not options["quick"])
        except (SearchError, UnsupportedIndexUrl, WorkersError) as error:
            raise CommandError(str(error)) from error
        if options["json"]:
            self.stdout.write(json.dumps(asdict(report) | {"agrees": report.agrees}, default=str, indent=2))
            return
        for label, value in (*_facts_of_records(report), *_facts_of_index(report), *_facts_of_spaces(report)):
            self.stdout.write(f"{label:<22}{value}")


def _facts_of_records(report: IndexReport) -> list[tuple[str, str]]:
    return [
        ("space", f"{report.space} ({report.state})"),
        ("dimensions", str(report.dim)),
        ("images described", str(report.images_described)),
        ("images failed", str(report.images_failed)),
        ("images due", str(report.images_due)),
        ("newest description", "none" if report.newest_description is None else _age(report.newest_description)),
        ("garments in database", str(report.garments_in_records)),
    ]


def _facts_of_index(report: IndexReport) -> list[tuple[str, str]]:
    facts = [("index", report.index_url)]
    if report.index is None:
        return [*facts, ("garments in index", f"none: {report.problem}"), ("agreement", _tell_agreement(report))]
    index = report.index
    return [
        *facts,
        ("kind", index.kind),
        ("garments in index", str(index.n_vectors)),
        ("in the base", f"{index.n_base}, of which {index.n_removed} removed or replaced since"),
        ("in the delta", f"{index.n_delta}{' (compaction is due)' if report.compaction_due else ''}"),
        ("on disk", f"{index.bytes_on_disk / 1e6:.1f} MB"),
        ("generation", str(index.generation)),
        ("agreement", _tell_agreement(report)),
    ]


def _facts_of_spaces(report: IndexReport) -> list[tuple[str, str]]:
    return [("other space", f"{name} ({state})") for name, state in report.spaces.items() if name != report.space]


def _tell_agreement(report: IndexReport) -> str:
    if report.agrees is None:
        return "not looked at (--quick)"
    if report.agrees:
        return "the index says of every garment what the database says"
    wrong = "there is no index" if report.index is None else f"{report.differing} garments differ"
    return f"{wrong}: run manage.py rebuild_index --if-needed"


def _age(moment: datetime) -> str:
    minutes = int((datetime.now(UTC) - moment).total_seconds() // 60)
    age = f"{minutes} min" if minutes < 120 else f"{minutes // 60} h" if minutes < 48 * 60 else f"{minutes // 1440} d"
    return f"{moment:%Y-%m-%d %H:%M} UTC ({age} ago)"
