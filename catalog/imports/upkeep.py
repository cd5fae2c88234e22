"""What becomes of imports afterwards: jobs are forgotten after a while, files that belong to none are removed."""

from __future__ import annotations

import shutil
import time
from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from catalog.models import ImportJob

ENDED = (ImportJob.State.SUCCEEDED, ImportJob.State.FAILED, ImportJob.State.CANCELLED)
STRAY_AFTER_S = 24 * 3600.0
"""An upload may take long; a file of no job that is older was left by a process that died."""


def forget_old_imports() -> int:
    """Deletes jobs that ended `SELVEDGE_IMPORT_RETENTION_DAYS` ago, their row errors along; returns how many."""
    before = timezone.now() - timedelta(days=settings.SELVEDGE_IMPORT_RETENTION_DAYS)
    old = ImportJob.objects.filter(state__in=ENDED, ended_at__lt=before)
    return old.delete()[1].get(ImportJob._meta.label, 0)


def remove_stray_files() -> int:
    """Removes what lies in the imports folder and belongs to no job that is still to be run; returns how many."""
    folder = settings.SELVEDGE_IMPORTS_DIR
    if not folder.is_dir():
        return 0
    needed = set(map(str, ImportJob.objects.exclude(state__in=ENDED).values_list("pk", flat=True)))
    n_removed = 0
    for path in folder.iterdir():
        if path.name in needed or time.time() - path.stat().st_mtime < STRAY_AFTER_S:
            continue
        shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)
        n_removed += 1
    return n_removed
