"""`manage.py search_photo FILE`: one photo's garments and their products, as a table or as the API's JSON."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from rest_framework.exceptions import ValidationError

from catalog.errors import CatalogError
from catalog.money import in_decimals_of
from search.api.parameters import BoxField
from search.api.serializers import render_search_result
from search.errors import SearchError
from search.index.base import VectorIndexError
from search.results import DEFAULT_LIMIT, MAX_LIMIT, RankedProduct, SearchedObject, SearchOptions, SearchResult
from search.services import search_by_photo
from segmentation.errors import PhotoRejected
from segmentation.taxonomy import category_by_id, find_category
from workers.errors import WorkersError

TITLE_CHARS = 40


class Command(BaseCommand):
    """Searches the catalog by one photo."""

    help = "Find the products that look like the garments of a photo."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declares the options."""
        parser.add_argument("file", type=Path, help="JPEG, PNG, WebP or HEIC")
        parser.add_argument("--limit", type=int, default=DEFAULT_LIMIT, help="products a garment (default %(default)s)")
        parser.add_argument("--category", help="search only garments of this category (name, slug or id)")
        parser.add_argument("--retailer", help="search only this retailer's products (slug)")
        parser.add_argument("--min-score", type=float, default=0.0, help="least similarity, 0..1")
        parser.add_argument("--box", help="region x_min,y_min,x_max,y_max: pixels, or 0..1 when all four are at most 1")
        parser.add_argument("--json", action="store_true", help="print the API's answer instead of a table")

    def handle(self, *args: Any, **options: Any) -> None:
        """Searches and prints."""
        wanted = _read_options(options)
        try:
            result = search_by_photo(options["file"].read_bytes(), wanted)
        except (OSError, PhotoRejected, CatalogError, SearchError, VectorIndexError, WorkersError) as error:
            raise CommandError(str(error)) from error
        if options["json"]:
            self.stdout.write(json.dumps(render_search_result(result, request=None), indent=2, ensure_ascii=False))
        else:
            self.stdout.write("\n".join(_table(result)))


def _read_options(options: dict[str, Any]) -> SearchOptions:
    category = None if options["category"] is None else find_category(options["category"])
    if options["category"] is not None and category is None:
        raise CommandError(f"There is no category {options['category']!r}.")
    if not 1 <= options["limit"] <= MAX_LIMIT:
        raise CommandError(f"--limit must be 1..{MAX_LIMIT}.")
    if not 0.0 <= options["min_score"] <= 1.0:
        raise CommandError("--min-score must be 0..1.")
    return SearchOptions(
        limit=options["limit"],
        category_id=None if category is None else category.id,
        min_score=options["min_score"],
        box_xyxy=None if options["box"] is None else _read_box(options["box"]),
        retailer_slug=options["retailer"],
    )


def _read_box(text: str) -> tuple[float, float, float, float]:
    try:
        box: tuple[float, float, float, float] = BoxField().run_validation(text)
    except ValidationError as error:
        raise CommandError(f"--box: {' '.join(map(str, error.detail))}") from error
    return box


def _table(result: SearchResult) -> list[str]:
    total_ms = result.timings_ms["total"]
    lines = [f"{result.width_px}x{result.height_px}, {len(result.objects)} found in {total_ms:.0f} ms", result.space]
    for found in result.objects:
        lines += ["", _heading(found)]
        lines += [_row(product) for product in found.results] or ["      nothing alike"]
    return lines


def _heading(found: SearchedObject) -> str:
    seen = found.descriptor
    name = found.kind.replace("_", " ") if seen.category_id is None else category_by_id(seen.category_id).name
    edges = ", ".join(f"{edge:.0f}" for edge in seen.box_xyxy_px)
    return f"{found.object_id}  {name}, {seen.color.name}  score {seen.score:.2f}  box ({edges})"


def _row(ranked: RankedProduct) -> str:
    product = ranked.product
    amount = product.effective_price
    price = "" if amount is None else f"{in_decimals_of(amount, product.currency)} {product.currency}"
    title = product.title if len(product.title) <= TITLE_CHARS else f"{product.title[: TITLE_CHARS - 1]}…"
    stock = product.availability.replace("_", " ")
    return (
        f"  {ranked.rank:>3}  {ranked.score:.3f}  {title:<{TITLE_CHARS}}  {product.color[:12]:<12}  {price:>12}  "
        f"{stock:<12}  {product.external_id}"
    ).rstrip()
