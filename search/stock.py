"""Availability over sizes: a garment can be bought while any size of its item, in its color, can.

Sizes of one color look the same, so the photo of a sold-out size may answer for one that is in stock; which of them is
shown is decided here, too.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator

from django.db.models import BooleanField, Case, Exists, OuterRef, Q, QuerySet, Value, When

from catalog.models import Availability, Product

_BOUGHT_NOW = Q(product__availability=Availability.IN_STOCK)
_SIZE_IN_STOCK = Q(availability=Availability.IN_STOCK, withdrawn_at=None)

_Item = tuple[int, str, str]
"""Retailer, item group and color."""


def any_size_in_stock(offered: Q | None = None) -> Q:
    """A condition on garments: the product, or another size of the same item and color, can be bought now.

    Args:
        offered: What the other size, a product, must be besides.
    """
    return _BOUGHT_NOW | (~Q(product__item_group_id="") & Q(Exists(_sizes_of_a_garment(offered))))


def _sizes_of_a_garment(offered: Q | None = None) -> QuerySet[Product]:
    sizes = Product.objects.filter(
        _SIZE_IN_STOCK,
        retailer=OuterRef("product__retailer"),
        item_group_id=OuterRef("product__item_group_id"),
        color=OuterRef("product__color"),
    )
    return sizes if offered is None else sizes.filter(offered)


IN_STOCK_TAG = Case(
    # In this order, so that other sizes are looked up for the sold-out ones alone.
    When(_BOUGHT_NOW, then=Value(True)),
    When(product__item_group_id="", then=Value(False)),
    default=Exists(_sizes_of_a_garment()),
    output_field=BooleanField(),
)
"""The same as a value of a garment: what the index is told."""


def sizes_in_stock(product_ids: Collection[int], offered: Q | None = None) -> dict[int, int]:
    """For sold-out products, another size of the same item and color that can be bought now.

    Args:
        product_ids: Some hundred products.
        offered: What the other size must be besides.

    Returns:
        By product, the size with the lowest key; products of which no size is in stock are missing.
    """
    sold_out: defaultdict[_Item, list[int]] = defaultdict(list)
    for pk, item in _items(product_ids):
        sold_out[item].append(pk)
    found: dict[int, int] = {}
    for pk, item in _of_the_same_groups(sold_out, _SIZE_IN_STOCK if offered is None else _SIZE_IN_STOCK & offered):
        for each in sold_out.get(item, ()):
            found[each] = min(pk, found.get(each, pk))
    return found


def sizes_of(product_ids: Collection[int]) -> set[int]:
    """All sizes of the same items in the same colors, which share their availability; the products included.

    Args:
        product_ids: Some hundred products; those deleted meanwhile are kept as they are.
    """
    items = {item for _, item in _items(product_ids)}
    return {pk for pk, item in _of_the_same_groups(items) if item in items}.union(product_ids)


def _items(product_ids: Collection[int]) -> Iterator[tuple[int, _Item]]:
    grouped = Product.objects.filter(pk__in=product_ids).exclude(item_group_id="")
    for pk, retailer_id, item_group_id, color in grouped.values_list("pk", "retailer_id", "item_group_id", "color"):
        yield pk, (retailer_id, item_group_id, color)


def _of_the_same_groups(items: Iterable[_Item], condition: Q | None = None) -> Iterator[tuple[int, _Item]]:
    """Products of the items' groups, in any color: the index of groups finds them."""
    groups: defaultdict[int, set[str]] = defaultdict(set)
    for retailer_id, item_group_id, _ in items:
        groups[retailer_id].add(item_group_id)
    for retailer_id, of_retailer in groups.items():
        products = Product.objects.filter(retailer_id=retailer_id, item_group_id__in=of_retailer)
        if condition is not None:
            products = products.filter(condition)
        for pk, item_group_id, color in products.values_list("pk", "item_group_id", "color"):
            yield pk, (retailer_id, item_group_id, color)
