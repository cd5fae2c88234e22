"""This room's errors, and those of the rooms below it, as answers; `deploy` renders them as RFC 9457 problems."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator
from contextlib import contextmanager

from catalog.api.problems import ProblemError, not_found, sentence
from catalog.errors import DownloadFailed, ProductNotFound, RetailerNotFound
from search.errors import (
    ImageOutdated,
    IndexEmpty,
    InvalidFilter,
    InvalidRegion,
    PhotoNotKept,
    SearchError,
    SearchNotFound,
    UnknownImage,
    UnknownObject,
)
from search.index.base import (
    IndexBusy,
    IndexDamaged,
    IndexMissing,
    IndexUnreachable,
    SpaceMismatch,
    UnsupportedIndexUrl,
)
from segmentation.errors import PhotoRejected
from workers.errors import ModelMissing, VisionTimeout, WorkersError

_log = logging.getLogger(__name__)

RETRY_AFTER_S = 5
"""What a client is told to wait when the vision workers are busy or away."""

_PHOTO_PROBLEMS = {
    "empty": (400, "empty_file"),
    "too_large": (413, "file_too_large"),
    "too_many_pixels": (413, "too_many_pixels"),
    "region_outside": (400, "invalid_parameter"),
}


_SEARCH_PROBLEMS: dict[type[SearchError], tuple[int, str, str | None]] = {
    InvalidRegion: (400, "invalid_parameter", "box"),
    InvalidFilter: (400, "invalid_parameter", None),
    UnknownObject: (400, "invalid_parameter", "objects"),
    UnknownImage: (404, "unknown_image", "image_id"),
    ImageOutdated: (410, "image_outdated", "image_id"),
    PhotoNotKept: (409, "photo_not_kept", "box"),
    SearchNotFound: (404, "not_found", None),
    IndexEmpty: (503, "index_empty", None),
}


@contextmanager
def answering_problems(*, photo_field: str = "image") -> Iterator[None]:
    """Turns every error a body may raise into its answer; what is not listed is a bug and stays one.

    Messages that may name folders of this machine go to the log; the answer says what to do about them.

    Args:
        photo_field: The parameter that a photo came with.
    """
    try:
        yield
    except PhotoRejected as error:
        status_code, code = _PHOTO_PROBLEMS.get(error.code, (400, error.code))
        raise ProblemError(status_code, code, sentence(error), field=photo_field) from error
    except DownloadFailed as error:
        raise _download_problem(error, photo_field) from error
    except tuple(_SEARCH_PROBLEMS) as error:
        status_code, code, field = _SEARCH_PROBLEMS[type(error)]
        raise ProblemError(status_code, code, sentence(error), field=field) from error
    except (RetailerNotFound, ProductNotFound) as error:
        raise not_found(error) from error
    except (IndexMissing, IndexDamaged, SpaceMismatch) as error:
        raise _index_problem(error) from error
    except (IndexUnreachable, IndexBusy) as error:
        _log.error("The index does not answer: %s", error)
        detail = "The index does not answer at the moment; try again."
        raise ProblemError(503, "index_unreachable", detail, headers={"Retry-After": str(RETRY_AFTER_S)}) from error
    except UnsupportedIndexUrl as error:
        _log.error("VECTOR_INDEX_URL must be corrected: %s", error)
        detail = "The index's address (VECTOR_INDEX_URL) is not supported; the operator must correct it."
        raise ProblemError(503, "index_misconfigured", detail) from error
    except WorkersError as error:
        raise _vision_problem(error) from error


def _download_problem(error: DownloadFailed, field: str) -> ProblemError:
    detail = f"The photo could not be fetched: {sentence(error)}"
    if error.code == "too_large":
        return ProblemError(413, "file_too_large", detail, field=field)
    code = "download_timeout" if error.code == "timeout" else "download_failed"
    code = error.code if error.code.endswith("_refused") else code
    wait_s = error.retry_after_s
    headers = {} if wait_s is None else {"Retry-After": str(math.ceil(wait_s))}
    return ProblemError(400, code, detail, field=field, headers=headers)


def _index_problem(error: IndexMissing | IndexDamaged | SpaceMismatch) -> ProblemError:
    if isinstance(error, IndexMissing):
        detail = (
            "Nothing is indexed for the present model: run `manage.py index_catalog --retailer NAME --feed FILE` "
            "(or `manage.py rebuild_index` where the catalog was described before)."
        )
        return ProblemError(503, "index_missing", detail)
    _log.error("The index cannot be used: %s", error)
    detail = "The index cannot be used: run `manage.py rebuild_index`; the log says what is wrong with it."
    return ProblemError(503, "index_damaged", detail)


def _vision_problem(error: WorkersError) -> ProblemError:
    retry = {"Retry-After": str(RETRY_AFTER_S)}
    if isinstance(error, ModelMissing):
        _log.error("A search needs the model: %s", error)
        return ProblemError(
            503, "model_missing", "The model's checkpoint is missing or damaged; the operator must act."
        )
    if isinstance(error, VisionTimeout):
        return ProblemError(503, "vision_timeout", "The vision model did not answer in time; try again.", headers=retry)
    detail = "The vision model is not available at the moment; try again."
    return ProblemError(503, "vision_unavailable", detail, headers=retry)
