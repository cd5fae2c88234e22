"""What a run of the fetch stage did."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from catalog.downloads.orders import Arrived, Order, Outcome


@dataclass(slots=True)
class FetchSummary:
    """Every image that was due counts once: in `n_ok`, in `failed` or in `later`."""

    n_ok: int = 0
    """Images with a good copy now."""
    n_requests: int = 0
    """Addresses that were asked, tries and redirects not counted."""
    n_not_modified: int = 0
    """Of these, answers that the copy is good still."""
    n_bytes: int = 0
    failed: Counter[str] = field(default_factory=Counter)
    """Images that failed until a server changes its mind, by code; they are asked for rarely."""
    later: Counter[str] = field(default_factory=Counter)
    """Images that are tried again later, by code."""
    is_stopped: bool = False
    """Whether `should_stop` ended it before all was asked for."""

    @property
    def n_failed(self) -> int:
        """Images without a good answer, for good or until later."""
        return self.failed.total() + self.later.total()

    def count_answer(self, outcome: Outcome) -> None:
        """Counts one address that was asked."""
        self.n_requests += 1
        if isinstance(outcome, Arrived):
            self.n_bytes += outcome.n_bytes
            self.n_not_modified += not outcome.n_bytes

    def count_images(self, order: Order, outcome: Outcome) -> None:
        """Counts the images of an address."""
        n_images = len(order.image_ids)
        if isinstance(outcome, Arrived):
            self.n_ok += n_images
        elif outcome.is_final:
            self.failed[outcome.code] += n_images
        else:
            self.later[outcome.code] += n_images
