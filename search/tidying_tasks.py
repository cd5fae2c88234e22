"""The timer's task: `celery -A deploy.celery beat` sends it every minute, a records worker does the chores."""

from __future__ import annotations

import logging

from search.tidying import do_chores
from workers.celery import app

TIDY_EVERY_S = 60.0

logger = logging.getLogger(__name__)


@app.task(name="search.tidying_tasks.tidy", ignore_result=True, expires=TIDY_EVERY_S)
def tidy() -> None:
    """Does what is due."""
    for chore in do_chores():
        if chore.n_done:
            logger.info("%s: %d", chore.name, chore.n_done)
