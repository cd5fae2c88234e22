"""What a search found, as text for a terminal."""

from __future__ import annotations

from catalog.models import Product
from catalog.money import in_decimals_of
from search.results import Look, RankedProduct, SearchedObject, SearchResult
from segmentation.calibration import Verdict
from segmentation.taxonomy import category_by_id

TITLE_CHARS = 40
VERDICT_WORDS: dict[Verdict, str] = {"exact": "exact match", "similar": "similar", "none": "no good match"}


def format_result(result: SearchResult) -> list[str]:
    """The garments, each with a table of its products; then the looks, where they were asked for."""
    total_ms = result.timings_ms["total"]
    lines = [f"{result.width_px}x{result.height_px}, {len(result.objects)} found in {total_ms:.0f} ms", result.space]
    if result.match != "garment":
        lines.append(f"matched by {result.match}")
    for found in result.objects:
        lines += ["", _heading(found), *(_row(ranked) for ranked in found.results)]
    for look in result.looks or ():
        lines += ["", _look_heading(look)]
        lines += [f"  {','.join(map(str, item.object_ids)):>3}{_columns(item.result)}" for item in look.items]
    return lines


def _heading(found: SearchedObject) -> str:
    seen = found.descriptor
    name = found.kind.replace("_", " ") if seen.category_id is None else category_by_id(seen.category_id).name
    edges = ", ".join(f"{edge:.0f}" for edge in seen.box_xyxy_px)
    words = VERDICT_WORDS[found.verdict]
    if not found.results:
        words += ", nothing to show" if found.verdict != "none" else " (--verdict none shows the nearest)"
    return f"{found.object_id}  {name}, {seen.color.name}  score {seen.score:.2f}  box ({edges})  {words}"


def _look_heading(look: Look) -> str:
    totals = " + ".join(f"{in_decimals_of(total.amount, total.currency)} {total.currency}" for total in look.totals)
    return (
        f"look {look.rank}  {look.retailer.slug}  score {look.score:.3f}  {look.coverage:.0%} of the garments  {totals}"
    ).rstrip()


def _row(ranked: RankedProduct) -> str:
    return f"  {ranked.rank:>3}{_columns(ranked)}"


def _columns(ranked: RankedProduct) -> str:
    product = ranked.product
    title = product.title if len(product.title) <= TITLE_CHARS else f"{product.title[: TITLE_CHARS - 1]}…"
    stock = product.availability.replace("_", " ")
    variants = f"{ranked.variants.n_products} variants" if ranked.variants.n_products > 1 else ""
    return (
        f"  {ranked.score:.3f}  {VERDICT_WORDS[ranked.verdict]:<13}  {title:<{TITLE_CHARS}}  {product.color[:12]:<12}  "
        f"{_price(product):>12}  {stock:<12}  {product.external_id}  {variants}"
    ).rstrip()


def _price(product: Product) -> str:
    amount = product.effective_price
    return "" if amount is None else f"{in_decimals_of(amount, product.currency)} {product.currency}"
