"""The vision task: a pure function from encoded photos to encoded descriptions."""

from __future__ import annotations

from pathlib import Path

from segmentation.images import MAX_PHOTO_BYTES
from segmentation.types import EncodedPhoto, PhotoDescription, PhotoError
from workers import runtime
from workers.celery import app
from workers.codec import Payload, PhotoReference, asked_space, decode_photos, encode_descriptions
from workers.config import WorkersConfig


# The log names a task that succeeded, not the descriptions it returned.
@app.task(name="workers.tasks.describe_images", resultrepr_maxsize=40)
def describe_images(encoded_photos: Payload) -> Payload:
    """Describe every photo of a message in the space it asks for; a photo that cannot be used fails for itself alone.

    Args:
        encoded_photos: A message of `workers.codec.encode_photos`.

    Returns:
        A message for `workers.codec.decode_descriptions`: as many results, in the same order.

    Raises:
        CodecError: Another version or another shape.
        ModelMissing: A checkpoint is missing or damaged, or the space is not known here.
    """
    media_root = WorkersConfig.from_environment().media_root
    photos = [_fetch(photo, media_root) for photo in decode_photos(encoded_photos)]
    model = runtime.predictor(asked_space(encoded_photos))
    usable = [photo for photo in photos if isinstance(photo, EncodedPhoto)]
    described = iter(model.describe(usable))
    results: list[PhotoDescription | PhotoError] = [
        photo if isinstance(photo, PhotoError) else next(described) for photo in photos
    ]
    runtime.follow_announcement()
    return encode_descriptions(
        results, space=model.space, model_version=model.model_version, version=encoded_photos["v"]
    )


def _fetch(photo: EncodedPhoto | PhotoReference, media_root: Path) -> EncodedPhoto | PhotoError:
    """The photo's bytes, read from the media folder where it came as a reference."""
    if isinstance(photo, EncodedPhoto):
        return photo
    try:
        path = (media_root / photo.path).resolve()
        if not path.is_relative_to(media_root):
            return PhotoError("missing_file", f"{photo.path} lies outside of the media folder.")
        with path.open("rb") as file:
            data = file.read(MAX_PHOTO_BYTES + 1)
    except OSError as error:
        return PhotoError("missing_file", f"{photo.path} cannot be read here: {error.strerror}.")
    except (ValueError, RuntimeError):  # no name a file can have; a circle of links
        return PhotoError("missing_file", f"{photo.path!r} is no file's name.")
    return EncodedPhoto(data, photo.region_xyxy_px)
