"""Annotation files of drawn images: COCO instances and the retrieval benchmark."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from segmentation.drawn.instances import Instance
from segmentation.drawn.products import Product
from segmentation.taxonomy import CATEGORIES

LEAST_QUERY_PX = 600
"""Garments of which less shows are annotated but not asked for."""


@dataclass(frozen=True, slots=True)
class DrawnImage:
    """One image and what it shows."""

    name: str
    size_px: tuple[int, int]
    """Width, height."""
    instances: tuple[Instance, ...]


class CocoFile:
    """Collects images and their instances in COCO's layout."""

    def __init__(self, title: str) -> None:
        self.title = title
        self.images: list[DrawnImage] = []

    def add(self, name: str, size_px: tuple[int, int], instances: Sequence[Instance]) -> None:
        """Note one image."""
        self.images.append(DrawnImage(name, size_px, tuple(instances)))

    def content(self) -> dict[str, Any]:
        """The file's content; every annotation also carries its `product_id`."""
        annotations: list[dict[str, Any]] = []
        for image_id, image in enumerate(self.images, start=1):
            for instance in image.instances:
                annotations.append(
                    {
                        "id": len(annotations) + 1,
                        "image_id": image_id,
                        "category_id": instance.category_id,
                        "segmentation": dict(instance.mask),
                        "area": instance.area_px,
                        "bbox": list(instance.box_xywh),
                        "iscrowd": 0,
                        "product_id": instance.product.product_id,
                    }
                )
        return {
            "info": {"description": self.title, "version": "1.0"},
            "licenses": [],
            "images": [
                {"id": k, "file_name": i.name, "width": i.size_px[0], "height": i.size_px[1]}
                for k, i in enumerate(self.images, start=1)
            ],
            "annotations": annotations,
            "categories": [{"id": c.id, "name": c.name, "supercategory": c.supercategory} for c in CATEGORIES],
        }


def benchmark(seed: int, shop: Sequence[tuple[Product, str]], views: CocoFile, scenes: CocoFile) -> dict[str, Any]:
    """Queries and what they should find.

    Args:
        seed: The catalog's seed, for the name.
        shop: Each product with its packshot's name.
        views: Second packshots; queries of kind "studio", whole photo.
        scenes: Street scenes; one query of kind "wild" for each well visible garment, with its box.

    Returns:
        `relevant` grades catalog ids: 2 the same product and color, 1 the same cut in another color.
    """
    groups: dict[str, list[str]] = defaultdict(list)
    for product, _ in shop:
        groups[product.item_group_id].append(product.product_id)
    queries = [_query(image, image.instances[0], groups, "studio", 0) for image in views.images if image.instances]
    for image in scenes.images:
        seen: set[str] = set()
        for number, instance in enumerate(image.instances):
            if instance.area_px >= LEAST_QUERY_PX and instance.product.product_id not in seen:
                seen.add(instance.product.product_id)
                queries.append(_query(image, instance, groups, "wild", number))
    return {
        "name": f"drawn-{seed}",
        "licence": "Apache-2.0, drawn by this project",
        "catalog": [
            {
                "id": product.product_id,
                "item_group": product.item_group_id,
                "file": name,
                "category_id": product.category_id,
                "color": product.color_name.lower(),
            }
            for product, name in shop
        ],
        "queries": queries,
    }


def _query(
    image: DrawnImage, instance: Instance, groups: dict[str, list[str]], kind: str, number: int
) -> dict[str, Any]:
    product = instance.product
    stem = image.name.rsplit("/", 1)[-1].removesuffix(".jpg")
    return {
        "id": f"q_{stem}_{number}",
        "file": image.name,
        "kind": kind,
        "box_xywh": list(instance.box_xywh) if kind == "wild" else None,
        "category_id": product.category_id,
        "product": product.item_group_id,
        "relevant": {pid: 2 if pid == product.product_id else 1 for pid in groups[product.item_group_id]},
        "view": "worn" if kind == "wild" else "again",
        "closeup": False,
    }
