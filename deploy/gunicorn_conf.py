"""How gunicorn serves: `gunicorn -c deploy/gunicorn_conf.py deploy.wsgi`.

Embedded (no broker): one process, because each would hold its own model, and a few threads. With a broker: two light
processes that never import torch.
"""

from __future__ import annotations

import os
import signal
import threading
from typing import Any

from workers.config import WorkersConfig, text_of, whole_number_of

_embedded = WorkersConfig.from_environment().broker_url is None

bind = f"{text_of(os.environ, 'HOST', '127.0.0.1')}:{whole_number_of(os.environ, 'PORT', 8000)}"
worker_class = "gthread"
workers = whole_number_of(os.environ, "WEB_CONCURRENCY", 1 if _embedded else 2)
threads = whole_number_of(os.environ, "WEB_THREADS", 8)
# Longer than a search may take (SELVEDGE_SEARCH_TIMEOUT_S), so that a slow search ends as a clear 503.
timeout = 120
graceful_timeout = 5
# Keeps the heartbeat file off disks that may stall.
worker_tmp_dir = "/dev/shm" if os.path.isdir("/dev/shm") else None  # noqa: PTH112, S108
accesslog = text_of(os.environ, "ACCESS_LOG", "") or None
# The path without its query: whatever stands in one does not belong into a log.
access_log_format = '%(h)s %(l)s %(u)s %(t)s "%(m)s %(U)s %(H)s" %(s)s %(b)s "%(a)s" %(M)sms'
loglevel = text_of(os.environ, "GUNICORN_LOG_LEVEL", "warning")
preload_app = False  # A model loaded before the fork would poison the children.


def when_ready(server: Any) -> None:
    """Say where to look, once the port is open."""
    greeting = os.environ.get("SELVEDGE_GREETING", "")
    if greeting:
        # A demo ends with its terminal; gunicorn would take the hang-up for "reload" and keep the port.
        signal.signal(signal.SIGHUP, lambda *_: os.kill(os.getpid(), signal.SIGTERM))
        print(greeting, flush=True)  # noqa: T201


def post_worker_init(worker: Any) -> None:
    """Load the embedded model beside serving, so that the first photo does not wait for it; then tidy up.

    With a broker, its beat sees to what a process that died has left.
    """
    if _embedded:
        threading.Thread(target=_get_ready, name="warm-up", daemon=True).start()


def worker_exit(server: Any, worker: Any) -> None:
    """Leave in peace: Ctrl-C reaches a worker twice, and the second would break into its clean-up with a traceback."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGQUIT):
        signal.signal(number, signal.SIG_IGN)


def _get_ready() -> None:
    _warm_up()
    # Imported here: only after gunicorn has forked, and the application is loaded.
    from django.db import connections

    from search.tidying import do_chores

    do_chores()
    connections.close_all()


def _warm_up() -> None:
    # Imported here: only after gunicorn has forked, and only in the embedded mode.
    from workers import runtime
    from workers.errors import ModelMissing

    try:
        runtime.warm_up()
    except ModelMissing as error:
        print(f"The model cannot be loaded: {error}", flush=True)  # noqa: T201
