"""Batches of views: some groups, some views of each, the same whenever they are asked for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from numpy.random import Generator
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from segmentation.config import EmbedderConfig
from segmentation.metric_learning.config import EmbedderTrainConfig
from segmentation.metric_learning.crop_store import CropStore
from segmentation.metric_learning.preparation import PreparedCrop
from segmentation.metric_learning.views import random_view

_ORDER, _VIEWS = 1, 2
"""Streams of random numbers."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Views and what they are of.

    crops: uint8, shape (N, side, side, 3). products, groups: int64, shape (N,), numbers of identities.
    """

    crops: Tensor
    products: Tensor
    groups: Tensor

    def labels(self, name: str) -> Tensor:
        """`LossConfig.label` of each view."""
        return self.products if name == "product" else self.groups


class Identities:
    """The crops that are trained on, by group, with numbers for products and groups."""

    def __init__(self, store: CropStore, indices: Sequence[int]) -> None:
        self.store, self.indices = store, np.asarray(indices, dtype=np.int64)
        facts = [store.facts[index] for index in indices]
        self.group_names = list(dict.fromkeys(each.group for each in facts))
        self.product_names = list(dict.fromkeys(each.product for each in facts))
        groups = {name: number for number, name in enumerate(self.group_names)}
        products = {name: number for number, name in enumerate(self.product_names)}
        self.product_of = {index: products[store.facts[index].product] for index in indices}
        self.crops_of: list[list[int]] = [[] for _ in self.group_names]
        for index, each in zip(indices, facts, strict=True):
            self.crops_of[groups[each.group]].append(index)
        # The segmenter may see two of a group's crops as different garments: the commoner category counts.
        named = [[store.facts[index].category_id for index in crops] for crops in self.crops_of]
        self.categories = np.array([_commonest(ids) for ids in named], dtype=np.int64)
        self.aisles = [store.facts[crops[0]].aisle for crops in self.crops_of]
        self.sources = [(store.facts[crops[0]].source, store.facts[crops[0]].kind) for crops in self.crops_of]

    def repeats(self, config: EmbedderTrainConfig) -> NDArray[np.float64]:
        """How often each group is seen in an epoch, float64 (n_groups,)."""
        wanted = config.repeats
        told = np.array([wanted.get(name, wanted.get(kind, 1.0)) for name, kind in self.sources], dtype=np.float64)
        seen = np.bincount(self.categories, weights=told)
        power = np.divide(seen, seen.mean(where=seen > 0), out=np.ones_like(seen), where=seen > 0)
        factors = power ** (config.category_power - 1)
        balanced = told * factors[self.categories]
        return np.asarray(balanced * (told.sum() / max(balanced.sum(), 1e-9)), dtype=np.float64)


def n_batches(identities: Identities, config: EmbedderTrainConfig) -> int:
    """Batches of a full epoch."""
    return int(identities.repeats(config).sum() + 1e-6) // config.groups_per_batch


def epoch_order(identities: Identities, config: EmbedderTrainConfig, epoch: int) -> NDArray[np.int64]:
    """The groups of an epoch in turn; `same_aisle_run` of one aisle stand together."""
    rng = np.random.default_rng([config.seed, _ORDER, epoch])
    # Rounded so that every epoch has the same number: a comb of teeth 1 apart, laid over all repeats with an offset.
    ends = np.floor(np.cumsum(identities.repeats(config)) + rng.random() + 1e-6)
    times = np.diff(ends, prepend=0.0).astype(np.int64)
    by_aisle: dict[str, list[int]] = defaultdict(list)
    for group in rng.permutation(np.repeat(np.arange(len(times)), times)).tolist():
        by_aisle[identities.aisles[group]].append(group)
    run = config.same_aisle_run
    runs = [groups[start : start + run] for groups in by_aisle.values() for start in range(0, len(groups), run)]
    return np.array([group for number in rng.permutation(len(runs)) for group in runs[number]], dtype=np.int64)


class ViewBatches(Dataset[Batch]):
    """The batches of one epoch by number."""

    def __init__(
        self,
        identities: Identities,
        model: EmbedderConfig,
        train: EmbedderTrainConfig,
        epoch: int,
        first: int,
        end: int,
    ) -> None:
        """Batches `first` up to `end` of an epoch."""
        self._identities, self._model, self._train = identities, model, train
        self._epoch, self._first, self._end = epoch, first, end
        self._order = epoch_order(identities, train, epoch)

    def __len__(self) -> int:
        """How many are left."""
        return self._end - self._first

    def __getitem__(self, number: int) -> Batch:
        """Make a batch."""
        number += self._first
        rng = np.random.default_rng([self._train.seed, _VIEWS, self._epoch, number])
        size = self._train.groups_per_batch
        groups = self._order[number * size : (number + 1) * size]
        crops, products, labels = [], [], []
        for group in groups.tolist():
            for index in self._chosen(group, rng):
                crops.append(self._view(index, rng))
                products.append(self._identities.product_of[index])
                labels.append(group)
        return Batch(torch.from_numpy(np.stack(crops)), torch.tensor(products), torch.tensor(labels))

    def _chosen(self, group: int, rng: Generator) -> list[int]:
        """Crops of a group, or of one of its products: each once before one comes again."""
        crops, wanted = self._identities.crops_of[group], self._train.views_per_group
        if rng.random() < self._train.same_product:
            products = [self._identities.product_of[index] for index in crops]
            product = int(rng.choice(sorted(set(products))))
            crops = [index for index, each in zip(crops, products, strict=True) if each == product]
        chosen: list[int] = []
        while len(chosen) < wanted:
            chosen += rng.permutation(crops)[: wanted - len(chosen)].tolist()
        return chosen

    def _view(self, index: int, rng: Generator) -> NDArray[np.uint8]:
        def other() -> PreparedCrop:
            return self._identities.store[int(rng.choice(self._identities.indices))]

        return random_view(self._identities.store[index], self._model, self._train.views, other, rng)


def batch_loader(batches: ViewBatches, n_workers: int, seed: int) -> DataLoader[Batch]:
    """Make batches in other processes, or in this one where there are no workers."""
    if n_workers > 0:
        cv2.setNumThreads(1)  # before the fork: a child waits for ever for threads that OpenCV had here
    # A generator of its own: a loader draws a seed at its start, and a resumed epoch has one start more.
    generator = torch.Generator().manual_seed(seed)
    return DataLoader(batches, batch_size=None, num_workers=n_workers, generator=generator)


def _commonest(category_ids: Sequence[int | None]) -> int:
    """The commonest category, from 1; 0 where none is known."""
    known = [each + 1 for each in category_ids if each is not None]
    return max(known, key=known.count) if known else 0
