"""Folds what changed into the part of the index that is built for fast search, beside whatever the process does.

It runs in a thread: neither a shopper, nor a worker's queue, nor a command waits for it. It may be cut off at any
moment, as nothing is switched before it is complete; the next change asks for it again.
"""

from __future__ import annotations

import logging
import threading

from django.conf import settings

from search.index import registry
from search.index.base import VectorIndexError
from search.models import Space

logger = logging.getLogger(__name__)

_running: dict[str, threading.Thread] = {}
_starting = threading.Lock()


def is_due(space: Space) -> bool:
    """Whether enough has changed since the last time; cheap.

    Raises:
        VectorIndexError: What is published cannot be read.
    """
    return registry.compaction_due(settings.VECTOR_INDEX_URL, space.name, space.dim)


def compact_in_background(space: Space) -> None:
    """Begins to compact a space's index where this process does not do so already; returns at once."""
    with _starting:
        known = _running.get(space.name)
        if known is not None and known.is_alive():
            return
        arguments = (settings.VECTOR_INDEX_URL, space.name, space.dim)
        thread = threading.Thread(target=_compact, args=arguments, name=f"compact {space.name}", daemon=True)
        _running[space.name] = thread
        thread.start()


def finish_compaction(space: Space) -> None:
    """Waits for what `compact_in_background` began, for a command that would cut it off by ending."""
    with _starting:
        thread = _running.get(space.name)
    if thread is not None:
        thread.join()


def _compact(url: str, space: str, dim: int) -> None:
    try:
        # Once more where as much again came meanwhile.
        while registry.compact(url, space, dim) and registry.compaction_due(url, space, dim):
            pass
    except VectorIndexError:
        logger.exception("The index of %s could not be compacted; it goes on serving as it is.", space)
