"""What a search is asked with: the things a photo shows, or a product's photos, each with an id that stays its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from catalog.models import Product
from search.errors import UnknownObject
from search.models import Garment, ImageDescription
from search.regions import share_inside
from search.results import Kind, SearchOptions
from search.selectors import read_embedding
from segmentation.taxonomy import category_by_id
from segmentation.types import BoxXyxyPx, Color, GarmentDescriptor, MaskRLE, PhotoDescription

MOSTLY = 0.5
"""A garment is of a region where at least this share of its box lies in it."""


@dataclass(frozen=True, slots=True)
class Thing:
    """One thing that can be searched for."""

    object_id: int
    kind: Kind
    descriptor: GarmentDescriptor
    size_px: tuple[int, int]
    """Width and height of the displayed photo it was seen in."""
    image_file: str = ""
    """That photo below MEDIA_ROOT where it is a catalog's."""


@dataclass(frozen=True, slots=True)
class Scene:
    """All there is to search for, in the order in which it is answered."""

    things: tuple[Thing, ...]
    size_px: tuple[int, int]
    """Of the photo; (0, 0) where there are several."""
    latency_ms: Mapping[str, float] = field(default_factory=dict)
    """What seeing it took just now: decode, segment, embed."""


def photo_scene(description: PhotoDescription, *, is_region: bool) -> Scene:
    """The things of a photo: garments by falling confidence, then the whole, then sleeves and other parts.

    Args:
        description: What the photo, or a region of it, shows.
        is_region: Whether it is of a region.
    """
    size_px = (description.width_px, description.height_px)
    known = [each for each in description.garments if each.category_id is not None]
    garments = [each for each in known if _is_garment(each)]
    parts = [each for each in known if not _is_garment(each)]
    whole: Kind = "region" if is_region else "whole_image"
    seen: list[tuple[Kind, GarmentDescriptor]] = [
        *(("garment", each) for each in garments),
        (whole, description.whole_image),
        *(("garment", each) for each in parts),
    ]
    things = tuple(Thing(number, kind, each, size_px) for number, (kind, each) in enumerate(seen))
    return Scene(things, size_px, description.latency_ms)


def product_scene(product: Product, space: str) -> Scene:
    """The garments of a product's photos that are the product itself, as they were described in a space."""
    garments = (
        Garment.objects.filter(
            is_product=True,
            description__space__name=space,
            description__state=ImageDescription.State.OK,
            product=product,
        )
        .select_related("description__image")
        .order_by("description__image__position", "position")
    )
    return Scene(tuple(_stored_thing(number, each) for number, each in enumerate(garments)), (0, 0))


def crop_scene(scene: Scene, region_xyxy_px: BoxXyxyPx) -> Scene:
    """The garments that lie mostly in a region; empty where none does."""
    things = (each for each in scene.things if each.kind == "garment")
    inside = (each for each in things if share_inside(each.descriptor.box_xyxy_px, region_xyxy_px) >= MOSTLY)
    return replace(scene, things=tuple(inside))


def choose_things(scene: Scene, options: SearchOptions) -> list[Thing]:
    """What of a scene is searched, in its order.

    Objects that are asked for by id are, whatever they are. Else garments are, of the asked categories, and after them
    the whole: a mask may miss what the photo is about. Where a category was asked for and found, the whole, which is of
    no category, is left out; sleeves and other parts are searched only where their category is asked for.

    Raises:
        UnknownObject: An id is none of the scene's.
    """
    if options.object_ids is not None:
        return _by_id(scene.things, options.object_ids)
    if options.category_ids is None:
        return [each for each in scene.things if _is_whole(each) or _is_garment(each.descriptor)]
    # A whole has no category, and none is never among those asked for.
    chosen = [each for each in scene.things if each.descriptor.category_id in options.category_ids]
    return chosen if chosen else [each for each in scene.things if _is_whole(each)]


def _by_id(things: Sequence[Thing], object_ids: frozenset[int]) -> list[Thing]:
    unknown = sorted(object_ids - {each.object_id for each in things})
    if unknown:
        known = ", ".join(str(each.object_id) for each in things) or "none"
        raise UnknownObject(f"there is no object {unknown[0]}; there are: {known}")
    return [each for each in things if each.object_id in object_ids]


def _is_whole(thing: Thing) -> bool:
    return thing.descriptor.category_id is None


def _is_garment(seen: GarmentDescriptor) -> bool:
    return seen.category_id is not None and category_by_id(seen.category_id).is_garment


def _stored_thing(number: int, garment: Garment) -> Thing:
    described = garment.description
    red, green, blue = bytes.fromhex(garment.color_hex.removeprefix("#"))
    mask = garment.mask
    seen = GarmentDescriptor(
        category_id=garment.category_id,
        score=garment.score,
        box_xyxy_px=garment.box_xyxy_px,
        mask=None if mask is None else MaskRLE(size=list(mask["size"]), counts=mask["counts"]),
        color=Color(garment.color_name, (red, green, blue)),
        embedding=read_embedding(garment.embedding),
        color_histogram={} if garment.color_histogram is None else garment.color_histogram,
    )
    kind: Kind = "whole_image" if garment.category_id is None else "garment"
    return Thing(number, kind, seen, (described.width_px, described.height_px), str(described.image.file))
