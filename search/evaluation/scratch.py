"""A world of its own for an evaluation: another database, index, media and models folder, under the same code.

For as long as `scratch_world` lasts, everything in this process reads and writes below one folder: the installation's
records, index, files and queue cannot be touched, whatever the code under evaluation does. Not for a process that
serves meanwhile.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from django.conf import settings
from django.contrib.contenttypes.models import ContentType
from django.core.management import call_command
from django.db import DEFAULT_DB_ALIAS, connections

# Django ships this for tests; it is also what tells file storages that their folder has moved.
from django.test.utils import override_settings

from workers.celery import app
from workers.model_files import CheckpointPair

_migrated = b""
"""An empty database with all its tables; empty before the first world."""


@contextmanager
def scratch_world(folder: Path, checkpoints: CheckpointPair) -> Iterator[None]:
    """Enter a fresh, empty installation whose configured checkpoints are the given ones; photos are described here.

    Args:
        folder: Empty; what lies in it afterwards may be removed.
        checkpoints: The pair to describe photos with.
    """
    media, index = folder / "media", folder / "index"
    media.mkdir(parents=True)
    environment = {
        "SELVEDGE_DATA_DIR": str(folder),
        "SELVEDGE_MEDIA_ROOT": str(media),
        "SELVEDGE_MODELS_DIR": str(folder / "models"),
        "SELVEDGE_SEGMENTER": str(checkpoints.segmenter.resolve()),
        "SELVEDGE_EMBEDDER": str(checkpoints.embedder.resolve()),
    }
    with ExitStack() as stack:
        stack.enter_context(_environment(environment))
        stack.enter_context(_tasks_in_this_process())
        database = folder / "db.sqlite3"
        database.write_bytes(_migrated)
        stack.enter_context(_database(database))
        # Never the installation's bucket.
        on_disk = {"BACKEND": "django.core.files.storage.FileSystemStorage"}
        storages = settings.STORAGES | {"default": on_disk}
        stack.enter_context(override_settings(MEDIA_ROOT=media, STORAGES=storages, VECTOR_INDEX_URL=f"faiss://{index}"))
        _migrate(database)
        yield


def _migrate(database: Path) -> None:
    """Make the tables; once a process, because it takes as long as describing a dozen photos."""
    global _migrated
    if not _migrated:
        call_command("migrate", verbosity=0, interactive=False)
        _migrated = database.read_bytes()


@contextmanager
def _environment(values: dict[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextmanager
def _tasks_in_this_process() -> Iterator[None]:
    names = ("task_always_eager", "task_eager_propagates")
    before = {name: getattr(app.conf, name) for name in names}
    app.conf.update(dict.fromkeys(names, True))
    try:
        yield
    finally:
        app.conf.update(before)


@contextmanager
def _database(file: Path) -> Iterator[None]:
    """Everything that asks for the default database gets this one."""
    alias = DEFAULT_DB_ALIAS
    settings_before, connection_before = connections.settings[alias], connections[alias]
    scratch = {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": str(file),
        # Nobody else looks, and after a power cut it is of no use: nothing waits for the disk.
        "OPTIONS": {"init_command": "PRAGMA journal_mode=MEMORY; PRAGMA synchronous=OFF;"},
    }
    connections.settings[alias] = connections.configure_settings({alias: scratch})[alias]
    connections[alias] = connections.create_connection(alias)
    ContentType.objects.clear_cache()
    try:
        yield
    finally:
        connections[alias].close()
        connections.settings[alias], connections[alias] = settings_before, connection_before
        ContentType.objects.clear_cache()
