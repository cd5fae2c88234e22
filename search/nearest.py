"""The nearest products of garments, whatever they are compared by: what every search and recommendation asks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from django.conf import settings

from search.arranging import PATTERN_POOL, pool_size, reorder_by_pattern
from search.errors import IndexEmpty
from search.index.base import VectorIndex
from search.index.registry import open_reader
from search.neighbours import Neighbourhood, Query, Wanted, find_products
from search.queries import Lens, cut_of
from search.results import ListOptions
from segmentation.checkpoint import SpaceInfo


def open_index(space: SpaceInfo) -> VectorIndex:
    """The published index of a space.

    Raises:
        IndexMissing, IndexDamaged, SpaceMismatch, IndexEmpty, UnsupportedIndexUrl: There is nothing to search.
    """
    index = open_reader(settings.VECTOR_INDEX_URL, space.name, space.dim)
    if len(index) == 0:
        raise IndexEmpty("The index holds no garments yet: run `manage.py index_catalog`.")
    return index


def wanted_products(lens: Lens, options: ListOptions) -> Wanted:
    """What every query of a list should bring: enough to arrange it from."""
    return Wanted(pool_size(options), lens.filters, cut_of(options), options.group_variants)


def nearest_products(
    index: VectorIndex, queries: Sequence[Query], wanted: Wanted, lens: Lens, options: ListOptions
) -> Neighbourhood:
    """The nearest products of every query; by pattern, where the lens asks for it."""
    if lens.match != "pattern":
        return find_products(index, queries, wanted)
    # The least score is one of patterns, which are compared afterwards, among more than are shown.
    pool = replace(wanted, limit=max(wanted.limit, PATTERN_POOL), cut=replace(wanted.cut, min_score=0.0))
    found = find_products(index, queries, pool)
    return reorder_by_pattern(found, queries, lens.traits.axes, options)
