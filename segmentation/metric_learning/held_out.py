"""Which identities are held out, and what is asked of them: queries, and the gallery they are asked in."""

from __future__ import annotations

import zlib
from collections import defaultdict
from dataclasses import dataclass

import numpy as np

from segmentation.errors import AnnotationError
from segmentation.metric_learning.config import EmbedderTrainConfig
from segmentation.metric_learning.crop_store import CropStore


@dataclass(frozen=True, slots=True)
class Split:
    """Crops by number.

    A query with `changed` is asked as a changed view of its crop: its identity has one photo only, and that is in the
    gallery as it is.
    """

    train: tuple[int, ...]
    queries: tuple[int, ...]
    changed: tuple[bool, ...]
    gallery: tuple[int, ...]


def split_crops(store: CropStore, config: EmbedderTrainConfig) -> Split:
    """Hold out groups by a hash of their name, so that a group's side never depends on which others there are.

    Raises:
        AnnotationError: Nothing is left to train on, or nothing to validate on.
    """
    held: dict[str, list[int]] = defaultdict(list)
    train: list[int] = []
    for index, facts in enumerate(store.facts):
        if zlib.crc32(facts.group.encode()) % 100 < config.validation_percent:
            held[facts.group].append(index)
        else:
            train.append(index)
    if not train or not held:
        raise AnnotationError(f"no identity to {'validate' if train else 'train'} on: more data are needed")
    rng = np.random.default_rng([config.seed, 3])
    queries, changed, gallery = [], [], []
    for crops in held.values():
        photos = list(dict.fromkeys(store.facts[index].photo for index in crops))
        asked = photos[-max(1, len(photos) // 2) :] if len(photos) > 1 else []
        for index in crops:
            is_asked = store.facts[index].photo in asked
            if is_asked or not asked:
                queries.append(index)
                changed.append(not is_asked)
            if not is_asked:
                gallery.append(index)
    kept = np.sort(rng.permutation(len(queries))[: config.max_queries])
    distractors = rng.permutation(train)[: config.n_distractors].tolist()
    return Split(
        tuple(train),
        tuple(queries[each] for each in kept),
        tuple(changed[each] for each in kept),
        (*gallery, *distractors),
    )
