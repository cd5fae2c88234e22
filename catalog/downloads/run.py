"""One run of the fetch stage: keeps threads busy with orders, decides what is tried again, writes what came of them.

Threads fetch and store files; records, limits and decisions are this object's, in the thread that drives it.
"""

from __future__ import annotations

import queue
import random
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

from django.conf import settings

from catalog.downloads.hosts import Hosts
from catalog.downloads.orders import Failed, Order, Outcome
from catalog.downloads.recording import Changing, Ended, record
from catalog.downloads.summary import FetchSummary

TRIES = 3
"""Requests for an address in one run."""
RETRY_S = 0.5
"""Before the second; twice as long before the third."""
LONGEST_WAIT_S = 20.0
"""A server that asks for more is left alone for this run."""
ORDERS_AHEAD = 2000
IMAGES_A_WRITE = 200
WRITE_EVERY_S = 1.0
POLL_S = 0.25
REMEMBERED = 50_000
"""Outcomes kept at hand, for variants further on that name the same address."""


class FetchRun:
    """Drives the orders of one run to their ends.

    Attributes:
        summary: What was done so far.
    """

    def __init__(
        self,
        windows: Iterator[list[Order]],
        pool: ThreadPoolExecutor,
        fetch: Callable[[Order], Outcome],
        *,
        changing: Changing,
        on_written: Callable[[int], object],
    ) -> None:
        """A run over these orders.

        Args:
            windows: Orders, some at a time.
            pool: As many threads as requests may run at once.
            fetch: Done in a thread of the pool.
            changing: As `record`.
            on_written: Told how many images were recorded.
        """
        self.summary = FetchSummary()
        self._windows = windows
        self._pool = pool
        self._fetch = fetch
        self._changing = changing
        self._on_written = on_written
        self._hosts = Hosts(per_host=settings.SELVEDGE_FETCH_PER_HOST, interval_s=settings.SELVEDGE_FETCH_INTERVAL_S)
        self._n_threads = settings.SELVEDGE_FETCH_CONCURRENCY
        self._is_all_read = False
        self._n_running = 0
        self._done: queue.SimpleQueue[tuple[Order, Future[Outcome]]] = queue.SimpleQueue()
        self._open: dict[str, Order] = {}
        self._seen: OrderedDict[str, Outcome] = OrderedDict()
        self._unwritten: list[Ended] = []
        self._written_at_s = time.monotonic()

    def go(self, should_stop: Callable[[], bool]) -> None:
        """Fetches all; what has ended is recorded, also where this is interrupted."""
        try:
            while not self._is_over():
                if should_stop():
                    self.summary.is_stopped = True
                    break
                self._read_ahead()
                self._put_off()
                self._start()
                self._collect()
                self._write(at_least=IMAGES_A_WRITE)
        finally:
            self._write(at_least=1)

    def _is_over(self) -> bool:
        return self._is_all_read and not self._n_running and not self._hosts.n_waiting

    def _read_ahead(self) -> None:
        while not self._is_all_read and self._hosts.n_waiting < ORDERS_AHEAD:
            window = next(self._windows, None)
            if window is None:
                self._is_all_read = True
                return
            for order in window:
                self._take_in(order)

    def _take_in(self, order: Order) -> None:
        """Asks for an address once, however many images name it."""
        if (seen := self._seen.get(order.url)) is not None:
            self._unwritten.append((order, seen))
        elif (same := self._open.get(order.url)) is not None:
            same.image_ids.extend(order.image_ids)
        else:
            self._open[order.url] = order
            self._hosts.add(order)

    def _put_off(self) -> None:
        for order, refusal in self._hosts.refused():
            self._end(order, refusal)

    def _start(self) -> None:
        while self._n_running < self._n_threads and (order := self._hosts.take(time.monotonic())) is not None:
            order.n_tries += 1
            self._n_running += 1
            self._pool.submit(self._fetch, order).add_done_callback(
                lambda future, order=order: self._done.put((order, future))  # type: ignore[misc]
            )

    def _collect(self) -> None:
        """Waits for an answer, or until a host may be asked again; then takes all answers there are."""
        if not self._n_running and not self._hosts.n_waiting:
            return
        wait_s = POLL_S
        if self._n_running < self._n_threads:
            wait_s = min(wait_s, self._hosts.wait_s(time.monotonic()))
        try:
            self._answered(*self._done.get(timeout=max(wait_s, 0.001)))
            while True:
                self._answered(*self._done.get_nowait())
        except queue.Empty:
            return

    def _answered(self, order: Order, future: Future[Outcome]) -> None:
        self._n_running -= 1
        outcome = future.result()
        self._hosts.ended(order, outcome)
        if isinstance(outcome, Failed) and not outcome.is_final and self._tries_again(order, outcome):
            return
        self.summary.count_answer(outcome)
        self._end(order, outcome)

    def _tries_again(self, order: Order, failed: Failed) -> bool:
        """Puts an order back where another try in this run is worth it; a server that wants peace gets it."""
        now_s = time.monotonic()
        wait_s = RETRY_S * 2 ** (order.n_tries - 1) * random.uniform(0.5, 1.5)
        if failed.wait_s is not None:
            wait_s = failed.wait_s
            if wait_s > LONGEST_WAIT_S:
                self._hosts.close(order, failed)
                return False
            self._hosts.pause(order, now_s + wait_s)
        if order.n_tries >= TRIES:
            return False
        self._hosts.add(order, not_before_s=now_s + wait_s)
        return True

    def _end(self, order: Order, outcome: Outcome) -> None:
        del self._open[order.url]
        self._seen[order.url] = outcome
        if len(self._seen) > REMEMBERED:
            self._seen.popitem(last=False)
        self._unwritten.append((order, outcome))

    def _write(self, *, at_least: int) -> None:
        n_images = sum(len(order.image_ids) for order, _ in self._unwritten)
        is_late = bool(n_images) and time.monotonic() - self._written_at_s > WRITE_EVERY_S
        if n_images < at_least and not is_late:
            return
        ended, self._unwritten = self._unwritten, []
        record(ended, self._changing)
        for order, outcome in ended:
            self.summary.count_images(order, outcome)
        self._written_at_s = time.monotonic()
        self._on_written(n_images)
