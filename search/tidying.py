"""Chores that keep a deployment tidy: what a dead process left is taken up, what is due is done, what expired goes.

`manage.py tidy` does them once; a timer calls it (cron, or the beat of `deploy.celery`), and so do web servers at their
start and whoever hands in an import. Each chore may be done by several processes at once.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

from catalog.imports.upkeep import forget_old_imports, remove_stray_files
from catalog.webhooks.sending import send_for_a_while
from catalog.webhooks.upkeep import forget_old_deliveries
from search.event_upkeep import forget_old_events
from search.image_upkeep import forget_old_validators, retry_images
from search.import_tasks import look_at_forgotten, take_up_imports
from search.query_images import purge_expired
from search.query_photos import remove_strays
from search.recommendations.counting import count_when_due
from search.search_records import purge_old_searches

logger = logging.getLogger(__name__)

Chore = Callable[[], int]
"""Does what is due and says how much that was."""

CHORES: tuple[tuple[str, Chore], ...] = (
    ("imports taken up", take_up_imports),
    ("products with forgotten photos", look_at_forgotten),
    ("old imports forgotten", forget_old_imports),
    ("stray import files removed", remove_stray_files),
    ("images fetched that had failed or were old", retry_images),
    ("old ETags forgotten", forget_old_validators),
    ("expired photos forgotten", purge_expired),
    ("stray photos removed", remove_strays),
    ("old searches forgotten", purge_old_searches),
    ("webhooks sent", send_for_a_while),
    ("old webhook deliveries forgotten", forget_old_deliveries),
    ("old events forgotten", forget_old_events),
    ("pairs worn together counted", count_when_due),
)
"""In the order they are done; add yours. They may be bodies or hand tasks over, as a command may: tasks stay below."""


@dataclass(frozen=True, slots=True)
class ChoreDone:
    """What came of one chore."""

    name: str
    n_done: int
    error: str = ""


def do_chores(chores: tuple[tuple[str, Chore], ...] = CHORES) -> list[ChoreDone]:
    """Does each chore; one that fails is logged and does not keep the others from being done."""
    done = []
    for name, chore in chores:
        try:
            done.append(ChoreDone(name, chore()))
        except Exception as error:  # the chores concern different rooms; whatever one meets, the next one is due
            logger.exception("The chore %r failed.", name)
            done.append(ChoreDone(name, 0, f"{type(error).__name__}: {error}"))
    return done
