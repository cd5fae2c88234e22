"""Reads the settings' variables: each is checked as it is read, and an odd one stops the process with its name."""

from __future__ import annotations

import ipaddress
import math
import os
import secrets
from pathlib import Path

import limits
from django.core.exceptions import ImproperlyConfigured


def flag(name: str, default: str) -> bool:
    """Whether a switch is on."""
    return os.environ.get(name, default).strip().lower() in {"1", "true", "yes", "on"}


def words(name: str, default: str) -> list[str]:
    """Words with commas between them."""
    return [word.strip() for word in os.environ.get(name, default).split(",") if word.strip()]


def text(name: str, default: str) -> str:
    """The variable, or the default where it is missing or blank (compose files pass blanks for "not set")."""
    value = os.environ.get(name, "").strip()
    return value if value else default


def positive(name: str, default: float) -> float:
    """A number above 0."""
    return positive_number(name, text(name, str(default)))


def positive_number(name: str, written: str) -> float:
    """Likewise, of a text that stands in the variable of this name."""
    try:
        number = float(written)
    except ValueError:
        number = math.nan
    if not 0 < number < math.inf:
        raise ImproperlyConfigured(f"{name} must be a number above 0, not {written!r}")
    return number


def not_negative(name: str, default: float) -> float:
    """A number of 0 or more."""
    written = text(name, str(default))
    return 0.0 if written in {"0", "0.0"} else positive_number(name, written)


def count(name: str, default: int) -> int:
    """A whole number of 0 or more."""
    written = text(name, str(default))
    if not written.isdecimal():
        raise ImproperlyConfigured(f"{name} must be a whole number of 0 or more, not {written!r}")
    return int(written)


def rate(name: str, default: str) -> str:
    """A limit such as "600/minute", or "off"."""
    written = text(name, default)
    try:
        limits.parse(default if written == "off" else written)
    except ValueError as error:
        raise ImproperlyConfigured(f'{name} must be such as "600/minute" or "off", not {written!r}') from error
    return written


def networks(name: str) -> list[str]:
    """Networks such as 10.1.2.0/24, with commas between them."""
    named = words(name, "")
    for network in named:
        try:
            ipaddress.ip_network(network)
        except ValueError as error:
            raise ImproperlyConfigured(f"{name}: {error}; write networks such as 10.1.2.0/24") from error
    return named


def private_folder(name: str, default: Path, served: Path) -> Path:
    """A folder of what clients hand in, which nobody may fetch: apart from the folder that is served."""
    folder = Path(text(name, str(default))).resolve()
    if folder.is_relative_to(served) or served.is_relative_to(folder):
        raise ImproperlyConfigured(
            f"{name} ({folder}) must lie apart from the media folder, which is served ({served})"
        )
    return folder


def secret_key(data_dir: Path) -> str:
    """SECRET_KEY from the environment, or one drawn once and kept in the data folder for its owner alone."""
    given = os.environ.get("SECRET_KEY", "").strip()
    if given:
        return given
    path = data_dir / "secret_key"
    if not path.exists():
        fresh = path.with_name(f"secret_key.{os.getpid()}")
        fresh.touch(mode=0o600)
        fresh.write_text(secrets.token_urlsafe(50), encoding="ascii")
        try:
            # A hard link appears whole and only once, so two processes that start together agree on one key.
            path.hardlink_to(fresh)
        except FileExistsError:
            pass
        finally:
            fresh.unlink()
    return path.read_text(encoding="ascii")


def refuse_weak_key(key: str) -> None:
    """What `check --deploy` only warns of: this key signs sessions and webhooks' secrets."""
    if len(key) < 50 or len(set(key)) < 5 or key.startswith("django-insecure-"):
        raise ImproperlyConfigured("SECRET_KEY is too weak for SELVEDGE_HTTPS=1: draw 50 random characters or more")
