"""What can go wrong in the vision room, named by what the caller can do about it."""


class SegmentationError(Exception):
    """Base of this room's errors."""


class PhotoRejected(SegmentationError):
    """The photo cannot be used; tell its sender.

    Attributes:
        code: A stable word, one of `segmentation.types.PhotoError.code`.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class ConfigError(SegmentationError):
    """A configuration file is wrong; the message says which key and what was meant."""


class CheckpointError(SegmentationError):
    """A checkpoint is missing, damaged or not of the expected kind; put the right file in place."""


class AnnotationError(SegmentationError):
    """Training or evaluation annotations are wrong; the message names file, row and reason."""


class TrainingDiverged(SegmentationError):
    """A loss became non-finite; the message names the batch's images."""


class ReportError(SegmentationError):
    """An evaluation report to compare with is missing, damaged or of another version; the message names the file."""


class RunNotWritten(SegmentationError):
    """A run's folder cannot be written; make room or mend its permissions, then go on from its last state."""


class TrainingPeerLost(SegmentationError):
    """Another process of the same training stopped; this one cannot go on alone."""


class CalibrationError(SegmentationError):
    """A calibration is damaged, or pairs cannot be calibrated on; the message says why."""
