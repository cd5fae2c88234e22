"""A product -> what is worn with it: seen beside it, beside what looks like it, and in all photos that were counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from catalog.models import Product
from catalog.selectors import products_by_key
from search.neighbours import Neighbourhood, Wanted, find_products, group_of
from search.offers import fetch_products
from search.product_categories import product_category_ids
from search.queries import Lens
from search.ranking import best_of_all
from search.recommendations.beside import Surroundings, evidence, look_around
from search.recommendations.fitting import made_for_the_same
from search.recommendations.look_results import CompletedLook, LookOptions, Pick, Slot
from search.recommendations.picking import Asked, Found, best_by_kind, pick
from search.recommendations.places import places_of
from search.recommendations.slots import Kind, kinds_beside, slot_colors, wearable
from search.recommendations.subject import MOST_NEIGHBOURS, Subject, find_among, open_subject
from search.recommendations.together import ColorSeen, read_colors, read_seen_with
from search.results import ListOptions
from search.selectors import read_embedding
from search.space_traits import read_traits
from search.vocabulary import COLOR_IDS

N_ALIKE = 30
"""Look-alikes whose photos are looked at."""

SLOT_CANDIDATES = 12
"""Kinds for which products are looked for, at most: some have none in stock, and some are worn in the same place."""

MAX_EVIDENCE = 5

COLORS_TRIED = 3
"""Colors that products may have for a kind of which no photo of a look-alike shows an example."""


def complete_look(product: Product, options: LookOptions) -> CompletedLook:
    """Finds what goes with a product, from stored vectors and counts: no photo is looked at, no catalog is scanned.

    Its own photos show garments that are not for sale there, and so do those of its nearest look-alikes: products of
    the same retailer that look most like these garments, color included, are the picks. Kinds are weighed by
    `search.recommendations.association`. A kind that only counts speak for is looked for in the colors that were seen
    most beside the product's own.

    Args:
        product: What a shopper looks at.
        options: What the client asked for.

    Raises:
        IndexMissing, IndexDamaged, SpaceMismatch, IndexEmpty, UnsupportedIndexUrl: There is nothing to search.
        ModelMissing: No space serves yet, and the checkpoints that name one are missing.
    """
    subject = open_subject(product)
    lens = Lens.of(
        ListOptions(filters=replace(made_for_the_same(product), in_stock=True)),
        read_traits(subject.space.name),
        product.retailer_id,
    )
    category_ids = _categories(subject)
    if not category_ids:
        return CompletedLook(product, None, subject.space.name, subject.index.generation, None, ())
    taken = places_of(category_ids)
    surroundings = look_around(product, _alike(subject, lens), subject.space.name, taken)
    seen_with = read_seen_with(category_ids[0], product.retailer_id)
    kinds = kinds_beside(surroundings, seen_with, taken)[:SLOT_CANDIDATES]
    colors = read_colors(category_ids[0], _color(subject), [kind.category_id for kind in kinds], product.retailer_id)
    asked = [each for kind in kinds for each in _ask(kind, subject, lens, surroundings, colors)]
    found = find_products(subject.index, [each.query for each in asked], _wanted(product, lens, options))
    by_kind = best_by_kind(asked, found)
    chosen = wearable((kind for kind in kinds if by_kind[kind.category_id]), taken)[: options.slots]
    picked = pick([by_kind[kind.category_id] for kind in chosen], options.limit)
    return CompletedLook(
        product=product,
        category_id=category_ids[0],
        space=subject.space.name,
        index_generation=found.generation,
        counted_at=seen_with.counted_at,
        slots=_slots(chosen, picked, found, surroundings, colors),
    )


def _categories(subject: Subject) -> list[int]:
    """What the product is: as its photos show it, the most frequent first; else as its words say."""
    seen = Counter(garment.category_id for garment in subject.garments if garment.category_id is not None)
    if seen:
        return sorted(seen, key=lambda category_id: (-seen[category_id], category_id))
    product = subject.product
    words = product_category_ids(product.product_type, product.google_product_category, product.title)
    return sorted(words) if words else []


def _color(subject: Subject) -> str:
    return next((garment.color_name for garment in subject.garments), "")


def _alike(subject: Subject, lens: Lens) -> dict[int, float]:
    """The nearest look-alikes and how alike they are, in stock or not."""
    anyhow = Lens(replace(lens.filters, in_stock=None), lens.match, lens.traits)
    wanted = Wanted(
        N_ALIKE,
        anyhow.filters,
        except_products=frozenset({subject.product.pk}),
        most_neighbours=MOST_NEIGHBOURS,
    )
    found = find_products(subject.index, subject.queries(anyhow), wanted)
    return {match.product_id: match.similarity for match in best_of_all(found.matches)[:N_ALIKE]}


def _ask(
    kind: Kind,
    subject: Subject,
    lens: Lens,
    surroundings: Surroundings,
    colors: Mapping[int, Sequence[ColorSeen]],
) -> list[Asked]:
    category_id = kind.category_id
    seen = surroundings.queries(category_id)
    if seen:
        return [Asked(category_id, lens.query(each.embedding, category_id, [category_id]), each) for each in seen]
    names = frozenset(each.name for each in colors.get(category_id, ())[:COLORS_TRIED]) & COLOR_IDS.keys()
    filters = replace(lens.filters, colors=names) if names else lens.filters
    in_colors = Lens(filters, lens.match, lens.traits)
    return [
        Asked(category_id, in_colors.query(read_embedding(garment.embedding), category_id, [category_id]), None)
        for garment in subject.garments[:1]
    ]


def _wanted(product: Product, lens: Lens, options: LookOptions) -> Wanted:
    shown = find_among(options.exclude, product, by_own_id=options.by_own_id) if options.exclude else []
    return Wanted(
        # As many more as other kinds may take.
        limit=options.limit + len(shown),
        filters=lens.filters,
        except_groups=frozenset(group_of(each.pk, each.retailer_id, each.item_group_id) for each in (product, *shown)),
        most_neighbours=MOST_NEIGHBOURS,
    )


def _slots(
    kinds: Sequence[Kind],
    picked: Sequence[Sequence[Found]],
    found: Neighbourhood,
    surroundings: Surroundings,
    colors: Mapping[int, Sequence[ColorSeen]],
) -> tuple[Slot, ...]:
    """Joins kinds and picks with the products as they are now."""
    ranked = fetch_products([[each.match for each in of_kind] for of_kind in picked], found.sources)
    proofs = {kind.category_id: evidence(surroundings.of_category(kind.category_id), MAX_EVIDENCE) for kind in kinds}
    seen_on = {each.beside.product_id for of_kind in picked for each in of_kind if each.beside is not None}
    products = products_by_key(seen_on.union(*proofs.values()))
    slots: list[Slot] = []
    for kind, of_kind, results in zip(kinds, picked, ranked, strict=True):
        by_product = {each.match.product_id: each for each in of_kind}
        picks = []
        for result in results:
            origin = by_product[result.product.pk]
            shown = None if origin.beside is None else products.get(origin.beside.product_id)
            picks.append(Pick(result, origin.score, shown))
        if picks:
            slots.append(
                Slot(
                    rank=len(slots) + 1,
                    category_id=kind.category_id,
                    association=kind.association,
                    seen_together=kind.seen_together,
                    evidence=tuple(products[key] for key in proofs[kind.category_id] if key in products),
                    colors=slot_colors(surroundings, kind.category_id, colors.get(kind.category_id, ())),
                    picks=tuple(picks),
                )
            )
    return tuple(slots)
