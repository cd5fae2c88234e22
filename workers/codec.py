"""How photos and descriptions travel: plain structures that msgpack carries, with bytes left as bytes.

Both ways of running speak it, so what works in one process works over the queue. Every message has a version; another
version is an error that says so, never a guess. Version 2 names the space that photos shall be described in; what was
queued in version 1 is described by the configured checkpoints and answered in version 1, so vision workers are
renewed before those who send.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from segmentation.types import (
    BoxXyxyPx,
    Color,
    EncodedPhoto,
    GarmentDescriptor,
    MaskRLE,
    PhotoDescription,
    PhotoError,
)
from workers.errors import CodecError, SpaceChanged

VERSION = 2
UNDERSTOOD = (1, 2)
"""Versions that are read; written is the newest, or in an answer that of the question."""
EMBEDDING_DTYPE = np.dtype("<f4")
"""float32, little endian, whatever the machine."""

Payload = dict[str, Any]


@dataclass(frozen=True, slots=True)
class PhotoReference:
    """A photo the worker reads itself: a name relative to the media folder, such as `catalog/ab/abcd.jpg`."""

    path: str
    region_xyxy_px: BoxXyxyPx | None = None


def encode_photos(photos: Sequence[EncodedPhoto | PhotoReference], *, space: str | None = None) -> Payload:
    """Photos as one message.

    Args:
        photos: In the order in which their descriptions shall come.
        space: The space to describe them in; None leaves it to the worker's configured checkpoints.

    >>> encode_photos([PhotoReference("catalog/ab/1.jpg")], space="resnet18-emb256@ab12cd34")
    {'v': 2, 'space': 'resnet18-emb256@ab12cd34', 'photos': [{'path': 'catalog/ab/1.jpg', 'region': None}]}
    """
    return {"v": VERSION, "space": space, "photos": [_encode_photo(photo) for photo in photos]}


def _encode_photo(photo: EncodedPhoto | PhotoReference) -> Payload:
    region = None if photo.region_xyxy_px is None else [float(edge) for edge in photo.region_xyxy_px]
    if isinstance(photo, PhotoReference):
        return {"path": photo.path, "region": region}
    return {"data": bytes(photo.data), "region": region}


def decode_photos(payload: Payload) -> list[EncodedPhoto | PhotoReference]:
    """The photos of a message, in its order.

    Raises:
        CodecError: Another version or another shape.
    """
    _check_version(payload)
    try:
        return [_decode_photo(each) for each in payload["photos"]]
    except (KeyError, TypeError, ValueError) as error:
        raise CodecError(f"This is not a message of photos: {error!r}") from error


def asked_space(payload: Payload) -> str | None:
    """The space a message wants its photos described in; None leaves it to the configured checkpoints.

    Raises:
        CodecError: Another version or another shape.
    """
    _check_version(payload)
    space = payload.get("space")
    if not isinstance(space, str | None):
        raise CodecError(f"This is not a message of photos: a space must be a name, not {type(space).__name__}.")
    return space


def _decode_photo(each: Payload) -> EncodedPhoto | PhotoReference:
    region = None if each["region"] is None else _box(each["region"])
    if "path" in each:
        return PhotoReference(str(each["path"]), region)
    if not isinstance(each["data"], bytes):
        raise TypeError("a photo's data must be bytes")
    return EncodedPhoto(each["data"], region)


def encode_descriptions(
    results: Sequence[PhotoDescription | PhotoError], *, space: str, model_version: str, version: int = VERSION
) -> Payload:
    """What was seen, as one message, with the space its embeddings live in.

    Args:
        results: In the order of the photos.
        space: The space the embeddings live in.
        model_version: `name@sha8` of the segmenter.
        version: That of the message that is answered.
    """
    return {
        "v": version,
        "space": space,
        "model_version": model_version,
        "results": [_encode_result(result) for result in results],
    }


def _encode_result(result: PhotoDescription | PhotoError) -> Payload:
    if isinstance(result, PhotoError):
        return {"error": {"code": result.code, "message": result.message}}
    return {
        "width_px": int(result.width_px),
        "height_px": int(result.height_px),
        "garments": [_encode_garment(garment) for garment in result.garments],
        "whole_image": _encode_garment(result.whole_image),
        "latency_ms": {stage: float(value) for stage, value in result.latency_ms.items()},
    }


def _encode_garment(garment: GarmentDescriptor) -> Payload:
    mask = garment.mask
    return {
        "category_id": None if garment.category_id is None else int(garment.category_id),
        "score": float(garment.score),
        "box": [float(edge) for edge in garment.box_xyxy_px],
        "mask": None if mask is None else {"size": [int(side) for side in mask["size"]], "counts": mask["counts"]},
        "color": {"name": garment.color.name, "rgb": [int(channel) for channel in garment.color.rgb]},
        "colors": {name: float(share) for name, share in garment.color_histogram.items()},
        "embedding": np.ascontiguousarray(garment.embedding, dtype=EMBEDDING_DTYPE).tobytes(),
    }


def decode_descriptions(payload: Payload, *, expected_space: str | None = None) -> list[PhotoDescription | PhotoError]:
    """What was seen, in the order of the photos.

    Args:
        payload: A message of `encode_descriptions`.
        expected_space: The space the caller stores or searches; None takes any.

    Raises:
        CodecError: Another version or another shape.
        SpaceChanged: The embeddings live in another space than expected.
    """
    space = described_space(payload)
    if expected_space is not None and space != expected_space:
        raise SpaceChanged(f"The vision worker's model is {space}, this process expects {expected_space}.")
    try:
        return [_decode_result(each) for each in payload["results"]]
    except (KeyError, TypeError, ValueError) as error:
        raise CodecError(f"This is not a message of descriptions: {error!r}") from error


def described_space(payload: Payload) -> str:
    """The space a message's embeddings live in.

    Raises:
        CodecError: Another version or another shape.
    """
    _check_version(payload)
    space = payload.get("space")
    if not isinstance(space, str):
        raise CodecError("This message of descriptions names no space.")
    return space


def _decode_result(each: Payload) -> PhotoDescription | PhotoError:
    if "error" in each:
        return PhotoError(code=each["error"]["code"], message=each["error"]["message"])
    return PhotoDescription(
        width_px=each["width_px"],
        height_px=each["height_px"],
        garments=tuple(_decode_garment(garment) for garment in each["garments"]),
        whole_image=_decode_garment(each["whole_image"]),
        latency_ms=dict(each["latency_ms"]),
    )


def _decode_garment(each: Payload) -> GarmentDescriptor:
    mask = each["mask"]
    red, green, blue = each["color"]["rgb"]
    return GarmentDescriptor(
        category_id=each["category_id"],
        score=each["score"],
        box_xyxy_px=_box(each["box"]),
        mask=None if mask is None else MaskRLE(size=list(mask["size"]), counts=mask["counts"]),
        color=Color(each["color"]["name"], (red, green, blue)),
        # A copy: an array over a message's bytes would be read-only and keep the message alive.
        embedding=np.frombuffer(each["embedding"], dtype=EMBEDDING_DTYPE).astype(np.float32),
        # Optional: a worker of an earlier version sends none, while processes are replaced one by one.
        color_histogram={str(name): float(share) for name, share in each.get("colors", {}).items()},
    )


def _box(edges: Sequence[float]) -> BoxXyxyPx:
    x_min, y_min, x_max, y_max = edges
    return (x_min, y_min, x_max, y_max)


def _check_version(payload: Payload) -> None:
    if not isinstance(payload, dict):
        raise CodecError(f"A message must be a map, not {type(payload).__name__}.")
    if payload.get("v") not in UNDERSTOOD:
        raise CodecError(
            f"The message has version {payload.get('v')!r}, this process speaks {' and '.join(map(str, UNDERSTOOD))}."
        )
