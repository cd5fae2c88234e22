"""`manage.py find_duplicates --retailer R`: pictures that several products of a retailer share."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from catalog.errors import CatalogError
from catalog.models import ProductImage
from catalog.selectors import get_retailer
from search.duplicates import SIMILARITY, DuplicateGroup, find_duplicates, photos_of
from search.errors import SearchError
from search.index.base import VectorIndexError
from search.management.bars import describing_bar
from search.spaces import find_space, serving_record
from workers.errors import WorkersError


class Command(BaseCommand):
    """Lists groups of images that show one picture of different products."""

    help = "List the photos of a retailer that are the same picture, or nearly so, of different products."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declares the options."""
        parser.add_argument("--retailer", required=True, help="slug of the retailer")
        parser.add_argument("--space", help="serving (default), new, or a space's name")
        least = "least cosine of two whole photos whose pixels are compared (default %(default)g)"
        parser.add_argument("--similarity", type=float, default=SIMILARITY, metavar="0..1", help=least)
        parser.add_argument("--with-variants", action="store_true", help="also variants that share a picture")
        parser.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        """Finds and prints."""
        if not 0 <= options["similarity"] <= 1:
            raise CommandError("--similarity must be 0 to 1.")
        try:
            retailer = get_retailer(options["retailer"])
            space = serving_record() if options["space"] is None else find_space(options["space"])
            n_photos = photos_of(space, retailer).count()
            with describing_bar(n_photos, shown=options["verbosity"] > 0 and not options["json"]) as show:
                groups = find_duplicates(
                    space,
                    retailer,
                    similarity=options["similarity"],
                    with_variants=options["with_variants"],
                    on_progress=show,
                )
        except (CatalogError, SearchError, VectorIndexError, WorkersError) as error:
            raise CommandError(str(error)) from error
        if options["json"]:
            report = {"retailer": retailer.slug, "space": space.name, "photos": n_photos}
            self.stdout.write(json.dumps(report | {"groups": [_as_json(group) for group in groups]}, indent=2))
            return
        for group in groups:
            self.stdout.write(f"{_kind(group)}, similarity {group.similarity:.3f}")
            for image in group.images:
                self.stdout.write(f"  {image.product.external_id:<20} {image.source}  {image.product.title}")
        self.stdout.write(f"{n_photos} photos, {len(groups)} pictures that several products share")


def _as_json(group: DuplicateGroup) -> dict[str, Any]:
    return {
        "kind": _kind(group).replace(" ", "_").replace("-", "_"),
        "similarity": round(group.similarity, 4),
        "images": [_image_as_json(image) for image in group.images],
    }


def _image_as_json(image: ProductImage) -> dict[str, Any]:
    product = image.product
    return {
        "product_id": product.external_id,
        "title": product.title,
        "item_group_id": product.item_group_id,
        "position": image.position,
        "source": image.source,
        "file": str(image.file),
    }


def _kind(group: DuplicateGroup) -> str:
    return "same file" if group.same_file else "near-identical"
