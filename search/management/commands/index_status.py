"""`manage.py index_status`: what is in the database, what is published, and whether they agree."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from search.index.base import VectorIndexError
from search.index.registry import open_reader
from search.indexing import register_space
from search.models import ImageDescription, Space
from search.selectors import due_images, indexable_garments
from workers.errors import WorkersError


class Command(BaseCommand):
    """Prints the state of the current space."""

    help = "Show the current space, the counts in database and index, and the index's generation."

    def handle(self, *args: Any, **options: Any) -> None:
        """Prints one line a fact."""
        try:
            space = register_space()
        except WorkersError as error:
            raise CommandError(str(error)) from error
        descriptions = ImageDescription.objects.filter(space=space)
        newest = descriptions.order_by("-described_at").first()
        for label, value in (
            ("space", space.name),
            ("dimensions", str(space.dim)),
            ("images described", str(descriptions.filter(state=ImageDescription.State.OK).count())),
            ("images failed", str(descriptions.filter(state=ImageDescription.State.FAILED).count())),
            ("images due", str(due_images(space).count())),
            ("newest description", "none" if newest is None else _age(newest.described_at)),
            ("garments in database", str(indexable_garments(space).count())),
            *_index_facts(space),
        ):
            self.stdout.write(f"{label:<22}{value}")


def _index_facts(space: Space) -> list[tuple[str, str]]:
    facts = [("index", settings.VECTOR_INDEX_URL)]
    try:
        index = open_reader(settings.VECTOR_INDEX_URL, space.name, space.dim)
        return [*facts, ("garments in index", str(len(index))), ("generation", str(index.generation))]
    except VectorIndexError as error:
        return [*facts, ("garments in index", f"none: {error}")]


def _age(moment: datetime) -> str:
    minutes = int((datetime.now(UTC) - moment).total_seconds() // 60)
    age = f"{minutes} min" if minutes < 120 else f"{minutes // 60} h" if minutes < 48 * 60 else f"{minutes // 1440} d"
    return f"{moment:%Y-%m-%d %H:%M} UTC ({age} ago)"
