"""Progress bars of the commands, on standard error."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from tqdm import tqdm

IMAGES_FORMAT = "{l_bar}{bar}| {n_fmt}/{total_fmt} [{elapsed} gone, {remaining} to go, {rate_noinv_fmt}]"
"""Always images a second: tqdm's own turns to seconds an image where that is more than one."""


@contextmanager
def import_bar(*, shown: bool) -> Iterator[Callable[[int, int], None]]:
    """A bar over a feed's bytes, unpacked; yields what to call with (bytes done, bytes in all)."""
    with tqdm(desc="import", unit="B", unit_scale=True, unit_divisor=1024, disable=not shown) as bar:

        def show(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        yield show


@contextmanager
def describing_bar(total: int, *, shown: bool) -> Iterator[Callable[[int], object]]:
    """A bar over photos with the time to go, none where none is due; yields what to call with the photos just done."""
    with tqdm(
        total=total, desc="describe", unit="image", disable=not shown or total == 0, bar_format=IMAGES_FORMAT
    ) as bar:
        yield bar.update


@contextmanager
def fetching_bar(*, shown: bool) -> Iterator[Callable[[int, int], None]]:
    """A bar over images to fetch with the time to go, none where none is due; yields what to call with (done, all)."""
    bar: tqdm[Any] | None = None

    def show(done: int, total: int) -> None:
        nonlocal bar
        if bar is None:
            bar = tqdm(total=total, desc="fetch", unit="image", disable=not shown, bar_format=IMAGES_FORMAT)
        bar.total = total
        bar.update(done - bar.n)

    try:
        yield show
    finally:
        if bar is not None:
            bar.close()


@contextmanager
def garments_bar(count: Callable[[], int], *, shown: bool) -> Iterator[Callable[[int], object]]:
    """A bar over garments with the time to go, from the first one on; yields what to call with those just written."""
    bar: tqdm[Any] | None = None

    def show(done: int) -> None:
        nonlocal bar
        if bar is None:
            bar = tqdm(total=count(), desc="index", unit="garment", disable=not shown)
        bar.update(done)

    try:
        yield show
    finally:
        if bar is not None:
            bar.close()
