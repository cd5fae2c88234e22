"""Real servers for tests: Redis and PostgreSQL of the test session's own, on free ports, gone afterwards."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

START_TIMEOUT_S = 30.0


class ServiceMissingError(Exception):
    """A server program is not installed; the message says what to install."""


def free_port() -> int:
    """A TCP port of this machine that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_until(ready: Callable[[], bool], what: str, *, timeout_s: float = START_TIMEOUT_S) -> None:
    """Ask until `ready` says yes.

    Raises:
        TimeoutError: It never did.
    """
    deadline = time.monotonic() + timeout_s
    while not ready():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what} was not ready within {timeout_s:g} s")
        time.sleep(0.05)


def port_answers(port: int) -> bool:
    """Whether something listens."""
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def process(
    command: list[str],
    log: Path,
    *,
    env: dict[str, str] | None = None,
    user: str | None = None,
    cwd: Path | None = None,
) -> Iterator[subprocess.Popen[bytes]]:
    """A process for the length of a `with`; its output goes to `log`; stopped politely, then firmly."""
    with log.open("ab") as output:
        running = subprocess.Popen(
            command, stdout=output, stderr=subprocess.STDOUT, env=env, cwd=cwd, start_new_session=True, **_as(user)
        )
    try:
        yield running
    finally:
        running.terminate()
        try:
            running.wait(timeout=10)
        except subprocess.TimeoutExpired:
            running.kill()
            running.wait()


@contextmanager
def redis_server(folder: Path) -> Iterator[str]:
    """A Redis without persistence; yields its URL.

    Raises:
        ServiceMissingError: redis-server is not installed.
    """
    program = shutil.which("redis-server")
    if program is None:
        raise ServiceMissingError("redis-server is not installed: apt-get install redis-server")
    port = free_port()
    options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", str(folder)]
    with process([program, *options], folder / "redis.log"):
        wait_until(lambda: port_answers(port), "Redis")
        yield f"redis://127.0.0.1:{port}/0"


@contextmanager
def postgres_server(folder: Path) -> Iterator[str]:
    """A PostgreSQL cluster of its own with an empty database; yields its URL.

    Raises:
        ServiceMissingError: PostgreSQL is not installed.
    """
    programs = _postgres_programs()
    # PostgreSQL refuses to run as root.
    user = _unprivileged_user() if os.geteuid() == 0 else None
    # Not in pytest's folder: that one is private to root, and too long a path for a socket.
    home = Path(tempfile.mkdtemp(prefix="selvedge-pg-"))
    if user is not None:
        shutil.chown(home, user)
    try:
        yield from _serve_postgres(programs, home, user, folder / "postgres.log")
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _serve_postgres(programs: Path, home: Path, user: str | None, log: Path) -> Iterator[str]:
    cluster, port = home / "cluster", free_port()
    initdb = [str(programs / "initdb"), "-D", str(cluster), "-U", "selvedge", "--auth=trust", "--no-sync", "-E", "UTF8"]
    subprocess.run(initdb, check=True, capture_output=True, cwd=home, **_as(user))
    server = [str(programs / "postgres"), "-D", str(cluster), "-p", str(port), "-h", "127.0.0.1", "-k", str(home)]
    with process([*server, "-c", "fsync=off"], log, user=user, cwd=home):
        create = [str(programs / "createdb"), "-h", "127.0.0.1", "-p", str(port), "-U", "selvedge", "selvedge"]
        wait_until(lambda: subprocess.run(create, capture_output=True, check=False).returncode == 0, "PostgreSQL")
        yield f"postgres://selvedge@127.0.0.1:{port}/selvedge"


def _postgres_programs() -> Path:
    """The newest installed version's folder; Debian keeps it off the PATH."""
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if versions:
        return versions[-1].parent
    initdb = shutil.which("initdb")
    if initdb is None:
        raise ServiceMissingError("PostgreSQL is not installed: apt-get install postgresql")
    return Path(initdb).resolve().parent


def _unprivileged_user() -> str:
    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


def _as(user: str | None) -> dict[str, object]:
    if user is None:
        return {}
    entry = pwd.getpwnam(user)
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
