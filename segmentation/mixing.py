"""One vector a garment out of several looks at it: cut out, in its box, and the photo around it.

A mask that cuts too much away, or a garment that is nothing without its surroundings (a strap, a collar), spoils one
look but seldom all of them. The weights belong to the embedder, and so to the space.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from segmentation.config import EmbedderConfig


def mix_looks(looks: NDArray[np.float32], whole: NDArray[np.float32], config: EmbedderConfig) -> NDArray[np.float32]:
    """Mix a garment's vectors with that of its photo.

    Args:
        looks: float32 (1 or 2, dim), unit length: of the garment cut out, and of its box where the embedder wants it.
        whole: float32 (dim,), unit length: of the photo, or the region of it that was asked for.
        config: The embedder's; `box_weight` and `context_weight` are used.

    Returns:
        float32 (dim,), unit length.

    >>> config = EmbedderConfig(context_weight=1.0)
    >>> mix_looks(np.float32([[1, 0]]), np.float32([0, 1]), config).round(2).tolist()
    [0.7099999785423279, 0.7099999785423279]
    """
    cut_out: NDArray[np.float32] = looks[0]
    if len(looks) == 1 and config.context_weight == 0:
        return cut_out
    mixed = cut_out + config.context_weight * whole
    if len(looks) > 1:
        mixed = mixed + config.box_weight * looks[1]
    length = float(np.linalg.norm(mixed))
    # Looks that cancel out are no direction at all; the garment cut out is one.
    unit: NDArray[np.float32] = (mixed / length if length > 1e-6 else cut_out).astype(np.float32)
    return unit
