"""The house stands: arrows run down, web processes stay light, migrations and README match the code."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest


def python(repository: Path, code: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Run code in a fresh process, where nothing is imported yet."""
    return subprocess.run(
        [sys.executable, "-c", code], cwd=repository, env=os.environ | env, capture_output=True, text=True, timeout=120
    )


def loaded(repository: Path, statement: str, suspects: set[str], **env: str) -> set[str]:
    """Which of the suspects a process holds after the statement."""
    code = f"{statement}\nimport sys\nprint('loaded:', *[name for name in {sorted(suspects)!r} if name in sys.modules])"
    done = python(repository, code, **env)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.rsplit("loaded:", 1)[1].split())


def test_import_contracts_hold(repository):
    lint = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([lint, "--no-cache"], cwd=repository, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


SERVE = "import deploy.wsgi; from django.urls import get_resolver; get_resolver().url_patterns"


def test_a_web_process_imports_no_torch(repository):
    heavy = {"torch", "torchvision", "segmentation.predictor"}
    assert loaded(repository, SERVE, heavy, CELERY_BROKER_URL="redis://127.0.0.1:1/0") == set()


def test_the_records_worker_imports_no_torch(repository):
    assert loaded(repository, "import deploy.celery", {"torch"}, CELERY_BROKER_URL="redis://127.0.0.1:1/0") == set()


START_VISION = "from workers.celery import app; app.loader.import_default_modules(); assert app.tasks"


def test_the_vision_worker_starts_where_django_cannot_be_imported(repository):
    absent = "import sys; sys.modules.update({'django': None, 'rest_framework': None, 'faiss': None})"
    done = python(repository, f"{absent}\n{START_VISION}", DJANGO_SETTINGS_MODULE="deploy.settings")
    assert done.returncode == 0, done.stderr


def test_the_vision_worker_sets_up_no_django_even_where_its_settings_are_named(repository):
    # kombu imports django.utils.functional for its JSON wherever Django is installed; that sets nothing up.
    suspects = {"django.conf", "django.apps", "django.db", "rest_framework", "catalog", "search", "faiss"}
    assert loaded(repository, START_VISION, suspects, DJANGO_SETTINGS_MODULE="deploy.settings") == set()


def test_the_records_worker_knows_the_tasks_of_both_queues(repository):
    code = "from deploy.celery import app; app.loader.import_default_modules(); print(sorted(app.tasks))"
    done = python(repository, code)
    assert "workers.tasks.describe_images" in done.stdout
    assert "search.tasks." in done.stdout


def test_no_migration_is_missing(repository):
    done = subprocess.run(
        [sys.executable, "manage.py", "makemigrations", "--check", "--dry-run"],
        cwd=repository,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md"])
def test_commands_the_documents_name_exist(repository, name):
    text = (repository / name).read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z]+):", (repository / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    code = "".join(re.findall(r"```.*?```|`[^`\n]+`", text, re.DOTALL))
    named = set(re.findall(r"\bmake ([a-z]+)\b", code))
    assert named <= targets, f"{name} names make targets that do not exist: {sorted(named - targets)}"
    commands = set(re.findall(r"manage\.py ([a-z_]+)", code))
    own = {path.stem for path in repository.glob("*/management/commands/*.py")}
    django = {"migrate", "makemigrations", "createsuperuser", "runserver", "collectstatic", "shell", "check", "test"}
    assert commands <= own | django, f"{name} names commands that do not exist: {sorted(commands - own - django)}"
    modules = set(re.findall(r"python -m ((?:deploy|benchmarks|workers)\.[a-z_.]+)", code))
    missing = [each for each in modules if not (repository / (each.replace(".", "/") + ".py")).is_file()]
    assert not missing, f"{name} names modules that do not exist: {missing}"
