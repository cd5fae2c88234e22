"""From the garments of a photo to queries of the index: what may answer each, and what its similarity is worth."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from search.filters import Filters
from search.index.base import NO_CATEGORY
from search.judging import Cut, Judge
from search.neighbours import Query
from search.results import ListOptions
from search.space_traits import SpaceTraits
from segmentation.color_distance import names_meant
from segmentation.steering import Match as MatchedPart
from segmentation.steering import steer
from segmentation.taxonomy import compatible_category_ids
from segmentation.types import Embedding


@dataclass(frozen=True, slots=True, eq=False)
class Lens:
    """How one search looks at garments, the same for all of them."""

    filters: Filters
    match: MatchedPart
    traits: SpaceTraits

    @property
    def is_calibrated(self) -> bool:
        """Whether scores are chances. A steered similarity is another measure than the one that was calibrated."""
        return self.match == "garment" and self.traits.calibration is not None

    @classmethod
    def of(cls, options: ListOptions, traits: SpaceTraits, retailer_id: int | None = None) -> Lens:
        """Reads a client's options.

        Args:
            options: What was asked for.
            traits: Of the space that is searched; one without axes cannot be steered.
            retailer_id: Only this retailer's products; None leaves it to the options' filters.
        """
        filters = options.filters
        if retailer_id is not None:
            filters = replace(filters, retailer_ids=frozenset({retailer_id}))
        wanted: MatchedPart = "garment" if filters.colors is None else "shape"
        if filters.colors is not None:
            shades = frozenset().union(*(names_meant(color) for color in filters.colors))
            filters = replace(filters, colors=shades)
        wanted = wanted if options.match is None else options.match
        return cls(filters, "garment" if traits.axes is None else wanted, traits)

    def query(self, vector: Embedding, category_id: int | None, allowed: Iterable[int] | None) -> Query:
        """The query for one garment.

        Args:
            vector: The garment's embedding.
            category_id: Of the garment; None for a whole photo or a region.
            allowed: Categories that may answer; None is all.
        """
        where = self.filters.where(allowed)
        if self.match == "garment":
            return Query(vector, where, Judge(self.traits.calibration, category_id))
        return Query(steer(vector, self.match, self.traits.axes), where, seen=vector)


def cut_of(options: ListOptions) -> Cut:
    """What a product must reach to be returned."""
    return Cut(options.min_score, options.verdict)


def allowed_categories(category_id: int | None) -> frozenset[int] | None:
    """Categories that may answer: those that look like the garment's, and catalog photos described as a whole.

    Args:
        category_id: Of the garment; None for a whole photo or a region, which all categories may answer.

    Returns:
        Taxonomy ids and `NO_CATEGORY`; None for all.

    >>> sorted(allowed_categories(8)), allowed_categories(None)
    ([-1, 7, 8, 10], None)
    """
    return None if category_id is None else compatible_category_ids(category_id) | {NO_CATEGORY}
