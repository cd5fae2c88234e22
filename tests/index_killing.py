"""Kills writers and compactors with SIGKILL, again and again, and looks at what they leave; see `test_index_processes`.

    python -m tests.index_killing FOLDER SEED

A process of its own, without threads, so that it can fork: a kill then costs milliseconds, not the start of Python.
What is published is known from its number alone, because step n, and nothing else, publishes state n.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path

import numpy as np

from search.index import compaction
from search.index.base import Tags
from search.index.opened import OpenedSpace
from search.index.options import IndexOptions
from search.index.registry import compact, open_writer
from tests.index_on_disk import DIM, SPACE, forget_what_is_open, pointer_of, url_of

LEAST_KILLS = 60
MOST_S = 60.0
N_IDS = 300

Rows = dict[int, tuple[bytes, int]]
"""What must be there: vector and price by id."""


def step_of(number: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What step `number` does: ids to upsert, their vectors, ids to remove."""
    chance = np.random.default_rng(number)
    ids = chance.choice(N_IDS, 400 if number == 1 else int(chance.integers(1, 60)), replace=number == 1)
    ids = np.unique(ids)
    vectors = chance.standard_normal((ids.size, DIM)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return ids, vectors, chance.choice(N_IDS, int(chance.integers(0, 20)), replace=False)


def write(root: Path) -> None:
    """Publish step after step, until killed."""
    parent = os.getppid()
    while os.getppid() == parent:
        forget_what_is_open()  # as often as not, a writer is a new process
        for _ in range(5):
            write_step(root)


def write_step(root: Path) -> None:
    with open_writer(url_of(root), SPACE, DIM, timeout_s=30) as writer:
        number = writer.generation + 1
        ids, vectors, removed = step_of(number)
        writer.upsert(ids, vectors, [Tags(1, 2, price=number)] * ids.size)
        writer.remove(removed)
        if writer.publish() != number:
            raise AssertionError("numbers do not follow each other")


def fold(root: Path) -> None:
    """Compact again and again, until killed."""
    parent = os.getppid()
    while os.getppid() == parent:
        compact(url_of(root), SPACE, DIM)
        time.sleep(0.002)


def apply(rows: Rows, number: int) -> None:
    ids, vectors, removed = step_of(number)
    for vector_id, vector in zip(ids.tolist(), vectors, strict=True):
        rows[vector_id] = (vector.tobytes(), number)
    for vector_id in removed.tolist():
        rows.pop(vector_id, None)


def published(root: Path) -> tuple[int, Rows]:
    """What a process finds that has just started, every byte of it."""
    found = OpenedSpace(root, SPACE, DIM, IndexOptions()).newest()
    state = found.state
    rows: Rows = {}
    for position in state.living_rows().tolist():
        one = int(state.base.rows.ids[position])
        rows[one] = (state.base.rows.vectors[position].tobytes(), int(state.base.rows.tags[6][position]))
    vectors = state.delta.log.vectors(state.position.n_rows)
    for place in state.living_places().tolist():
        one = int(state.delta.ids(np.array([place]))[0])
        rows[one] = (vectors[place].tobytes(), int(state.delta.tag_rows(np.array([place]))[0, 6]))
    return found.pointer.number, rows


def forked(work: Callable[[Path], None], root: Path) -> int:
    child = os.fork()
    if child:
        return child
    try:
        work(root)
    except BaseException:
        traceback.print_exc()
    os._exit(1)


def kill(child: int) -> bool:
    """Whether it was alive until then."""
    os.kill(child, signal.SIGKILL)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])


def pointers(root: Path) -> list[bytes]:
    return [path.read_bytes() for path in root.glob("*/CURRENT")]


def main(root: Path, seed: int) -> dict[str, object]:
    """Kill until every kind of litter was seen; tell what happened."""
    chance, until = random.Random(seed), time.monotonic() + MOST_S
    compaction.DUE_ABOVE_ROWS, compaction.DUE_ABOVE_SHARE = 100, 0.0
    expected: Rows = {}
    seen = {"a torn log": 0, "a half-built base": 0, "a base of no pointer": 0}
    last = kills = wrong = died = bases = 0
    fsync: Callable[[int], None] = os.fsync
    base = ""
    # The first step goes undisturbed: killed between its base and its pointer, the next would not have number 1.
    os.waitpid(forked(write_step, root), 0)
    while time.monotonic() < until and (kills < LEAST_KILLS or not (seen["a torn log"] and seen["a half-built base"])):
        # Without, a kill finds the process in other places than waiting for the disk.
        os.fsync = fsync if kills % 3 == 0 else (lambda _: None)  # type: ignore[assignment]
        before = pointers(root)
        children = [forked(write, root), forked(fold, root)]
        while kills % 4 and pointers(root) == before and time.monotonic() < until:
            time.sleep(0.001)  # until they are in the middle of their work, at most times
        time.sleep(chance.uniform(0, 0.03))
        chance.shuffle(children)
        died += not kill(children[0])
        time.sleep(chance.uniform(0, 0.02))
        died += not kill(children[1])
        kills += 2
        if not list(root.glob("*/CURRENT")):
            continue
        number, rows = published(root)
        for step in range(last + 1, number + 1):
            apply(expected, step)
        wrong += rows != expected or number < last
        last = number
        pointer, folder = pointer_of(root), next(root.glob("*/CURRENT")).parent
        named = {segment.folder_name for segment in (pointer.current, pointer.mirror) if segment is not None}
        log = folder / pointer.current.folder_name / "delta.log"
        seen["a torn log"] += log.stat().st_size > pointer.current.log.n_bytes
        seen["a half-built base"] += (folder / ".compacting").exists()
        seen["a base of no pointer"] += bool({path.name for path in folder.glob("base-*")} - named)
        bases += pointer.current.folder_name != base
        base = pointer.current.folder_name
    return {"kills": kills, "published": last, "bases": bases, "wrong": wrong, "died": died, "seen": seen}


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]), int(sys.argv[2]))))
