"""A product -> products that look like it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal

from catalog.models import Product
from catalog.money import decimals_of
from search.arranging import arrange
from search.filters import Filters
from search.nearest import nearest_products, wanted_products
from search.neighbours import Wanted, group_of
from search.offers import fetch_products
from search.queries import Lens
from search.ranking import best_of_all
from search.recommendations.subject import MOST_NEIGHBOURS, find_among, open_subject
from search.results import ListOptions, SimilarProducts
from search.space_traits import read_traits
from search.vocabulary import MAX_AMOUNT, folded
from segmentation.calibration import VERDICTS, Verdict


@dataclass(frozen=True, slots=True)
class SimilarOptions(ListOptions):
    """What a client may ask of similar products."""

    offset: int = 0
    """Results passed over; with `limit` at most `search.results.MAX_DEPTH`."""
    same_brand: bool | None = None
    """True: of its brand alone; False: of others alone; None: of any."""
    price_band: Decimal | None = None
    """How far a price may lie from the product's, as a share of it: 0.2 allows 20 % less or more."""
    exclude_item_group: bool = True
    """Its own variants are no answer; else they are, the product itself never."""
    exclude: tuple[str, ...] = ()
    """Ids of products already shown. Where variants are grouped, theirs are not shown again either."""
    by_own_id: bool = True
    """Whether these are the retailer's own ids; else they are our keys."""


def similar_products(product: Product, options: SimilarOptions) -> SimilarProducts:
    """Finds products of the same retailer that look like one, from stored vectors: no photo is looked at again.

    Every garment photo of the product is a query; a product's similarity is its best over all of them.

    Args:
        product: The product to compare with.
        options: What the client asked for; categories it names take the place of those that look like the product's.

    Raises:
        IndexMissing, IndexDamaged, SpaceMismatch, IndexEmpty, UnsupportedIndexUrl: There is nothing to search.
        ModelMissing: No space serves yet, and the checkpoints that name one are missing.
    """
    subject = open_subject(product)
    reach = replace(options, limit=options.offset + options.limit)
    narrowed = replace(reach, filters=narrow(options.filters, product, options.same_brand, options.price_band))
    lens = Lens.of(narrowed, read_traits(subject.space.name), product.retailer_id)
    queries = subject.queries(lens, of_any_category=lens.filters.category_ids is not None)
    wanted = without(wanted_products(lens, narrowed), product, options)
    found = nearest_products(subject.index, queries, wanted, lens, narrowed)
    merged = replace(found, matches=(best_of_all(found.matches),))
    (ordered,) = arrange(merged, narrowed)
    shown = ordered[options.offset :]
    (ranked,) = fetch_products([shown], found.sources, with_variants=options.group_variants)
    verdict: Verdict = max(found.nearest, key=VERDICTS.index, default="none")
    return SimilarProducts(
        product=product,
        space=subject.space.name,
        index_generation=found.generation,
        match=lens.match,
        is_calibrated=lens.is_calibrated,
        verdict=verdict,
        results=tuple(replace(each, rank=each.rank + options.offset) for each in ranked),
    )


def narrow(filters: Filters, product: Product, same_brand: bool | None, price_band: Decimal | None) -> Filters:
    """Restricts filters to what is like a product in brand and price.

    What is not known of the product cannot be shared: without a brand nothing is of its brand, and without a price
    nothing is near it.
    """
    if same_brand is not None:
        brand = frozenset({folded(product.brand)}) - {""}
        if same_brand:
            filters = replace(filters, brands=brand if filters.brands is None else filters.brands & brand)
        else:
            filters = replace(filters, except_brands=brand)
    if price_band is not None:
        filters = _near_in_price(filters, product, price_band)
    return filters


def without(wanted: Wanted, product: Product, options: SimilarOptions) -> Wanted:
    """Leaves out the product, what was shown already, and what belongs to them."""
    own = group_of(product.pk, product.retailer_id, product.item_group_id)
    shown = find_among(options.exclude, product, by_own_id=options.by_own_id) if options.exclude else []
    groups = {own} if options.exclude_item_group else set()
    if options.group_variants:
        others = (each for each in shown if each.pk != product.pk)
        groups |= {group_of(each.pk, each.retailer_id, each.item_group_id) for each in others}
    return replace(
        wanted,
        except_products=frozenset({product.pk, *(each.pk for each in shown)}),
        except_groups=frozenset(groups),
        most_neighbours=max(MOST_NEIGHBOURS, 8 * (wanted.limit + len(shown))),
    )


def _near_in_price(filters: Filters, product: Product, band: Decimal) -> Filters:
    paid = product.effective_price
    currency = product.currency.upper()
    if paid is None or decimals_of(currency) is None or filters.currency not in (None, currency):
        # An empty set matches nothing.
        return replace(filters, category_ids=frozenset())
    least, most = paid * (1 - band), min(paid * (1 + band), MAX_AMOUNT)
    return replace(
        filters,
        price_min=least if filters.price_min is None else max(filters.price_min, least),
        price_max=most if filters.price_max is None else min(filters.price_max, most),
        currency=currency,
    )
