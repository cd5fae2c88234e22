"""Searches steered by an attribute: the same shape in another color, or the same pattern whatever the color.

Of an embedding x, the *color axes* are the directions in which a garment moves when nothing but its color changes, and
the *pattern axes* those that tell patterns apart whatever the cut and the color. Only the query is changed, so the
catalog's vectors and the index stay as they are: with A the color axes and W the pattern axes,

- shape:   q' = q - A^T A q, so that q'.x compares what is left of both without color (A has orthonormal rows);
- pattern: q' = W^T W (q - c), so that q'.x, up to a constant of the query, is the inner product of both in the
  pattern coordinates W (x - c); c is the mean garment.

Source: Solomonoff, Campbell and Boardman, "Advances in channel compensation for SVM speaker recognition", ICASSP 2005
(nuisance attribute projection); Fisher's linear discriminants for the pattern axes. `segmentation.steering_fit` fits
them. Everything here is NumPy: web processes steer, and import no torch.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open

from segmentation.errors import CheckpointError

TENSOR_PREFIX = "steering."
"""Tensors of an embedder checkpoint under this prefix are axes, not weights."""

Match = Literal["garment", "shape", "pattern"]
"""What a result should have in common with the query: everything, all but the color, or the pattern alone."""
MATCHES: tuple[Match, ...] = get_args(Match)

_VANISHED = 1e-6
"""A query shorter than this after steering had nothing else: it is left as it was."""


@dataclass(frozen=True, slots=True, eq=False)
class SteeringAxes:
    """What an embedder's space can be steered by.

    `color_axes` float32 (r, dim) with orthonormal rows; `pattern_axes` float32 (p, dim), each row scaled by how well it
    tells patterns apart; `center` float32 (dim,), the mean garment the pattern axes were fitted around.
    """

    color_axes: NDArray[np.float32]
    pattern_axes: NDArray[np.float32]
    center: NDArray[np.float32]

    def __post_init__(self) -> None:
        """Refuse shapes that do not belong together, and numbers that are none.

        Raises:
            ValueError: As it says.
        """
        dim = self.center.shape[-1] if self.center.ndim == 1 else -1
        for name, axes in (("color_axes", self.color_axes), ("pattern_axes", self.pattern_axes)):
            if axes.ndim != 2 or axes.shape[1] != dim:
                raise ValueError(f"{name} has shape {axes.shape}, the center {self.center.shape}")
        if not all(bool(np.isfinite(each).all()) for each in (self.color_axes, self.pattern_axes, self.center)):
            raise ValueError("the axes hold numbers that are not finite")

    @classmethod
    def none(cls, dim: int) -> SteeringAxes:
        """Axes that change nothing, in a space of `dim` numbers."""
        return cls(np.zeros((0, dim), np.float32), np.zeros((0, dim), np.float32), np.zeros(dim, np.float32))

    @property
    def dim(self) -> int:
        """Length of the embeddings they steer."""
        return int(self.center.shape[0])


def steer(query: NDArray[np.float32], match: Match, axes: SteeringAxes | None) -> NDArray[np.float32]:
    """The query vector that finds what has the wanted attribute in common with a garment.

    Args:
        query: The garment's embedding, float32 (dim,), or several, (N, dim).
        match: `garment` changes nothing, `shape` takes the color out, `pattern` leaves the pattern alone.
        axes: Of the query's space; None, where its embedder has none, changes nothing.

    Returns:
        float32 of the query's shape, unit length. Its similarities rank; they are lower than those of a search for the
        garment itself and are not to be calibrated with them.

    Raises:
        ValueError: The axes are of another dimension.

    >>> red_shirt = np.array([0.6, 0.8, 0.0], np.float32)
    >>> x, _, z = np.eye(3, dtype=np.float32)
    >>> axes = SteeringAxes(color_axes=x[None], pattern_axes=z[None], center=np.zeros(3, np.float32))
    >>> steer(red_shirt, "shape", axes).tolist()
    [0.0, 1.0, 0.0]
    """
    if axes is None or match == "garment":
        return _unit(query)
    _check_dim(query, axes)
    if match == "shape":
        steered = query - (query @ axes.color_axes.T) @ axes.color_axes
    else:
        steered = ((query - axes.center) @ axes.pattern_axes.T) @ axes.pattern_axes
    vanished = np.linalg.norm(steered, axis=-1, keepdims=True) < _VANISHED
    return _unit(np.where(vanished, query, steered))


def steered_similarities(
    query: NDArray[np.float32], vectors: NDArray[np.float32], match: Match, axes: SteeringAxes | None
) -> NDArray[np.float32]:
    """Cosines of what is left of both sides when both are steered: the better order, for candidates at hand.

    An index that is asked with `steer(query)` cannot shorten its own vectors; among a few hundred of its hits this
    sorts out those that came first by being long in the wanted coordinates.

    Args:
        query: The garment's embedding (not steered), float32 (dim,).
        vectors: Embeddings of candidates, float32 (N, dim).
        match: As for `steer`.
        axes: Of their space; None compares them as they are.

    Returns:
        float32 (N,), -1..1.

    Raises:
        ValueError: The axes are of another dimension.
    """
    both = np.concatenate((query[None], vectors))
    if axes is not None and match == "pattern":
        _check_dim(both, axes)
        both = _unit(np.asarray((both - axes.center) @ axes.pattern_axes.T, dtype=np.float32))
    else:
        both = steer(both, match, axes)
    return np.asarray(both[1:] @ both[0], dtype=np.float32)


def _check_dim(vectors: NDArray[np.float32], axes: SteeringAxes) -> None:
    if vectors.shape[-1] != axes.dim:
        raise ValueError(f"axes of dimension {axes.dim} cannot steer a query of dimension {vectors.shape[-1]}")


def _unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, np.finfo(np.float32).tiny), dtype=np.float32)


def read_axes(embedder: Path) -> SteeringAxes | None:
    """The axes an embedder checkpoint carries, or None where it carries none.

    Cached by path, modification time and size: asking at every request is cheap.

    Raises:
        CheckpointError: Missing, damaged, or the axes do not belong together.
    """
    try:
        stat = embedder.stat()
    except OSError as error:
        raise CheckpointError(f"no checkpoint at {embedder}") from error
    return _read_axes(embedder, stat.st_mtime_ns, stat.st_size)


@lru_cache(maxsize=8)
def _read_axes(embedder: Path, _mtime_ns: int, _n_bytes: int) -> SteeringAxes | None:
    try:
        with safe_open(embedder, framework="numpy") as opened:
            names = [name for name in opened.keys() if name.startswith(TENSOR_PREFIX)]  # noqa: SIM118 no mapping
            found = {name: np.asarray(opened.get_tensor(name), dtype=np.float32) for name in names}
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"{embedder.name} is damaged or not a safetensors file: {error}") from error
    if not found:
        return None
    try:
        return SteeringAxes(**{name.removeprefix(TENSOR_PREFIX): array for name, array in found.items()})
    except (TypeError, ValueError) as error:
        raise CheckpointError(f"{embedder.name}: its steering axes are of another version: {error}") from error
