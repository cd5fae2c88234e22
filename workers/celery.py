"""The queue's one app, without Django. Vision worker: `celery -A workers.celery worker -Q vision -P solo`.

Two queues: `vision` needs the model (and a GPU where there is one), `records` needs the database; the records worker
starts from `deploy.celery`, which adds Django and the tasks of `search.tasks` to this same app.
"""

from __future__ import annotations

import logging
from typing import Any

from celery import Celery
from celery.signals import worker_process_init, worker_ready

from workers import runtime
from workers.config import WorkersConfig
from workers.errors import ModelMissing

VISION_QUEUE = "vision"
RECORDS_QUEUE = "records"

_log = logging.getLogger(__name__)


def _build(config: WorkersConfig) -> Celery:
    # No fixups: Celery would import Django here wherever DJANGO_SETTINGS_MODULE happens to be set.
    built = Celery("selvedge", include=["workers.tasks"], fixups=[], set_as_current=True)
    embedded = config.broker_url is None
    quick_retry = {"max_retries": 1, "interval_start": 0, "interval_step": 0.2, "interval_max": 0.2}
    built.conf.update(
        broker_url="memory://localhost/" if embedded else config.broker_url,
        result_backend="cache+memory://" if embedded else config.broker_url,
        # Embedded: `delay` and chains run here and now, their arguments still packed and unpacked by msgpack.
        task_always_eager=embedded,
        task_eager_propagates=embedded,
        task_serializer="msgpack",
        result_serializer="msgpack",
        accept_content=["msgpack"],
        event_serializer="json",
        task_default_queue=RECORDS_QUEUE,
        task_routes={"workers.tasks.*": {"queue": VISION_QUEUE}, "search.tasks.*": {"queue": RECORDS_QUEUE}},
        # Acknowledged when done: what a killed worker was at is delivered again after the visibility time-out. A killed
        # prefork child's task fails instead: given back at once, a photo that kills would kill for ever, and the next
        # index_catalog finds what is missing (`task_reject_on_worker_lost` stays off).
        task_acks_late=True,
        worker_prefetch_multiplier=1,
        result_expires=config.result_expires_s,
        enable_utc=True,
        timezone="UTC",
        # A worker waits for its broker as long as it takes; what it was at is delivered again.
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        worker_cancel_long_running_tasks_on_connection_loss=True,
        # Callers hear soon that a broker is down (`max_retries` has no end by default).
        broker_transport_options={
            "visibility_timeout": config.visibility_timeout_s,
            "socket_connect_timeout": config.connect_timeout_s,
            "socket_keepalive": True,
            **quick_retry,
        },
        broker_connection_timeout=config.connect_timeout_s,
        result_backend_transport_options={"retry_policy": {"timeout": config.connect_timeout_s, **quick_retry}},
        redis_socket_connect_timeout=config.connect_timeout_s,
        redis_socket_keepalive=True,
        task_publish_retry_policy=quick_retry,
        worker_hijack_root_logger=False,
    )
    return built


app = _build(WorkersConfig.from_environment())


@worker_process_init.connect
def _warm_up_child(**_: Any) -> None:
    """A prefork child loads its own model: after the fork, never before."""
    _warm_up()


@worker_ready.connect
def _warm_up_in_process(sender: Any, **_: Any) -> None:
    """A solo or threads worker loads the model before its first task; a prefork parent must never hold it."""
    if "prefork" not in type(sender.pool).__module__:
        _warm_up()


def _warm_up() -> None:
    if VISION_QUEUE not in app.amqp.queues.consume_from:
        return
    try:
        runtime.warm_up()
    except ModelMissing:
        # Every task will say so too; the worker stays up so that its callers hear the reason.
        _log.exception("The vision worker cannot load its model.")
