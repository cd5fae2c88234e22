"""Two questions a load balancer asks: does the process live (`/healthz`), and can it answer a search (`/readyz`)?"""

from __future__ import annotations

import logging
from collections.abc import Callable

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe

from deploy.http_errors import problem_response
from search.index.base import IndexMissing, IndexUnreachable, UnsupportedIndexUrl, VectorIndexError
from search.index.registry import open_reader
from search.spaces import serving_space
from segmentation.checkpoint import SpaceInfo
from workers import client, model_files
from workers.errors import ModelMissing, WorkersError

_log = logging.getLogger(__name__)


class NotReadyError(Exception):
    """One part cannot serve; the message says what to do.

    It is shown to whoever asks, so it names no address and no folder; what does is in the log.
    """


@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """200 while the process answers at all; looks at nothing else, so that a broken disk restarts no process."""
    return JsonResponse({"status": "ok"})


@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """200 when a search could be answered now, else a 503 problem; either way every check with its finding."""
    checks = {name: _finding(check) for name, check in CHECKS.items()}
    failed = [name for name, finding in checks.items() if finding["status"] != "ok"]
    if not failed:
        return JsonResponse({"status": "ok", "checks": checks})
    response = problem_response(503, "not_ready", f"Not ready: {', '.join(failed)}.", checks=checks)
    response["Retry-After"] = "5"
    return response


def _finding(check: Callable[[], str]) -> dict[str, str]:
    try:
        return {"status": "ok", "detail": check()}
    except NotReadyError as error:
        return {"status": "failed", "detail": str(error)}


def check_database() -> str:
    """The database answers and has every migration.

    Raises:
        NotReadyError: It does not.
    """
    try:
        executor = MigrationExecutor(connection)
        pending = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except DatabaseError as error:
        _log.warning("The database does not answer: %s", error)
        raise NotReadyError("The database does not answer.") from error
    if pending:
        raise NotReadyError(f"{len(pending)} migrations are not applied: run manage.py migrate.")
    return f"{connection.vendor}, migrations applied"


def check_model() -> str:
    """A space serves, and where the model runs in this process, its checkpoints are here.

    Raises:
        NotReadyError: It is not so.
    """
    space = _space()
    if client.is_embedded():
        try:
            model_files.find_pair(space.name)
        except ModelMissing as error:
            _log.warning("%s", error)
            raise NotReadyError("The checkpoints of the space that serves are missing or damaged.") from error
    return space.name


def check_index() -> str:
    """An index of the space that serves is published and holds something.

    Raises:
        NotReadyError: It is not.
    """
    space = _space()
    try:
        reader = open_reader(settings.VECTOR_INDEX_URL, space.name, space.dim)
        count = len(reader)
    except IndexMissing as error:
        raise NotReadyError("Nothing is indexed for this model: run manage.py index_catalog.") from error
    except UnsupportedIndexUrl as error:
        _log.warning("%s", error)
        raise NotReadyError("VECTOR_INDEX_URL is not supported: give one like faiss:///absolute/folder.") from error
    except IndexUnreachable as error:
        _log.warning("%s", error)
        raise NotReadyError("The server that keeps the index does not answer.") from error
    except VectorIndexError as error:
        _log.warning("The index cannot be used: %s", error)
        raise NotReadyError("The index cannot be used: run manage.py rebuild_index.") from error
    if count == 0:
        raise NotReadyError("The index is empty: run manage.py index_catalog.")
    return f"{count} garments, generation {reader.generation}"


def _space() -> SpaceInfo:
    try:
        return serving_space()
    except ModelMissing as error:
        _log.warning("%s", error)
        raise NotReadyError("A checkpoint is missing or damaged.") from error
    except DatabaseError as error:
        _log.warning("The serving space cannot be looked up: %s", error)
        raise NotReadyError("The database does not answer, or its migrations are not applied.") from error


def check_broker() -> str:
    """The broker can be reached, where one is configured.

    Raises:
        NotReadyError: It cannot.
    """
    if client.is_embedded():
        return "embedded: tasks run in this process"
    try:
        client.check_broker()
    except WorkersError as error:
        _log.warning("%s", error)
        raise NotReadyError("The broker does not answer.") from error
    return "reachable"


CHECKS: dict[str, Callable[[], str]] = {
    "database": check_database,
    "model": check_model,
    "index": check_index,
    "broker": check_broker,
}
