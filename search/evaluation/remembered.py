"""A predictor with a memory: a photo that was described once, in this run or an earlier one, is not described again."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

import msgpack

from segmentation.types import EncodedPhoto, PhotoDescription, PhotoError
from workers.codec import decode_descriptions, encode_descriptions
from workers.errors import CodecError
from workers.runtime import PhotoDescriber

Described = PhotoDescription | PhotoError


class RememberingPredictor:
    """Describes what it has not seen yet; answers the rest from memory, and from a folder where one is given.

    What is remembered carries the milliseconds it once took.

    Attributes:
        n_described: Photos that were looked at.
        n_remembered: Photos that the folder knew from an earlier run.
    """

    def __init__(self, predictor: PhotoDescriber, folder: Path | None = None) -> None:
        """Wrap a predictor.

        Args:
            predictor: The one that looks.
            folder: Where descriptions are kept from run to run, by space and photo; None keeps them in memory only.
        """
        self._predictor = predictor
        self._known: dict[str, Described] = {}
        self._folder = None if folder is None else folder / quote(self.space, safe="@")
        self.n_described = self.n_remembered = 0
        if self._folder is not None:
            self._folder.mkdir(parents=True, exist_ok=True)

    @property
    def space(self) -> str:
        """The name of the space."""
        return self._predictor.space

    @property
    def model_version(self) -> str:
        """`name@sha8` of the segmenter."""
        return self._predictor.model_version

    def describe(self, photos: Sequence[EncodedPhoto]) -> list[Described]:
        """One description a photo, in order; only what is new is looked at, together."""
        keys = [_key(photo) for photo in photos]
        new = {key: photo for key, photo in zip(keys, photos, strict=True) if not self._knows(key)}
        for key, described in zip(new, self._predictor.describe(list(new.values())) if new else [], strict=True):
            self._known[key] = described
            self._keep(key, described)
        self.n_described += len(new)
        return [self._known[key] for key in keys]

    def _knows(self, key: str) -> bool:
        if key in self._known:
            return True
        if self._folder is None:
            return False
        # What cannot be read (torn by a kill, of another version) is looked at again and replaced.
        with contextlib.suppress(OSError, ValueError, CodecError, msgpack.UnpackException):
            payload = msgpack.unpackb((self._folder / key).read_bytes())
            (self._known[key],) = decode_descriptions(payload, expected_space=self.space)
            self.n_remembered += 1
            return True
        return False

    def _keep(self, key: str, described: Described) -> None:
        if self._folder is None:
            return
        payload = encode_descriptions([described], space=self.space, model_version=self.model_version)
        unfinished = self._folder / f".{key}.{os.getpid()}"
        unfinished.write_bytes(msgpack.packb(payload))
        unfinished.replace(self._folder / key)


def _key(photo: EncodedPhoto) -> str:
    digest = hashlib.sha256(photo.data)
    if photo.region_xyxy_px is not None:
        digest.update(repr(tuple(float(edge) for edge in photo.region_xyxy_px)).encode())
    return digest.hexdigest()
