"""`manage.py list_spaces`: every space, what it holds, what it costs, which one serves."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from search.models import Space
from search.space_upkeep import SpaceFacts, describe_spaces

MEBIBYTE = 1 << 20


class Command(BaseCommand):
    """Prints a block a space."""

    help = "List the embedding spaces: which one serves, which are being built, what each holds."

    def handle(self, *args: Any, **options: Any) -> None:
        """Prints the serving space first."""
        spaces = describe_spaces()
        for facts in spaces:
            self.stdout.write("\n".join(_lines(facts)))
        if not spaces:
            self.stdout.write("There are no spaces yet: run index_catalog.")


def _lines(facts: SpaceFacts) -> list[str]:
    space = facts.space
    since = "" if space.promoted_at is None else f" since {space.promoted_at:%Y-%m-%d %H:%M} UTC"
    state = f"serves{since}" if space.state == Space.State.SERVING else space.get_state_display()
    lines = [
        f"{space.name}: {state}",
        f"  photos     {facts.n_described} described, {facts.n_failed} failed{_due(facts)}",
        f"  index      {_index(facts)}",
        f"  model      {_model(facts)}",
    ]
    if facts.goes_back_to is not None:
        lines.append(f"  rollback   {facts.goes_back_to}")
    return lines


def _due(facts: SpaceFacts) -> str:
    return "" if facts.n_due is None else f", {facts.n_due} due"


def _index(facts: SpaceFacts) -> str:
    index = facts.index
    if index is None:
        return "none"
    return f"{index.n_vectors} garments, {index.bytes_on_disk / MEBIBYTE:.1f} MiB, {index.kind}"


def _model(facts: SpaceFacts) -> str:
    versions = " + ".join(filter(None, (facts.space.segmenter_version, facts.space.embedder_version)))
    found = "" if facts.has_model else " (checkpoints not found from here: SELVEDGE_MODELS_DIR)"
    return f"{versions or 'unknown'}{found}"
