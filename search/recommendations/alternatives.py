"""What to offer instead of a product, most often one that is sold out: in stock, in its size, near in price."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from catalog.models import Product
from catalog.selectors import products_by_key
from search.filters import Filters
from search.nearest import nearest_products, wanted_products
from search.neighbours import group_of
from search.queries import Lens
from search.ranking import Match, best_of_all
from search.recommendations.fitting import any_fits, made_for_the_same
from search.recommendations.results import Alternative, AlternativeOptions, Alternatives
from search.recommendations.similar import narrow, without
from search.recommendations.sizes import read_sizes
from search.recommendations.subject import open_subject
from search.recommendations.weighing import Candidate, Weighing, best_of_groups
from search.results import ListOptions
from search.selectors import matched_images
from search.space_traits import read_traits
from search.variants import item_group_of, offer_of, same_color, sizes_to_buy, variants_of
from search.vocabulary import folded

POOL_FACTOR = 8
"""Look-alikes weighed for each alternative wanted: the tenth in likeness may be the first in size and price."""

LEAST_POOL = 80


def find_alternatives(product: Product, options: AlternativeOptions) -> Alternatives:
    """Finds what to offer instead of a product, from stored vectors: no photo is looked at.

    Candidates are its own item in other colors, and look-alikes of the same retailer that are made for the same
    people. Of each, the variant that can be bought now and answers best stands for its item group. They are ordered
    by likeness x size x price x brand, as `search.recommendations.scoring` defines and explains them; the same item in
    another color counts as wholly alike. Another size of the same color is no alternative; the reply's offer has it.

    Args:
        product: What a shopper wanted, in stock or not, withdrawn or not.
        options: What the client asked for; of its filters, and of how to compare, nothing is read.

    Raises:
        IndexMissing, IndexDamaged, SpaceMismatch, IndexEmpty, UnsupportedIndexUrl: There is nothing to search.
        ModelMissing: No space serves yet, and the checkpoints that name one are missing.
    """
    subject = open_subject(product)
    size = options.size.strip() or product.size.strip()
    weighing = Weighing(product, read_sizes(size))
    allowed = replace(made_for_the_same(product), in_stock=True)
    asked = ListOptions(
        limit=max(LEAST_POOL, POOL_FACTOR * (options.offset + options.limit)),
        filters=narrow(allowed, product, options.same_brand, options.price_band),
        verdict=options.verdict,
    )
    lens = Lens.of(asked, read_traits(subject.space.name), product.retailer_id)
    # Its own colors are compared too, so that the nearest of them is known; its own color is passed over below.
    wanted = without(wanted_products(lens, asked), product, replace(options, exclude_item_group=False))
    queries = subject.queries(lens)
    found = nearest_products(subject.index, queries, replace(wanted, apart_by_color=True), lens, asked)
    own = item_group_of(product)
    offer = offer_of(product, own)
    matches = best_of_all(found.matches)
    shown = wanted.except_products
    candidates = [
        *_other_colors(weighing, own, matches, lens.filters),
        *_look_alikes(weighing, matches, lens.filters),
    ]
    best = best_of_groups(each for each in candidates if each.product.pk not in shown)
    return Alternatives(
        product=product,
        offer=offer,
        size=size,
        is_size_in_stock=any_fits(weighing.sizes, offer.sizes_in_stock),
        space=subject.space.name,
        index_generation=found.generation,
        is_calibrated=lens.is_calibrated,
        results=_fetch(best[options.offset : options.offset + options.limit], weighing, options.offset),
    )


def _other_colors(
    weighing: Weighing, own: Iterable[Product], matches: Iterable[Match], filters: Filters
) -> Iterator[Candidate]:
    """The same item in other colors; those whose photos were not described or compared, too."""
    by_group = {match.group: match for match in matches}
    for each in own:
        if not same_color(each, weighing.product) and _can_be_bought(each, filters):
            yield weighing.weigh(
                each,
                by_group.get((group_of(each.pk, each.retailer_id, each.item_group_id), folded(each.color))),
                is_same_item=True,
            )


def _look_alikes(weighing: Weighing, matches: Sequence[Match], filters: Filters) -> Iterator[Candidate]:
    """Of each look-alike, in the color that looks alike, every variant that can be bought."""
    products = Product.objects.filter(withdrawn_at=None).defer("description", "extra")
    products_there = products.in_bulk([match.product_id for match in matches])
    sizes = sizes_to_buy(products_there.values())
    own = group_of(weighing.product.pk, weighing.product.retailer_id, weighing.product.item_group_id)
    for match in matches:
        product = products_there.get(match.product_id)
        if product is None or group_of(product.pk, product.retailer_id, product.item_group_id) == own:
            continue
        for each in sizes.get(product.pk, ()):
            if _can_be_bought(each, filters):
                yield weighing.weigh(each, match, is_same_item=False)


def _can_be_bought(product: Product, filters: Filters) -> bool:
    """Whether a variant, too, keeps to the prices asked for."""
    paid = product.effective_price
    if not product.is_in_stock or filters.category_ids == frozenset():
        return False
    if filters.price_min is None or filters.price_max is None:
        return True
    in_currency = product.currency.upper() == filters.currency
    return paid is not None and in_currency and filters.price_min <= paid <= filters.price_max


def _fetch(chosen: Sequence[Candidate], weighing: Weighing, offset: int) -> tuple[Alternative, ...]:
    """The products as they are now; what vanished meanwhile is left out."""
    products = products_by_key(each.product.pk for each in chosen)
    variants = variants_of(products.values())
    images = matched_images(each.garment_id for each in chosen if each.garment_id is not None)
    there = [each for each in chosen if each.product.pk in products]
    return tuple(
        Alternative(
            rank=rank,
            product=products[each.product.pk],
            variants=variants[each.product.pk],
            similarity=each.similarity,
            verdict=each.verdict,
            parts=each.parts,
            reasons=each.reasons(weighing.product),
            matched_image="" if each.garment_id is None else images.get(each.garment_id, ""),
        )
        for rank, each in enumerate(there, start=offset + 1)
    )
