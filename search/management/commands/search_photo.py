"""`manage.py search_photo FILE`: one photo's garments and their products, as a table or as the API's JSON."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from rest_framework.exceptions import APIException, ValidationError

from catalog.api.parameters import asked
from catalog.errors import CatalogError
from catalog.selectors import get_retailer
from search.api.asking import search_options
from search.api.parameters import SearchParameters
from search.api.serializers import render_search_result
from search.errors import SearchError
from search.index.base import VectorIndexError
from search.management.found_products import format_result
from search.services import search_by_photo
from segmentation.errors import PhotoRejected
from workers.errors import WorkersError

# The texts say what the API's parameters of the same name do; their values are checked there.
OPTIONS = {
    "limit": "results a garment, 1..100 (default 10)",
    "category": "search only garments of this category (name, slug or id) or group (such as upperbody)",
    "retailer": "search only this retailer's products (slug)",
    "price-min": "least price a shopper pays",
    "price-max": "highest price a shopper pays",
    "currency": "the prices' currency, such as USD",
    "brand": "only these brands, with commas between them",
    "gender": "only for male, female or unisex",
    "color": "only garments in these colors; ranked by shape, see --match",
    "match": "what results have in common with the garment: garment, shape or pattern",
    "min-score": "least score, 0..1",
    "verdict": "least verdict: exact, similar (default), or none for the nearest however unlike",
    "diversity": "0 (default): most alike first; towards 1: unlike each other",
    "box": "region x_min,y_min,x_max,y_max: pixels, or 0..1 when all four are at most 1",
}
FLAGS = {
    "in-stock": "only what can be bought now",
    "combine": "also combine the garments to looks that one retailer sells",
}


class Command(BaseCommand):
    """Searches the catalog by one photo."""

    help = "Find the products that look like the garments of a photo."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declares the options."""
        parser.add_argument("file", type=Path, help="JPEG, PNG, WebP or HEIC")
        for name, text in OPTIONS.items():
            parser.add_argument(f"--{name}", help=text)
        for name, text in FLAGS.items():
            parser.add_argument(f"--{name}", action="store_true", help=text)
        parser.add_argument(
            "--no-group-variants",
            dest="group_variants",
            action="store_false",
            help="show the variants of one item group apart",
        )
        parser.add_argument("--json", action="store_true", help="print the API's answer instead of a table")

    def handle(self, *args: Any, **options: Any) -> None:
        """Searches and prints."""
        names = [name for name in SearchParameters().get_fields() if name in options]
        given = {name: options[name] for name in names if options[name] is not None}
        try:
            wanted = asked(SearchParameters, given)
            retailer = None if "retailer" not in wanted else get_retailer(wanted["retailer"])
            result = search_by_photo(options["file"].read_bytes(), search_options(wanted, retailer))
        except ValidationError as error:
            raise CommandError(_told(error)) from error
        except APIException as error:
            raise CommandError(str(error.detail)) from error
        except (OSError, PhotoRejected, CatalogError, SearchError, VectorIndexError, WorkersError) as error:
            raise CommandError(str(error)) from error
        if options["json"]:
            self.stdout.write(json.dumps(render_search_result(result, request=None), indent=2, ensure_ascii=False))
        else:
            self.stdout.write("\n".join(format_result(result)))


def _told(error: ValidationError) -> str:
    detail: Any = error.detail
    return " ".join(f"--{name.replace('_', '-')}: {' '.join(map(str, why))}" for name, why in detail.items())
