"""What callers use: photos in, descriptions out, in this process or over the queue as the environment says.

Foreign exceptions (Celery's, kombu's, redis') end here; callers see this room's errors only.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence
from typing import Any

import redis.exceptions
from celery.canvas import Signature
from celery.exceptions import CeleryError, TimeoutError
from kombu.exceptions import KombuError

from segmentation.checkpoint import SpaceInfo
from segmentation.types import EncodedPhoto, PhotoDescription, PhotoError
from workers import model_files
from workers.celery import app
from workers.codec import Payload, PhotoReference, decode_descriptions, encode_photos
from workers.errors import SpaceChanged, VisionTimeout, VisionUnavailable, WorkersError
from workers.tasks import describe_images

_log = logging.getLogger(__name__)

# One photo at a time in an embedded process: two would take twice as long each, and a queue of threads that all
# hold decoded photos would take all memory.
_turn = threading.Lock()

QUEUE_FAILURES = (KombuError, CeleryError, redis.exceptions.RedisError, OSError, RuntimeError)
"""What a broken broker looks like; Celery says a bare RuntimeError when its result store is gone."""


def is_embedded() -> bool:
    """Whether tasks run in this process (no broker is configured)."""
    return bool(app.conf.task_always_eager)


def space() -> SpaceInfo:
    """The space the configured checkpoints describe photos in; cheap, reads metadata only.

    Raises:
        ModelMissing: A checkpoint is missing or damaged.
    """
    return model_files.configured_pair().space()


def describe_photos(
    photos: Sequence[EncodedPhoto], *, timeout_s: float, space: str | None = None
) -> list[PhotoDescription | PhotoError]:
    """Describe a shopper's photos, one result each, in their order.

    Args:
        photos: Encoded photos, at most a few: they travel as one message.
        space: Name of the space to describe them in; None is that of the configured checkpoints.
        timeout_s: How long to wait. An embedded model that has begun is not interrupted.

    Raises:
        VisionTimeout: No answer in time.
        VisionUnavailable: The queue cannot be reached, or the worker failed.
        ModelMissing: A checkpoint is missing or damaged, or whoever describes does not know the space.
    """
    expected = _or_configured(space)
    payload = encode_photos(photos, space=expected)
    reply = _describe_here(payload, timeout_s) if is_embedded() else _describe_there(payload, timeout_s)
    try:
        return decode_descriptions(reply, expected_space=expected)
    except SpaceChanged as error:
        _log.error("%s Restart the older of the two.", error)
        raise VisionUnavailable(str(error)) from error


def describe_images_signature(
    photos: Sequence[EncodedPhoto | PhotoReference], *, space: str | None = None
) -> Signature[Any]:
    """The vision task on these photos, for a chain: the next task receives the encoded descriptions.

    Its own result is not kept in the broker; the chain hands it on.

    Args:
        photos: Photos, or names of photos below the media folder.
        space: Name of the space to describe them in; None leaves it to the worker's configured checkpoints.
    """
    return describe_images.signature((encode_photos(photos, space=space),), options={"ignore_result": True})


def send(work: Signature[Any]) -> None:
    """Hand a task or chain to the queue; where no broker is configured, do it here and now.

    Raises:
        VisionUnavailable: The queue cannot be reached; nothing was sent.
        Exception: In this process, whatever the tasks raise.
    """
    if is_embedded():
        work.apply_async()
        return
    try:
        work.apply_async()
    except QUEUE_FAILURES as error:
        raise VisionUnavailable(f"The queue does not answer: {error}") from error


def check_broker() -> None:
    """Reach the broker once; nothing where none is configured.

    Raises:
        VisionUnavailable: It does not answer.
    """
    if is_embedded():
        return
    try:
        with app.connection_for_write() as connection:
            connection.ensure_connection(max_retries=1, interval_start=0)
    except QUEUE_FAILURES as error:
        raise VisionUnavailable(f"The broker does not answer: {error}") from error


def _or_configured(name: str | None) -> str:
    return space().name if name is None else name


def _describe_here(payload: Payload, timeout_s: float) -> Payload:
    if not _turn.acquire(timeout=timeout_s):
        raise VisionTimeout(f"The model was busy for {timeout_s:g} s.")
    try:
        described: Payload = describe_images(payload)
        return described
    finally:
        _turn.release()


def _describe_there(payload: Payload, timeout_s: float) -> Payload:
    deadline = time.monotonic() + timeout_s
    try:
        # Expires: a worker that comes back must not work through photos whose shoppers have left.
        result = describe_images.apply_async((payload,), expires=timeout_s, retry=False)
        try:
            remaining_s = max(0.0, deadline - time.monotonic())
            # Not propagated: what the worker raised must not be taken for a failure of the queue.
            reply = result.get(timeout=remaining_s, propagate=False, disable_sync_subtasks=False)
        finally:
            result.forget()
    except TimeoutError as error:
        raise VisionTimeout(f"No vision worker answered within {timeout_s:g} s.") from error
    except QUEUE_FAILURES as error:
        _log.warning("The vision queue does not answer: %r", error)
        raise VisionUnavailable(f"The vision queue does not answer: {error}") from error
    if isinstance(reply, WorkersError):
        raise reply
    if isinstance(reply, BaseException):
        _log.error("The vision worker failed: %r", reply)
        raise VisionUnavailable(f"The vision worker failed: {reply!r}") from reply
    described: Payload = reply
    return described
