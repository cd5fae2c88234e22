"""The variants of a garment: the products of one retailer that differ by size and color only."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator

from django.db.models import Q

from catalog.models import Availability, Product
from search.results import Offer, Variants
from search.selectors import chunked
from search.vocabulary import folded

MAX_LISTED = 100
"""Most variants a result lists; it tells how many there are."""

GROUPS_A_QUERY = 400
"""SQLite takes at most 1000 alternatives a statement; a photo of many garments shows more groups."""

_WEIGHED = (
    "retailer_id",
    "item_group_id",
    "availability",
    "withdrawn_at",
    "price",
    "sale_price",
    "currency",
    "brand",
    "color",
    "size",
)
_LETTER_SIZE = re.compile(r"(\d{0,2})(x*)(?:(s)(?:mall)?|(m)(?:edium)?|(l)(?:arge)?)")


def variants_of(products: Iterable[Product]) -> dict[int, Variants]:
    """The whole item group of each product, in a query for hundreds of groups; products without one stay alone.

    All variants on sale are listed whatever a search was restricted to, each with its own price and stock, so that a
    size chooser can be built from them.
    """
    shown = list(products)
    groups = {(each.retailer_id, each.item_group_id) for each in shown if each.item_group_id}
    members: defaultdict[tuple[int, str], list[Product]] = defaultdict(list)
    for product in _on_sale(groups):
        members[(product.retailer_id, product.item_group_id)].append(product)
    found: dict[int, Variants] = {}
    for each in shown:
        of_group = members.get((each.retailer_id, each.item_group_id), [])
        offer = offer_of(each, of_group)
        found[each.pk] = Variants(offer=offer) if len(of_group) < 2 else _listed(of_group, offer)
    return found


def item_group_of(product: Product) -> list[Product]:
    """All variants of a product that are on sale, itself included where it is; none where it stands alone."""
    group = {(product.retailer_id, product.item_group_id)} if product.item_group_id else ()
    return list(_on_sale(group))


def sizes_to_buy(products: Iterable[Product]) -> dict[int, list[Product]]:
    """The sizes, in each product's own color, that can be bought now, itself included; by product.

    All products are one retailer's. Of a size no more is loaded than what weighs it: price, size, brand.
    """
    shown = list(products)
    found: dict[int, list[Product]] = {each.pk: [each] for each in shown if each.is_in_stock and not each.item_group_id}
    grouped = [each for each in shown if each.item_group_id]
    sizes: defaultdict[tuple[str, str], list[Product]] = defaultdict(list)
    for some in chunked(grouped, GROUPS_A_QUERY):
        in_stock = Product.objects.filter(
            retailer_id=some[0].retailer_id,
            item_group_id__in={each.item_group_id for each in some},
            color__in={each.color for each in some},
            availability=Availability.IN_STOCK,
            withdrawn_at=None,
        )
        for size in in_stock.only(*_WEIGHED).order_by("pk"):
            sizes[size.item_group_id, size.color].append(size)
    return found | {each.pk: sizes[each.item_group_id, each.color] for each in grouped}


def offer_of(product: Product, of_group: Iterable[Product]) -> Offer:
    """What can be said of a product and its variants together: sizes and prices of its own color, and all colors.

    Args:
        product: The one that is shown.
        of_group: Its item group, on sale; it may be among them, and where there are none it stands alone.
    """
    group = list(of_group) or [product]
    of_color = [each for each in group if same_color(each, product)] or [product]
    paid = [
        each.effective_price
        for each in of_color
        if each.effective_price is not None and each.currency == product.currency
    ]
    in_stock = [each for each in of_color if each.is_in_stock]
    return Offer(
        is_in_stock=bool(in_stock),
        sizes=_sizes(of_color),
        sizes_in_stock=_sizes(in_stock),
        colors=_colors(group),
        colors_in_stock=_colors(each for each in group if each.is_in_stock),
        price_min=min(paid, default=None),
        price_max=max(paid, default=None),
        currency=product.currency,
    )


def same_color(one: Product, other: Product) -> bool:
    """Whether two variants are of one color, in the retailer's own words."""
    return folded(one.color) == folded(other.color)


def size_order(size: str) -> tuple[int, float, str]:
    """A key that sorts sizes as shops do: letters by size, then numbers by value, then words, none at all last.

    >>> sorted(["10", "X-Large", "9.5", "", "S", "2XL", "XS", "tall", "medium"], key=size_order)
    ['XS', 'S', 'medium', 'X-Large', '2XL', '9.5', '10', 'tall', '']
    """
    text = size.strip().lower()
    if not text:
        return (3, 0.0, "")
    letters = _LETTER_SIZE.fullmatch(re.sub(r"[\s-]", "", text))
    if letters is not None:
        count, crosses, small, _, large = letters.groups()
        n_crosses = len(crosses) if not count else int(count)
        return (0, (1.0 + n_crosses) * (bool(large) - bool(small)), text)
    number = re.match(r"\d+(?:[.,]\d+)?", text)
    if number is not None:
        return (1, float(number.group().replace(",", ".")), text)
    return (2, 0.0, text)


def _on_sale(groups: Iterable[tuple[int, str]]) -> Iterator[Product]:
    for some in chunked(sorted(groups), GROUPS_A_QUERY):
        of_retailer: defaultdict[int, list[str]] = defaultdict(list)
        for retailer_id, item_group_id in some:
            of_retailer[retailer_id].append(item_group_id)
        condition = Q()
        for retailer_id, item_group_ids in of_retailer.items():
            condition |= Q(retailer_id=retailer_id, item_group_id__in=item_group_ids)
        found = Product.objects.filter(condition, withdrawn_at=None).select_related("retailer")
        yield from found.defer("description", "extra").order_by("pk")


def _listed(of_group: list[Product], offer: Offer) -> Variants:
    ordered = sorted(of_group, key=lambda each: (each.color.casefold(), size_order(each.size), each.pk))
    return Variants(tuple(ordered[:MAX_LISTED]), len(ordered), offer)


def _sizes(products: Iterable[Product]) -> tuple[str, ...]:
    return tuple(sorted({each.size.strip() for each in products} - {""}, key=size_order))


def _colors(products: Iterable[Product]) -> tuple[str, ...]:
    """Distinct but for case and spaces, by name."""
    spellings = {folded(each.color): each.color.strip() for each in products if each.color.strip()}
    return tuple(spellings[name] for name in sorted(spellings))
