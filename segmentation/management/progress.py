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


def resumed_progress_on(bar: tqdm[Any]) -> Callable[[int, int], None]:
    """As `progress_on`; its first call tells what an earlier run did, which says nothing about this one's speed."""
    move = progress_on(bar)

    def first_then_move(done: int, total: int) -> None:
        if bar.total is None:
            bar.initial = bar.n = done
        move(done, total)

    return first_then_move
