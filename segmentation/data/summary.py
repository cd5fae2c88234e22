"""What a data set holds, in numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from segmentation.data.annotations import Photos
from segmentation.taxonomy import CATEGORIES


@dataclass(frozen=True, slots=True)
class CategorySummary:
    """How often a category occurs, and how large it is."""

    name: str
    n_instances: int
    n_photos: int
    median_area_share: float
    """Of the photo, 0..1; NaN where there is no instance."""


@dataclass(frozen=True, slots=True)
class Summary:
    """A data set at a glance."""

    n_photos: int
    n_photos_with_instances: int
    n_instances: int
    most_instances: int
    """On one photo."""
    megapixels: tuple[float, float, float]
    """Of the smallest, the median and the largest photo."""
    longest_side_px: int
    categories: tuple[CategorySummary, ...]
    """All 46, the most frequent first."""


def summarize(photos: Photos) -> Summary:
    """Count photos, garments, sizes and areas; no mask is decoded."""
    counts, instance_counts = photos.category_counts(), photos.instance_counts()
    category_ids, shares = photos.area_shares()
    categories = [
        CategorySummary(
            category.name,
            int(counts[:, category.id].sum()),
            int((counts[:, category.id] > 0).sum()),
            float(np.median(shares[category_ids == category.id])) if counts[:, category.id].any() else float("nan"),
        )
        for category in CATEGORIES
    ]
    sizes = photos.sizes_hw_px.astype(np.float64)
    megapixels = sizes.prod(axis=1) / 1e6 if len(photos) else np.zeros(1)
    return Summary(
        n_photos=len(photos),
        n_photos_with_instances=int((instance_counts > 0).sum()),
        n_instances=photos.n_instances,
        most_instances=int(instance_counts.max(initial=0)),
        megapixels=(float(megapixels.min()), float(np.median(megapixels)), float(megapixels.max())),
        longest_side_px=int(sizes.max(initial=0)),
        categories=tuple(sorted(categories, key=lambda each: -each.n_instances)),
    )
