"""Products that a retailer no longer sells: a full feed leaves them out. Guarded, because a torn one does so too."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from catalog.feeds.seen import SeenIds
from catalog.models import Product, Retailer
from catalog.upkeep import Changing

PRODUCTS_A_TRANSACTION = 500
GUARDED_SHARE = 0.2
"""A feed that leaves out more of what is on sale is likelier torn than meant."""
GUARDED_COUNT = 10
"""So few may go in any case: small shops change a lot."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why products that a full feed leaves out stay on sale."""

    code: str
    reason: str


def products_left_out(retailer: Retailer, named: SeenIds, before: datetime) -> array[int]:
    """The keys of the products on sale that a feed does not name; 8 bytes each.

    Args:
        retailer: Whose.
        named: What the feed names, rows with errors included.
        before: When the import began; what somebody else wrote since is left alone.
    """
    on_sale = Product.objects.filter(retailer=retailer, withdrawn_at=None, updated_at__lt=before).order_by("pk")
    found = on_sale.values_list("pk", "external_id").iterator(chunk_size=5000)
    return array("Q", (pk for pk, external_id in found if external_id not in named))


def refuse(n_gone: int, n_on_sale: int, *, broken: str, n_unnamed: int, is_allowed: bool) -> Refusal | None:
    """Why these must not be withdrawn; None where they may.

    Args:
        n_gone: How many the feed leaves out.
        n_on_sale: How many were on sale.
        broken: Why the feed ends before its end; empty where it does not. Nothing allows for that.
        n_unnamed: Rows that failed before they told their product, which may be one of these.
        is_allowed: Whoever imports it said that so many may go.
    """
    stay = f"{n_gone} products that the feed leaves out stay on sale"
    if n_gone == 0:
        return None
    if broken:
        return Refusal("feed_truncated", f"The feed is not whole: {broken}. {stay}.")
    if is_allowed:
        return None
    if n_unnamed:
        reason = f"{n_unnamed} rows could not be read so far as to tell their product"
        return Refusal("rows_unreadable", f"{reason}. {stay}; allow withdrawals, or mend the rows.")
    if n_gone > GUARDED_COUNT and n_gone > GUARDED_SHARE * n_on_sale:
        reason = f"{n_gone} of {n_on_sale} products on sale are not in the feed, more than {GUARDED_SHARE:.0%}"
        return Refusal(
            "withdrawals_guarded",
            f"{reason}. They stay on sale; allow withdrawals where they are meant, or import as a delta.",
        )
    return None


def withdraw(product_ids: Sequence[int], *, changing: Changing, should_stop: Callable[[], bool]) -> int:
    """Take products off sale, in portions that are whole each.

    Args:
        product_ids: Their keys.
        changing: Entered around every portion, with its keys.
        should_stop: Asked before each portion.

    Returns:
        How many were withdrawn.
    """
    n_withdrawn = 0
    for portion in _portions(product_ids):
        if should_stop():
            break
        now = timezone.now()
        with transaction.atomic(), changing(portion):
            on_sale = Product.objects.filter(pk__in=portion, withdrawn_at=None)
            n_withdrawn += on_sale.update(withdrawn_at=now, updated_at=now)
    return n_withdrawn


def _portions(product_ids: Sequence[int]) -> Iterator[list[int]]:
    for start in range(0, len(product_ids), PRODUCTS_A_TRANSACTION):
        yield list(product_ids[start : start + PRODUCTS_A_TRANSACTION])
