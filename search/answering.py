"""From the things of a scene to ranked products: the part that every way of searching shares."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from time import perf_counter

from catalog.models import Product
from search.arranging import arrange, pool_size
from search.facets import FACET_POOL, count_facets
from search.index.base import VectorIndex
from search.look_search import POOL, find_looks
from search.models import Space
from search.nearest import nearest_products, open_index
from search.neighbours import Neighbourhood, Query, Wanted, group_of
from search.offers import fetch_products
from search.queries import Lens, allowed_categories, cut_of
from search.results import Look, LookItem, SearchedObject, SearchOptions, SearchResult, Source
from search.scenes import Scene, Thing, choose_things
from search.space_traits import read_traits
from segmentation.checkpoint import SpaceInfo


@dataclass(frozen=True, slots=True)
class Ground:
    """Where one search looks, and how."""

    space: SpaceInfo
    record_id: int
    """Key of the space's record."""
    index: VectorIndex
    lens: Lens

    @classmethod
    def of(cls, space: SpaceInfo, options: SearchOptions) -> Ground:
        """Opens the index of a space.

        Raises:
            IndexMissing, IndexDamaged, SpaceMismatch, IndexEmpty, UnsupportedIndexUrl: There is nothing to search.
        """
        index = open_index(space)
        traits = read_traits(space.name)
        record_id = traits.record_id
        if record_id is None:
            record_id = Space.objects.get_or_create(name=space.name, defaults={"dim": space.dim})[0].pk
        lens = Lens.of(options, traits, None if options.retailer is None else options.retailer.pk)
        return cls(space, record_id, index, lens)


def answer(
    ground: Ground,
    scene: Scene,
    options: SearchOptions,
    source: Source,
    started: float,
    *,
    own: Product | None = None,
) -> SearchResult:
    """Searches the chosen things of a scene.

    Args:
        ground: Where to look.
        scene: What there is to search for.
        options: What the client asked for.
        source: What the search came with.
        started: When it did, on `perf_counter`.
        own: The product that is asked with; it is no answer, nor are its variants where they are grouped.

    Raises:
        UnknownObject: The scene has no object that is asked for.
    """
    search_started = perf_counter()
    things = choose_things(scene, options)
    queries = [_query(thing, ground.lens) for thing in things]
    wanted = _wanted(ground.lens, options, own)
    found = nearest_products(ground.index, queries, wanted, ground.lens, options)
    rank_started = perf_counter()
    objects = _rank(things, found, wanted, options)
    looks = _looks(ground, objects, queries, wanted, found, options) if options.combine else None
    ended = perf_counter()
    search_ms, rank_ms = (rank_started - search_started) * 1000, (ended - rank_started) * 1000
    seen_ms = {"decode": 0.0, "segment": 0.0, "embed": 0.0} | dict(scene.latency_ms)
    return SearchResult(
        search_id=uuid.uuid4(),
        source=source,
        space=ground.space.name,
        index_generation=found.generation,
        model_version=ground.space.segmenter_version,
        width_px=scene.size_px[0],
        height_px=scene.size_px[1],
        match=ground.lens.match,
        is_calibrated=ground.lens.is_calibrated,
        timings_ms=seen_ms | {"search": search_ms, "rank": rank_ms, "total": (ended - started) * 1000},
        objects=objects,
        looks=looks,
        offset=options.offset,
        limit=options.limit,
    )


def _query(thing: Thing, lens: Lens) -> Query:
    seen = thing.descriptor
    return lens.query(seen.embedding, seen.category_id, allowed_categories(seen.category_id))


def _depth(options: SearchOptions) -> int:
    return options.offset + options.limit


def _wanted(lens: Lens, options: SearchOptions, own: Product | None) -> Wanted:
    limit = max(pool_size(options, _depth(options)), _depth(options) + 1)  # one more says whether there is another page
    if options.combine:
        limit = max(limit, POOL)
    if options.facets:
        limit = max(limit, FACET_POOL)
    wanted = Wanted(limit, lens.filters, cut_of(options), options.group_variants)
    if own is None:
        return wanted
    group = group_of(own.pk, own.retailer_id, own.item_group_id)
    groups = frozenset({group}) if options.group_variants else frozenset()
    return replace(wanted, except_products=frozenset({own.pk}), except_groups=groups)


def _rank(
    things: Sequence[Thing], found: Neighbourhood, wanted: Wanted, options: SearchOptions
) -> tuple[SearchedObject, ...]:
    lists = [each[options.offset :] for each in arrange(found, options, depth=_depth(options))]
    ranked = fetch_products(lists, found.sources, with_variants=options.group_variants, first_rank=options.offset + 1)
    facets = count_facets(found, wanted.limit) if options.facets else [None] * len(things)
    return tuple(
        SearchedObject(
            object_id=thing.object_id,
            kind=thing.kind,
            descriptor=thing.descriptor,
            verdict=verdict,
            results=products,
            size_px=thing.size_px,
            image_file=thing.image_file,
            has_more=len(matches) > _depth(options),
            facets=counted,
        )
        for thing, verdict, products, matches, counted in zip(
            things, found.nearest, ranked, found.matches, facets, strict=True
        )
    )


def _looks(
    ground: Ground,
    objects: Sequence[SearchedObject],
    queries: Sequence[Query],
    wanted: Wanted,
    found: Neighbourhood,
    options: SearchOptions,
) -> tuple[Look, ...]:
    """Looks are found by the objects' positions, and name the objects by their ids."""
    nearest = partial(nearest_products, ground.index, lens=ground.lens, options=options)
    placed = [replace(each, object_id=position) for position, each in enumerate(objects)]
    looks = find_looks(nearest, placed, queries, wanted, found)
    return tuple(replace(look, items=tuple(_named(item, objects) for item in look.items)) for look in looks)


def _named(item: LookItem, objects: Sequence[SearchedObject]) -> LookItem:
    return replace(item, object_ids=tuple(objects[position].object_id for position in item.object_ids))
