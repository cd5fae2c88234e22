"""Which anchors and regions a loss looks at: drawn at random, but the same in every process and after every restart.

torchvision draws them from the process's global random numbers, so that the draw would depend on what was trained
before, and on which photos share a process.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable

import numpy as np
import torch
from torch import Tensor
from torchvision.models.detection import MaskRCNN


class SeededSampler:
    """Takes the place of torchvision's `BalancedPositiveNegativeSampler`, with a seed for each photo.

    Source: the same fixed share of positives as Girshick, "Fast R-CNN", ICCV 2015; Ren et al., "Faster R-CNN", 2015.
    """

    def __init__(self, n_per_photo: int, positive_share: float) -> None:
        self._n_per_photo = n_per_photo
        self._positive_share = positive_share
        self.seeds: list[int] = []
        """One for each photo of the next batch."""
        self.n_sampled = 0
        """Of the last batch."""
        self.n_positive = 0
        """Likewise."""

    def __call__(self, matched_idxs: list[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        """Choose among candidates.

        Args:
            matched_idxs: A tensor (n,) for each photo: 1 or more is positive, 0 negative, -1 ignored.

        Returns:
            Masks uint8 (n,) of the chosen positives, and of the chosen negatives, for each photo.
        """
        chosen: tuple[list[Tensor], list[Tensor]] = ([], [])
        self.n_sampled = self.n_positive = 0
        for labels, seed in zip(matched_idxs, self.seeds, strict=True):
            generator = torch.Generator().manual_seed(seed)
            positive, negative = torch.where(labels >= 1)[0], torch.where(labels == 0)[0]
            n_positive = min(positive.numel(), int(self._n_per_photo * self._positive_share))
            n_negative = min(negative.numel(), self._n_per_photo - n_positive)
            for masks, candidates, n in zip(chosen, (positive, negative), (n_positive, n_negative), strict=True):
                order = torch.randperm(candidates.numel(), generator=generator)[:n]
                mask = torch.zeros_like(labels, dtype=torch.uint8)
                mask[candidates[order.to(candidates.device)]] = 1
                masks.append(mask)
            self.n_sampled += n_positive + n_negative
            self.n_positive += n_positive
        return chosen


class SeededSampling:
    """Both samplers of a model: of the anchors, and of the regions."""

    def __init__(self, model: MaskRCNN) -> None:
        """Put seeded samplers in place of torchvision's."""
        self._anchors, self._regions = (
            SeededSampler(part.fg_bg_sampler.batch_size_per_image, part.fg_bg_sampler.positive_fraction)
            for part in (model.rpn, model.roi_heads)
        )
        model.rpn.fg_bg_sampler, model.roi_heads.fg_bg_sampler = self._anchors, self._regions

    def seed(self, image_ids: Iterable[str], *, seed: int, epoch: int, batch: int) -> None:
        """Prepare for a batch."""
        keys = [(seed, epoch, batch, zlib.crc32(image_id.encode())) for image_id in image_ids]
        for number, sampler in enumerate((self._anchors, self._regions)):
            states = [np.random.SeedSequence((*key, number)).generate_state(1, np.uint64) for key in keys]
            sampler.seeds = [int(state[0]) for state in states]

    def loss_counts(self) -> dict[str, int]:
        """How many samples of the last batch each loss was the mean over, by Matterport's names."""
        n_anchors, n_regions = self._anchors.n_sampled, self._regions.n_sampled
        return {
            "rpn_class": n_anchors,
            "rpn_bbox": n_anchors,
            "mrcnn_class": n_regions,
            "mrcnn_bbox": n_regions,
            "mrcnn_mask": self._regions.n_positive,
        }
