"""What can go wrong between a caller and the vision model, named by what the caller can do about it."""

from __future__ import annotations


class WorkersError(Exception):
    """Base of this room's errors."""


class VisionTimeout(WorkersError):
    """No answer in time: the workers are busy, or none is running. Try again later."""


class VisionUnavailable(WorkersError):
    """The queue cannot be reached, or the worker failed. Try again later; look at the worker's log."""


class ModelMissing(WorkersError):
    """A checkpoint is missing or damaged. Put the right file in place; trying again does not help."""


class ModelsNotKept(WorkersError):
    """The models folder cannot be written. Make room or mend its permissions, then try again."""


class SpaceChanged(WorkersError):
    """The worker's model is not the one this process knows. Restart the older of the two."""


class CodecError(WorkersError):
    """A message is not of the shape or version this process speaks. Deploy one version on both sides."""
