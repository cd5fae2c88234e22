"""The last word on a list's order: by pattern, near the asked color, and varied where variety is asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from search.diversity import POOL_FACTOR, diversify
from search.judging import clip_similarity
from search.neighbours import Neighbourhood, Query
from search.queries import cut_of
from search.ranking import Match
from search.results import ListOptions
from search.selectors import color_histograms, stored_embeddings
from segmentation.color_distance import color_match
from segmentation.steering import SteeringAxes, steered_similarities
from segmentation.types import ColorHistogram, Embedding

COLOR_WEIGHT = 0.15
"""What being wholly in the asked color is worth in similarity: it orders garments of about the same shape."""

PATTERN_POOL = 100
"""Candidates that are ordered anew by pattern, at least."""


def pool_size(options: ListOptions, depth: int | None = None) -> int:
    """How many candidates a list is arranged from.

    Args:
        options: What the client asked for.
        depth: Results from the first one on, those of earlier pages included; None is one page.
    """
    asked = options.limit if depth is None else depth
    if not _is_arranged(options):
        return asked
    n_pages = -(-asked // options.limit)
    return n_pages * options.limit * POOL_FACTOR


def reorder_by_pattern(
    found: Neighbourhood, queries: Sequence[Query], axes: SteeringAxes | None, options: ListOptions
) -> Neighbourhood:
    """Compares the patterns of candidates and garments on both sides, where the index could steer the query alone.

    Their similarities and scores are then those of the patterns, and what falls below the least score is left out.
    Every `PATTERN_POOL` candidates are ordered among themselves, so that a deeper search leaves earlier pages as they
    were.
    """
    vectors = stored_embeddings({match.garment_id for matches in found.matches for match in matches})
    cut = cut_of(options)
    lists = []
    for matches, query in zip(found.matches, queries, strict=True):
        there = [match for match in matches if match.garment_id in vectors]
        if there and query.seen is not None:
            stacked = np.array([vectors[match.garment_id] for match in there], dtype=np.float32)
            cosines = map(clip_similarity, steered_similarities(query.seen, stacked, "pattern", axes).tolist())
            there = [replace(match, similarity=s, score=s) for match, s in zip(there, cosines, strict=True)]
        ordered: list[Match] = []
        for first in range(0, len(there), PATTERN_POOL):
            pool = filter(cut.keeps, there[first : first + PATTERN_POOL])
            ordered += sorted(pool, key=lambda match: (-match.similarity, match.product_id))
        lists.append(ordered)
    return replace(found, matches=tuple(lists))


def arrange(found: Neighbourhood, options: ListOptions, *, depth: int | None = None) -> list[list[Match]]:
    """Orders and cuts every query's candidates to the lists that are shown.

    Without colors and diversity they are the nearest as they are. What is looked up, is so once for all lists. Lists
    are arranged page by page, each from the nearest that earlier pages left over: a deeper one begins like a short one.

    Args:
        found: At least `pool_size` candidates, where there are so many.
        options: What the client asked for.
        depth: Results from the first one on, those of earlier pages included; None is one page.
    """
    garment_ids = {match.garment_id for matches in found.matches for match in matches}
    histograms = {} if options.filters.colors is None else color_histograms(garment_ids)
    vectors = stored_embeddings(garment_ids) if options.diversity > 0.0 else {}
    asked = options.limit if depth is None else depth
    if not _is_arranged(options):
        return [matches[:asked] for matches in found.matches]
    return [_arrange(matches, histograms, vectors, options, asked) for matches in found.matches]


def _is_arranged(options: ListOptions) -> bool:
    return options.diversity > 0.0 or options.filters.colors is not None


def _arrange(
    matches: Sequence[Match],
    histograms: Mapping[int, ColorHistogram],
    vectors: Mapping[int, Embedding],
    options: ListOptions,
    depth: int,
) -> list[Match]:
    relevance = {match: match.similarity for match in matches}
    for match in matches:
        in_color = [color_match(histograms.get(match.garment_id, {}), each) for each in options.filters.colors or ()]
        relevance[match] += COLOR_WEIGHT * max(in_color, default=0.0)
    shown: dict[Match, None] = {}
    while len(shown) < depth:
        nearest = matches[: (len(shown) + options.limit) * POOL_FACTOR]
        left = sorted((match for match in nearest if match not in shown), key=lambda match: -relevance[match])
        page = _page(left, relevance, vectors, options)
        if not page:
            break
        shown |= dict.fromkeys(page)
    return list(shown)[:depth]


def _page(
    ordered: list[Match], relevance: Mapping[Match, float], vectors: Mapping[int, Embedding], options: ListOptions
) -> list[Match]:
    if options.diversity > 0.0:
        ordered = [match for match in ordered if match.garment_id in vectors]
        stacked = np.array([vectors[match.garment_id] for match in ordered], dtype=np.float32)
        scores = [relevance[match] for match in ordered]
        chosen = diversify(scores, stacked, limit=options.limit, diversity=options.diversity)
        ordered = [ordered[position] for position in chosen]
    return ordered[: options.limit]
