"""Drives a catalog's images through the tasks and watches the database for the outcome, embedded and queued alike."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from catalog.models import ProductImage, Retailer
from search.errors import IndexingStalled
from search.indexing import index_is_whole
from search.models import ImageDescription, Space
from search.selectors import IDS_A_QUERY, chunked, due_images
from search.tasks import dispatch_batch, request_sync, reuse_descriptions

IMAGES_A_BATCH = 8
IMAGES_IN_FLIGHT = 128
"""Dispatched and not stored yet: enough for a dozen workers, few enough that a killed run leaves little behind."""
POLL_S = 0.25
PATIENCE_S = 2.0
"""What is stored is published within a second; other changes come meanwhile, so what differed is looked at again."""
STALL_TIMEOUT_S = 180.0
"""A cold vision worker loads its model and describes a first batch well within."""

_LOOK_AFTER_WORKERS = (
    "Is a vision worker running (celery -A workers.celery worker -Q vision -P solo) and a records worker "
    "(celery -A deploy.celery worker -Q records), both with this process's checkpoints, database, media and index? "
    "Their logs say what failed. Then run this command again: what is done stays done."
)


@dataclass(slots=True)
class DescribingRun:
    """One run over a retailer's due images: what it waits for and what came of it.

    Attributes:
        space: The space to describe in.
        stall_timeout_s: Give up when nothing was stored for so long.
        on_progress: Called with the number of images that were just stored.
        described_ids: Images that were described.
        failed: Descriptions that say why not, with image and product fetched.
        n_reused: How many of the described ones needed no model, because the same file had been described.
    """

    space: Space
    stall_timeout_s: float
    on_progress: Callable[[int], object]
    described_ids: list[int] = field(default_factory=list)
    failed: list[ImageDescription] = field(default_factory=list)
    n_reused: int = 0
    _waiting: set[int] = field(default_factory=set)
    _moved_at: float = field(default_factory=time.monotonic)

    @property
    def described(self) -> int:
        """How many images were described."""
        return len(self.described_ids)

    def describe(self, retailer: Retailer) -> None:
        """Describes every due image of a retailer; returns when all are stored and published.

        Raises:
            IndexingStalled: Nothing moved for `stall_timeout_s`.
            WorkersError: In this process, the model is missing; over the queue, the broker is unreachable.
        """
        due = list(due_images(self.space, retailer).values_list("pk", flat=True))
        firsts, twins = self._one_a_file(self._reuse(due))
        for image_ids in chunked(firsts, IMAGES_A_BATCH):
            self._dispatch(image_ids)
            self._wait_until_fewer_than(IMAGES_IN_FLIGHT)
        self._wait_until_fewer_than(1)
        # Those with the same files were stored along with the first ones.
        self._waiting.update(twins)
        self._wait_until_fewer_than(1)
        self.n_reused += len(set(twins) - {failed.image_id for failed in self.failed})

    def wait_until_published(self, retailer: Retailer | None) -> None:
        """Returns when searches see all garments (of a retailer); asks for it once where nobody did.

        Raises:
            IndexingStalled: It did not happen within `stall_timeout_s`.
            WorkersError: The queue cannot be reached.
        """
        if index_is_whole(self.space, retailer, patience_s=PATIENCE_S):
            return
        request_sync(self.space)
        self._moved_at = time.monotonic()
        while not index_is_whole(self.space, retailer, patience_s=PATIENCE_S):
            self._pause("the index is not published")

    def _reuse(self, image_ids: Sequence[int]) -> list[int]:
        """Copies what was seen in the same files before; returns the images that need a model."""
        left: list[int] = []
        for ids in chunked(image_ids, IDS_A_QUERY):
            reused = set(reuse_descriptions(ids, self.space))
            self.n_reused += len(reused)
            self.described_ids.extend(sorted(reused))
            left.extend(image_id for image_id in ids if image_id not in reused)
            if reused:
                self.on_progress(len(reused))
        return left

    def _one_a_file(self, image_ids: Sequence[int]) -> tuple[list[int], list[int]]:
        """One image for each file, and the others, which have the same file as one of those."""
        firsts: list[int] = []
        twins: list[int] = []
        files: set[str] = set()
        for ids in chunked(image_ids, IDS_A_QUERY):
            for image_id, sha256 in ProductImage.objects.filter(pk__in=ids).order_by("pk").values_list("pk", "sha256"):
                (twins if sha256 in files else firsts).append(image_id)
                files.add(sha256)
        return firsts, twins

    def _dispatch(self, image_ids: Sequence[int]) -> None:
        dispatch_batch(list(ProductImage.objects.filter(pk__in=image_ids).order_by("pk")), self.space)
        self._waiting.update(image_ids)

    def _wait_until_fewer_than(self, limit: int) -> None:
        while True:
            stored = self._waiting - self._still_due()
            if stored:
                self._waiting -= stored
                self._count(stored)
                self._moved_at = time.monotonic()
                self.on_progress(len(stored))
            if len(self._waiting) < limit:
                return
            self._pause(f"{len(self._waiting)} photos are queued and none was described")

    def _still_due(self) -> set[int]:
        return {
            image_id
            for ids in chunked(sorted(self._waiting), IDS_A_QUERY)
            for image_id in due_images(self.space).filter(pk__in=ids).values_list("pk", flat=True)
        }

    def _count(self, image_ids: set[int]) -> None:
        for ids in chunked(sorted(image_ids), IDS_A_QUERY):
            descriptions = ImageDescription.objects.filter(space=self.space, image__in=ids)
            failed = descriptions.filter(state=ImageDescription.State.FAILED).select_related("image__product")
            self.failed.extend(failed.order_by("image_id"))
            described = descriptions.filter(state=ImageDescription.State.OK)
            self.described_ids.extend(described.values_list("image_id", flat=True))

    def _pause(self, what: str) -> None:
        if time.monotonic() - self._moved_at > self.stall_timeout_s:
            raise IndexingStalled(f"For {self.stall_timeout_s:g} s {what}. {_LOOK_AFTER_WORKERS}")
        time.sleep(POLL_S)
