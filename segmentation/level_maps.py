"""A trunk that hands out the maps of several depths, and what is told of a map of an early depth.

A classification trunk's last maps say what a thing is; its color, weave and print are seen in the first blocks, and
what the class does not need is dropped on the way. Mean and standard deviation of each early channel keep that.
Source: Gatys, Ecker and Bethge, "Texture synthesis using convolutional neural networks", NeurIPS 2015; Huang and
Belongie, "Arbitrary style transfer in real-time with adaptive instance normalization", ICCV 2017 (the statistics);
Hariharan et al., "Hypercolumns for object segmentation and fine-grained localization", CVPR 2015 (several depths).
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from segmentation.errors import ConfigError

LAST = "last"
"""The name of a trunk's last maps."""
_LEAST_VARIANCE = 1e-6  # of a channel that is the same everywhere: its root has a gradient


class LevelMaps(nn.Sequential):
    """A trunk whose tensors have the names they had, and which returns its maps at several depths by name."""

    def __init__(self, trunk: nn.Module, levels: Sequence[int]) -> None:
        """Take a trunk's children over.

        Args:
            trunk: Its children run one after the other.
            levels: Which of them, counted from 0; not the last one.

        Raises:
            ConfigError: The trunk is no sequence, or has no such child before its last.
        """
        children = OrderedDict(trunk.named_children())
        if not isinstance(trunk, nn.Sequential):
            raise ConfigError("levels: this backbone's parts do not run one after the other; leave levels empty")
        if list(levels) != sorted({level for level in levels if 0 <= level < len(children) - 1}):
            raise ConfigError(f"levels: expected rising numbers from 0 to {len(children) - 2}, got {list(levels)}")
        super().__init__(children)
        self._level_of = {name: str(number) for number, name in enumerate(children) if number in levels}

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        """(N, 3, side, side) to maps by level, in order; `LAST` at the end."""
        found: dict[str, Tensor] = {}
        for name, child in self.named_children():
            x = child(x)
            if name in self._level_of:
                found[self._level_of[name]] = x
        found[LAST] = x
        return found


def map_statistics(maps: Tensor) -> Tensor:
    """Mean and standard deviation of each channel: (N, C, h, w) to float32 (N, 2 C), unit length."""
    # In two passes over cells that keep their channels together: `torch.var_mean` takes fifteen times as long.
    cells = maps.float().permute(0, 2, 3, 1).flatten(1, 2)
    mean = cells.mean(dim=1, keepdim=True)
    variance = (cells - mean).square().mean(dim=1)
    return F.normalize(torch.cat([mean[:, 0], (variance + _LEAST_VARIANCE).sqrt()], dim=1), dim=1)


def by_name(maps: Tensor | dict[str, Tensor]) -> dict[str, Tensor]:
    """What a trunk gave, by name; the maps of one that gives nothing else are its last."""
    return maps if isinstance(maps, dict) else {LAST: maps}
