"""What work costs: wall seconds, and processor seconds over all threads."""

from __future__ import annotations

import os
import time


class Stopwatch:
    """Reads the seconds since it was last read."""

    def __init__(self) -> None:
        self._wall_s, self._cpu_s = time.monotonic(), _cpu_s()

    def lap(self) -> tuple[float, float]:
        """Wall seconds and processor seconds since the last lap, or since the start."""
        wall_s, cpu_s = time.monotonic(), _cpu_s()
        passed = wall_s - self._wall_s, cpu_s - self._cpu_s
        self._wall_s, self._cpu_s = wall_s, cpu_s
        return passed


def _cpu_s() -> float:
    """Of this process and of the children that ended: loaders are counted when their epoch ends."""
    times = os.times()
    return time.process_time() + times.children_user + times.children_system
