"""Records of what was seen in catalog photos, what shoppers searched for, and what they did with the answers."""

from __future__ import annotations

from search.models.searches import Event, QueryImage, SearchedGarment, SearchLog
from search.models.seen import Garment, ImageDescription, Space
from search.models.together import SeenTogether

__all__ = [
    "Event",
    "Garment",
    "ImageDescription",
    "QueryImage",
    "SearchLog",
    "SearchedGarment",
    "SeenTogether",
    "Space",
]
