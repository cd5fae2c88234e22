"""Starts processes that search or change a shop, for tests with several real ones; what they can do: `search_child`."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

CHILD = "import django; django.setup(); from tests.search_child import main; main()"
Ask = Callable[..., Any]


@contextmanager
def process(repository: Path, environment: dict[str, str]) -> Iterator[Ask]:
    """Starts one and gives what to call with a verb and its arguments.

    Raises:
        EOFError: (by the call) The process died.
    """
    command = [sys.executable, "-c", CHILD]
    running = subprocess.Popen(
        command, cwd=repository, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )

    def ask(verb: str, *arguments: Any, **options: Any) -> Any:
        assert running.stdin is not None
        assert running.stdout is not None
        running.stdin.write(json.dumps([verb, arguments, options]) + "\n")
        running.stdin.flush()
        reply = running.stdout.readline()
        if not reply:
            raise EOFError(f"the process died at {verb}")
        return json.loads(reply)

    try:
        yield ask
    finally:
        running.kill()
        running.communicate()
