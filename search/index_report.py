"""How the index of a space stands: what is published, how it is searched, and whether it says what the records say."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings

from search.compaction import is_due
from search.comparing import compare
from search.index.base import IndexFacts, VectorIndexError
from search.index.registry import index_facts, published_spaces
from search.models import ImageDescription, Space
from search.selectors import due_images, indexable_garments


@dataclass(frozen=True, slots=True)
class IndexReport:
    """One space, its records and its index.

    Attributes:
        space: Its name.
        dim: Length of its vectors.
        state: new, serving or retired.
        images_described: Images with a description, of whatever file.
        images_failed: Images that could not be described.
        images_due: Images for sale that wait for a description.
        newest_description: When an image was last described; None where none was.
        garments_in_records: Garments that belong into the index.
        index_url: Where the index is kept.
        index: What is published; None where nothing is, or it cannot be read.
        problem: Why it cannot be read.
        compaction_due: Whether a background job will soon fold the changes into the base.
        differing: Garments that are missing in the index, have other tags there, or are gone from the records; None
            where that was not looked at. At least so many, where most differ.
        spaces: Every space by name, with its state, or "not in the records" where only an index is left.
    """

    space: str
    dim: int
    state: str
    images_described: int
    images_failed: int
    images_due: int
    newest_description: datetime | None
    garments_in_records: int
    index_url: str
    index: IndexFacts | None
    problem: str
    compaction_due: bool
    differing: int | None
    spaces: dict[str, str]

    @property
    def agrees(self) -> bool | None:
        """Whether index and records agree; None where that was not looked at."""
        return self.differing == 0 if self.index is None or self.differing is not None else None


def report_index(space: Space, *, compared: bool = True) -> IndexReport:
    """Looks at a space's records and index.

    Args:
        space: The space.
        compared: Compare every garment; takes some ten seconds at a million.
    """
    descriptions = ImageDescription.objects.filter(space=space)
    newest = descriptions.order_by("-described_at").values_list("described_at", flat=True).first()
    facts, problem, due, differing = None, "", False, None
    try:
        facts = index_facts(settings.VECTOR_INDEX_URL, space.name, space.dim)
        due = is_due(space)
        differing = int(compare(space).differing.size) if compared else None
    except VectorIndexError as error:
        problem = str(error)
    return IndexReport(
        space=space.name,
        dim=space.dim,
        state=space.state,
        images_described=descriptions.filter(state=ImageDescription.State.OK).count(),
        images_failed=descriptions.filter(state=ImageDescription.State.FAILED).count(),
        images_due=due_images(space).count(),
        newest_description=newest,
        garments_in_records=indexable_garments(space).count(),
        index_url=settings.VECTOR_INDEX_URL,
        index=facts,
        problem=problem,
        compaction_due=due,
        differing=differing,
        spaces=_spaces(),
    )


def _spaces() -> dict[str, str]:
    published = dict.fromkeys(published_spaces(settings.VECTOR_INDEX_URL), "not in the records")
    return published | dict(Space.objects.order_by("pk").values_list("name", "state"))
