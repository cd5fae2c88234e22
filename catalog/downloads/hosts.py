"""Who is asked next: per-host limits, pauses that servers ask for, and hosts that are dead."""

from __future__ import annotations

import heapq
import itertools
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from catalog.downloads.orders import Failed, Order, Outcome

DEAD_AFTER = 5
"""Failures of a host in a row, none of its requests answered in between, until it is left alone for this run."""
FOREVER_S = float("inf")


@dataclass(slots=True)
class HostLine:
    """The orders that wait for one host."""

    waiting: deque[Order] = field(default_factory=deque)
    later: list[tuple[float, int, Order]] = field(default_factory=list)
    """A heap of orders that are tried again, by the time on the monotonic clock."""
    n_running: int = 0
    free_at_s: float = 0.0
    n_failed_in_row: int = 0
    refusal: Failed | None = None
    """Why it is asked no more in this run."""


class Hosts:
    """Hands out orders so that no host is asked too much at once or too often; not for several threads.

    Attributes:
        n_waiting: Orders that were not handed out.
    """

    def __init__(self, *, per_host: int, interval_s: float) -> None:
        """Limits per host.

        Args:
            per_host: Requests at once.
            interval_s: Between the starts of two of them.
        """
        self.n_waiting = 0
        self._per_host = per_host
        self._interval_s = interval_s
        self._lines: dict[str, HostLine] = {}
        self._turns: deque[str] = deque()
        self._numbers = itertools.count()

    def add(self, order: Order, *, not_before_s: float = 0.0) -> None:
        """Puts an order into its host's line."""
        line = self._lines.setdefault(order.host, HostLine())
        if not (line.waiting or line.later):
            self._turns.append(order.host)
        if not_before_s:
            heapq.heappush(line.later, (not_before_s, next(self._numbers), order))
        else:
            line.waiting.append(order)
        self.n_waiting += 1

    def take(self, now_s: float) -> Order | None:
        """The next order that may be begun now, host after host; None where none may."""
        for _ in range(len(self._turns)):
            name = self._turns.popleft()
            line = self._lines[name]
            order = self._take_from(line, now_s)
            if line.waiting or line.later:
                self._turns.append(name)
            if order is not None:
                return order
        return None

    def wait_s(self, now_s: float) -> float:
        """Seconds until an order may be begun that waits for the clock alone."""
        starts = [
            max(line.free_at_s, 0.0 if line.waiting else line.later[0][0])
            for line in (self._lines[name] for name in self._turns)
            if line.n_running < self._per_host
        ]
        return max(0.0, min(starts) - now_s) if starts else FOREVER_S

    def ended(self, order: Order, outcome: Outcome) -> None:
        """Counts what came of an order that was handed out."""
        line = self._lines[order.host]
        line.n_running -= 1
        if not (isinstance(outcome, Failed) and outcome.is_of_host):
            line.n_failed_in_row = 0
            return
        line.n_failed_in_row += 1
        if line.n_failed_in_row >= DEAD_AFTER and line.refusal is None:
            reason = f"the host failed {DEAD_AFTER} times in a row ({outcome.code}) and is asked again later"
            line.refusal = Failed("host_unavailable", reason, is_final=False, wait_s=outcome.wait_s)

    def pause(self, order: Order, until_s: float) -> None:
        """Leaves an order's host alone until then."""
        line = self._lines[order.host]
        line.free_at_s = max(line.free_at_s, until_s)

    def close(self, order: Order, refusal: Failed) -> None:
        """Leaves an order's host alone for the rest of the run."""
        self._lines[order.host].refusal = refusal

    def refused(self) -> Iterator[tuple[Order, Failed]]:
        """Takes the orders out that wait for a host that is asked no more, each with the reason."""
        for name in [name for name in self._turns if self._lines[name].refusal is not None]:
            line = self._lines[name]
            self._turns.remove(name)
            orders = [*line.waiting, *(order for *_, order in line.later)]
            line.waiting.clear()
            line.later.clear()
            self.n_waiting -= len(orders)
            for order in orders:
                if line.refusal is not None:
                    yield order, line.refusal

    def _take_from(self, line: HostLine, now_s: float) -> Order | None:
        if line.n_running >= self._per_host or line.free_at_s > now_s:
            return None
        if line.later and line.later[0][0] <= now_s:
            order = heapq.heappop(line.later)[2]
        elif line.waiting:
            order = line.waiting.popleft()
        else:
            return None
        self.n_waiting -= 1
        line.n_running += 1
        line.free_at_s = now_s + self._interval_s
        return order
