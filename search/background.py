"""Work that nobody waits for: over the queue where there is a broker, else in one thread of this process.

What must not be lost is a record first (an import job, a delivery that is due): a process may die at any moment, and
`manage.py tidy`, or the next request for such work, takes up what a dead one left.
"""

from __future__ import annotations

import logging
import queue
import threading
from typing import Any

from celery.canvas import Signature
from django.db import close_old_connections

from workers.client import is_embedded, send

logger = logging.getLogger(__name__)

_waiting: queue.SimpleQueue[Signature[Any]] = queue.SimpleQueue()
_starting = threading.Lock()
_thread: threading.Thread | None = None
_unfinished = 0
_all_done = threading.Condition()


def run_soon(signature: Signature[Any]) -> None:
    """Hands a task over and returns at once. Call it on commit: another process may begin before this returns.

    Raises:
        VisionUnavailable: There is a broker, and it cannot be reached.
    """
    global _unfinished
    if not is_embedded():
        send(signature)
        return
    with _all_done:
        _unfinished += 1
    _waiting.put(signature)
    _start()


def run_later(signature: Signature[Any], delay_s: float) -> None:
    """Hands a task over after a while, minutes at most; what a process that ends meanwhile forgets, `tidy` finds.

    Raises:
        VisionUnavailable: There is a broker, and it cannot be reached.
    """
    if not is_embedded():
        send(signature.set(countdown=delay_s))
        return
    timer = threading.Timer(delay_s, run_soon, (signature,))
    timer.daemon = True
    timer.start()


def wait_for_background(timeout_s: float | None = None) -> bool:
    """Waits for this process's own thread, for commands and tests; whether it has nothing left to do."""
    with _all_done:
        return _all_done.wait_for(lambda: _unfinished == 0, timeout_s)


def _start() -> None:
    global _thread
    with _starting:
        if _thread is None or not _thread.is_alive():
            # A daemon: a server that is told to stop does not wait for an import, which is taken up again.
            _thread = threading.Thread(target=_work, name="background work", daemon=True)
            _thread.start()


def _work() -> None:
    global _unfinished
    while True:
        signature = _waiting.get()
        try:
            close_old_connections()
            signature.apply(throw=True)
        except Exception:  # the thread must outlive any task; each task has told its own record what happened
            logger.exception("The task %s failed.", signature.task)
        finally:
            close_old_connections()
            with _all_done:
                _unfinished -= 1
                _all_done.notify_all()
