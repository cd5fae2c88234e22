"""A few products of each kind, so that people see what an import does before they let it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

from catalog.merging import ROW_FIELDS, Merge
from catalog.models import Product
from catalog.money import in_decimals_of

EXAMPLES_KEPT = 5
SHOWN_CHARS = 200
KINDS_OF_ROWS = ("new", "changed", "unchanged")


class Examples:
    """The first products of each kind."""

    def __init__(self) -> None:
        self.by_kind: dict[str, list[dict[str, Any]]] = {kind: [] for kind in (*KINDS_OF_ROWS, "gone")}

    def look_at(self, merges: Iterable[Merge]) -> None:
        """Keep some of these rows while there are few, before they are written; one seen before is not kept again."""
        if all(len(self.by_kind[kind]) >= EXAMPLES_KEPT for kind in KINDS_OF_ROWS):
            return
        for merge in merges:
            kept = self.by_kind.get(merge.kind)
            if kept is None or len(kept) >= EXAMPLES_KEPT:
                continue
            example: dict[str, Any] = {"product_id": merge.row.external_id, "title": merge.row.title}
            if merge.kind == "changed":
                example["changes"] = _changes(merge)
            if all(example["product_id"] != other["product_id"] for other in kept):
                kept.append(example)

    def add_gone(self, product_ids: Sequence[int]) -> None:
        """Keep some of these products while there are few."""
        kept = self.by_kind["gone"]
        some = list(product_ids[: EXAMPLES_KEPT - len(kept)])
        if some:
            found = Product.objects.filter(pk__in=some).order_by("pk").values_list("external_id", "title")
            kept.extend({"product_id": external_id, "title": title} for external_id, title in found)


def _changes(merge: Merge) -> list[dict[str, str | None]]:
    """Column by column what was and what will be."""
    if merge.known is None:
        return []
    before = Product.objects.get(pk=merge.known.pk)
    row = merge.row
    pairs: list[tuple[str, str | None, str | None]] = [
        (name, _text(getattr(before, name), before.currency), _text(getattr(row, name), row.currency))
        for name in ROW_FIELDS
    ]
    extra = dict(row.extra or {})
    pairs += [(key, _text(before.extra.get(key)), _text(extra.get(key))) for key in sorted({*before.extra, *extra})]
    known_links = [image.source for image in sorted(merge.known.images, key=lambda image: image.position)]
    pairs.append(("images", _listed(known_links), _listed(row.image_links)))
    if before.withdrawn_at is not None:
        pairs.append(("on_sale", "no", "yes"))
    changed = [{"column": name, "before": was, "after": will_be} for name, was, will_be in pairs if was != will_be]
    return changed if changed else [{"column": "images", "before": "another picture", "after": "under the same name"}]


def _listed(links: Iterable[str]) -> str:
    return _shortened(", ".join(links))


def _text(value: Any, currency: str = "") -> str | None:
    if value is None:
        return None
    if isinstance(value, Decimal):
        return f"{in_decimals_of(value, currency):f}"
    return _shortened(str(value))


def _shortened(text: str) -> str:
    return text if len(text) <= SHOWN_CHARS else f"{text[: SHOWN_CHARS - 1]}…"
