"""Progress bars of commands."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tqdm import tqdm


def progress_on(bar: tqdm[Any]) -> Callable[[int, int], None]:
    """A callback (done, total) that moves a bar."""

    def move(done: int, total: int) -> None:
        bar.total = total
        bar.update(done - bar.n)

    return move
