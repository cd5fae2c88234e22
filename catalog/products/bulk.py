"""Many products at once: each item succeeds or fails by itself, and says so."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from django.db import DatabaseError, transaction

from catalog.access.audit import storable
from catalog.errors import InvalidProduct
from catalog.feeds.rows import FeedRow
from catalog.merging import Merge, write_merges
from catalog.models import Product, Retailer
from catalog.products.rows import changed_row, whole_row
from catalog.products.writing import announced, finish, plan
from catalog.retailers import delete_products
from catalog.upkeep import Upkeep

Action = Literal["upsert", "update", "delete"]
ITEMS_A_TRANSACTION = 100

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class BulkItem:
    """One item, and what becomes of it."""

    product_id: str
    action: Action = "upsert"
    values: Mapping[str, Any] = field(default_factory=dict)
    status: int = 0
    """As HTTP has it: 200 changed or as it was, 201 made, 204 deleted, 400 wrong, 404 not there, 500 our fault."""
    errors: list[dict[str, str]] = field(default_factory=list)

    def refuse(self, status: int, name: str, message: str) -> None:
        """Say that it failed, and why."""
        self.status = status
        self.errors = [{"field": name, "message": message}]


def write_products(retailer: Retailer, items: Sequence[BulkItem], *, upkeep: Upkeep) -> None:
    """Does every item that has no status yet, and gives it one. Of an id that comes twice, the first counts.

    Args:
        retailer: Whose products they are.
        items: In their order.
        upkeep: Who follows.
    """
    first: dict[str, BulkItem] = {}
    for item in items:
        if item.status == 0 and first.setdefault(item.product_id, item) is not item:
            item.refuse(400, "product_id", "This id was given by an earlier item; that one counts.")
    todo = [item for item in items if item.status == 0]
    for start in range(0, len(todo), ITEMS_A_TRANSACTION):
        some = todo[start : start + ITEMS_A_TRANSACTION]
        if not _try(retailer, some, upkeep):
            # Whichever it was, the others shall not fail with it.
            for item in some:
                if not _try(retailer, [item], upkeep):
                    item.refuse(500, "", "The server failed; the log has the reason.")


def _try(retailer: Retailer, items: Sequence[BulkItem], upkeep: Upkeep) -> bool:
    try:
        with transaction.atomic():
            _write(retailer, items, upkeep)
    except DatabaseError:
        logger.exception("%d items cannot be written together.", len(items))
        for item in items:
            item.status, item.errors = 0, []
        return False
    return True


def _write(retailer: Retailer, items: Sequence[BulkItem], upkeep: Upkeep) -> None:
    ids = [item.product_id for item in items if storable(item.product_id) == item.product_id]
    locked = Product.objects.select_for_update().filter(retailer=retailer, external_id__in=ids)
    known = {product.external_id: product for product in locked.order_by("pk").prefetch_related("images")}
    merges: list[tuple[BulkItem, Merge]] = []
    gone: list[int] = []
    for item in items:
        product = known.get(item.product_id)
        if item.action == "delete":
            _delete(item, product, gone)
        else:
            row = _row_of(item, product)
            if row is not None:
                merges.append((item, plan(row, product, keeps_images=item.values.get("image_links") is None)))
    planned = [merge for _, merge in merges]
    with announced(planned, upkeep):
        write_merges(planned, retailer)
    for (item, _), written in zip(merges, finish(planned, retailer, upkeep), strict=True):
        item.status = 201 if written.is_new else 200
    if gone:
        delete_products(gone, changing=upkeep.changing)


def _delete(item: BulkItem, product: Product | None, gone: list[int]) -> None:
    if product is None:
        item.refuse(404, "product_id", "There is no such product.")
        return
    gone.append(product.pk)
    item.status = 204


def _row_of(item: BulkItem, product: Product | None) -> FeedRow | None:
    try:
        if item.action == "upsert":
            return whole_row(item.product_id, item.values)
        if product is None or product.withdrawn_at is not None:
            item.refuse(404, "product_id", "There is no such product.")
            return None
        return changed_row(product, item.values)
    except InvalidProduct as error:
        item.refuse(400, error.field, str(error))
        return None
