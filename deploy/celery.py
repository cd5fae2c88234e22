"""The records worker's door: `celery -A deploy.celery worker -Q records`. The vision worker's is `workers.celery`.

It is the same Celery app, with Django set up and the tasks that touch records registered. Web processes import it
too, so that what they send and what the workers know is one list of tasks.
"""

from __future__ import annotations

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "deploy.settings")
django.setup()

# Only after Django is set up: the tasks import models.
from celery.fixups.django import fixup  # noqa: E402

import search.import_tasks  # noqa: E402
import search.tasks  # noqa: E402
import search.tidying_tasks  # noqa: E402
import search.webhook_tasks  # noqa: E402
from workers.celery import app  # noqa: E402

# `workers.celery` declines Celery's Django part; a worker that holds database connections needs it.
fixup(app)

# `celery -A deploy.celery beat` keeps the time: one process of a deployment, beside its workers.
app.conf.beat_schedule = {
    "tidy": {
        "task": search.tidying_tasks.tidy.name,
        "schedule": search.tidying_tasks.TIDY_EVERY_S,
    }
}

__all__ = ["app"]
