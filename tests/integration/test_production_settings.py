"""The production setting: Django's own check has nothing to say, and what is weak stops the process."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
from pathlib import Path

import pytest

HTTPS = {"SELVEDGE_HTTPS": "1", "SECRET_KEY": secrets.token_urlsafe(50), "SELVEDGE_ANONYMOUS": "none"}


def python(repository: Path, words: list[str], **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *words],
        cwd=repository,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_djangos_check_for_deployment_is_clean(repository: Path) -> None:
    done = python(repository, ["manage.py", "check", "--deploy", "--fail-level", "WARNING"], **HTTPS)
    assert done.returncode == 0, done.stderr
    assert "no issues" in done.stdout, done.stdout


ASKING = """
import django
django.setup()
from django.test import Client
client = Client(headers={"Host": "localhost"})
plain, proxied = client.get("/trends"), client.get("/trends", headers={"X-Forwarded-Proto": "https"})
print(client.get("/healthz").status_code, plain.status_code, plain["Location"])
print(proxied.status_code, proxied["Strict-Transport-Security"])
from django.conf import settings
print(settings.SESSION_COOKIE_SECURE, settings.CSRF_COOKIE_SECURE, settings.SELVEDGE_TRUSTED_PROXIES)
"""


def test_everything_but_health_goes_over_https(repository: Path) -> None:
    done = python(repository, ["-c", ASKING], DJANGO_SETTINGS_MODULE="deploy.settings", **HTTPS)
    assert done.stdout.splitlines() == [
        "200 301 https://localhost/trends",
        "200 max-age=31536000; includeSubDomains; preload",
        "True True 1",
    ], done.stderr


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"SECRET_KEY": "short"}, "SECRET_KEY is too weak"),
        ({"SECRET_KEY": "ab" * 40}, "SECRET_KEY is too weak"),
        ({"SECRET_KEY": "django-insecure-" + secrets.token_urlsafe(50)}, "SECRET_KEY is too weak"),
        ({"DEBUG": "1"}, "DEBUG shows settings"),
        ({"SELVEDGE_TRUSTED_PROXIES": "-1"}, "SELVEDGE_TRUSTED_PROXIES must be a whole number"),
        ({"SELVEDGE_RATE_SECRET": "much"}, "SELVEDGE_RATE_SECRET must be such as"),
        (
            {"SELVEDGE_MEDIA_ROOT": "/srv/m", "SELVEDGE_IMPORTS_DIR": "/srv/m/in"},
            "SELVEDGE_IMPORTS_DIR (/srv/m/in) must",
        ),
        (
            {"SELVEDGE_MEDIA_ROOT": "/srv/m", "SELVEDGE_QUERY_PHOTOS_DIR": "/srv"},
            "SELVEDGE_QUERY_PHOTOS_DIR (/srv) must",
        ),
    ],
)
def test_what_is_weak_or_wrong_stops_the_process(repository: Path, changed: dict[str, str], said: str) -> None:
    done = python(repository, ["-c", "import deploy.settings"], **(HTTPS | changed))
    assert done.returncode != 0
    assert said in done.stderr
