"""This room's errors, and those of the rooms below it, as answers; `deploy` renders them as RFC 9457 problems."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from catalog.api.problems import ProblemError, not_found, sentence
from catalog.errors import ProductNotFound, RetailerNotFound
from search.errors import IndexEmpty, InvalidFilter, InvalidRegion
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


@contextmanager
def answering_problems() -> Iterator[None]:
    """Turns every error a body may raise into its answer; what is not listed is a bug and stays one.

    Messages that may name folders of this machine go to the log; the answer says what to do about them.
    """
    try:
        yield
    except PhotoRejected as error:
        status_code, code = _PHOTO_PROBLEMS.get(error.code, (400, error.code))
        raise ProblemError(status_code, code, sentence(error), field="image") from error
    except InvalidRegion as error:
        raise ProblemError(400, "invalid_parameter", sentence(error), field="box") from error
    except InvalidFilter as error:
        raise ProblemError(400, "invalid_parameter", sentence(error)) from error
    except (RetailerNotFound, ProductNotFound) as error:
        raise not_found(error) from error
    except IndexEmpty as error:
        raise ProblemError(503, "index_empty", sentence(error)) from error
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
