"""Fits steering axes on garments whose cut, pattern and color vary independently; NumPy alone.

*Color axes*: with C the scatter of embeddings within (cut, pattern), which nothing but color and the shot make, and R
the scatter of the (cut, pattern) means, they are the leading solutions of C v = l (R + s I) v, made orthonormal. A
strong shrinkage s asks for the directions that color moves most, a weak one for those that little else moves.
*Pattern axes*: with B the scatter of the pattern means and W the scatter within patterns, the leading solutions of
B v = l (W + s I) v, scaled so that v'(W + s I)v = 1.

How many axes and how much shrinkage serve an embedder best is found by searches among cuts that the fit left out.
Source: Fisher, "The use of multiple measurements in taxonomic problems", 1936; Friedman, "Regularized discriminant
analysis", JASA 1989.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from segmentation.steering.axes import SteeringAxes
from segmentation.steering.holdout import N_FOLDS, Trial, best_setting, other_color_precision, other_cut_precision
from segmentation.steering.samples import Samples

N_COLOR_AXES = (8, 16, 32, 64)
"""Numbers of color axes that are tried."""
COLOR_SHRINKAGES = (1.0, 10.0, 1000.0)
PATTERN_SHRINKAGES = (0.03, 0.1, 0.3, 1.0)
"""Shrinkages that are tried, in units of the mean eigenvalue of what they are added to."""
LEAST_CUTS = 2 * N_FOLDS
Scatter = NDArray[np.float64]


class TooFewSamples(ValueError):
    """Too few cuts, patterns or colors to fit axes on; give more garments."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What the searches among left-out cuts decided."""

    color: Trial[tuple[int, float]]
    """Number of color axes and shrinkage; measured by `other_color_precision`."""
    pattern: Trial[float]
    """Shrinkage; measured by `other_cut_precision`."""


def fit_axes(drawn: Samples, catalogs: Iterable[Samples] = ()) -> tuple[SteeringAxes, Choice]:
    """Fit both kinds of axes.

    Args:
        drawn: Garments of several cuts, each in several patterns and several colors.
        catalogs: Real garments in several colors; each catalog's scatter counts as much as the drawn ones'.

    Raises:
        TooFewSamples: Fewer than `LEAST_CUTS` cuts, or one pattern, or nothing in two colors.
    """
    if len(np.unique(drawn.cuts)) < LEAST_CUTS or len(np.unique(drawn.patterns)) < 2:
        raise TooFewSamples(f"axes need {LEAST_CUTS} cuts and 2 patterns or more")
    if len(np.unique(drawn.designs())) == len(drawn):
        raise TooFewSamples("axes need garments that differ in nothing but color")
    real = [within_scatter(each.vectors, each.designs()) for each in catalogs if len(each)]
    numbers = [n for n in N_COLOR_AXES if n < drawn.vectors.shape[1]] or [1]

    def by_color(fitted: Samples) -> Iterator[tuple[tuple[int, float], SteeringAxes]]:
        for shrinkage in COLOR_SHRINKAGES:
            most = fit_color_axes(fitted, numbers[-1], shrinkage, real)
            for n_axes in numbers:
                yield (n_axes, shrinkage), _axes(fitted, color=most[:n_axes])

    def by_pattern(fitted: Samples) -> Iterator[tuple[float, SteeringAxes]]:
        for shrinkage in PATTERN_SHRINKAGES:
            yield shrinkage, _axes(fitted, pattern=fit_pattern_axes(fitted, shrinkage))

    choice = Choice(
        best_setting(by_color, other_color_precision, drawn), best_setting(by_pattern, other_cut_precision, drawn)
    )
    color = fit_color_axes(drawn, *choice.color.setting, real)
    return _axes(drawn, color=color, pattern=fit_pattern_axes(drawn, choice.pattern.setting)), choice


def fit_color_axes(drawn: Samples, n_axes: int, shrinkage: float, real: Sequence[Scatter] = ()) -> NDArray[np.float32]:
    """The leading directions of color, float32 (n_axes, dim), orthonormal rows.

    Args:
        drawn: As for `fit_axes`.
        n_axes: How many.
        shrinkage: In units of the mean eigenvalue of the scatter of (cut, pattern) means.
        real: Scatters within item groups of catalogs, (dim, dim) each.
    """
    designs = drawn.designs()
    colors = within_scatter(drawn.vectors, designs)
    for scatter in real:
        colors = colors + scatter * (np.trace(colors) / max(np.trace(scatter), np.finfo(np.float64).tiny))
    rest = _scatter_of_means(drawn.vectors, designs)
    leading = _leading(colors, rest, shrinkage, n_axes)
    return np.ascontiguousarray(np.linalg.qr(leading.T)[0].T, dtype=np.float32)


def fit_pattern_axes(drawn: Samples, shrinkage: float) -> NDArray[np.float32]:
    """The discriminants of the patterns, float32 (patterns - 1, dim).

    Args:
        drawn: As for `fit_axes`.
        shrinkage: In units of the mean eigenvalue of the scatter within patterns.
    """
    patterns = np.unique(drawn.patterns, return_inverse=True)[1]
    within, between = within_scatter(drawn.vectors, patterns), _scatter_of_means(drawn.vectors, patterns)
    n_axes = min(int(patterns.max()), drawn.vectors.shape[1])
    return np.ascontiguousarray(_leading(between, within, shrinkage, n_axes), dtype=np.float32)


def within_scatter(vectors: NDArray[np.float32], groups: NDArray[np.int64]) -> Scatter:
    """The covariance about the groups' means, float64 (dim, dim); groups of one add nothing."""
    numbers, counts = np.unique(groups, return_inverse=True, return_counts=True)[1:]
    deviations = vectors - _means(vectors, groups)[numbers]
    return np.asarray(deviations.T @ deviations / max(1, len(vectors) - len(counts)), dtype=np.float64)


def _scatter_of_means(vectors: NDArray[np.float32], groups: NDArray[np.int64]) -> Scatter:
    means = _means(vectors, groups)
    return np.asarray(np.cov(means, rowvar=False, bias=True), dtype=np.float64)


def _means(vectors: NDArray[np.float32], groups: NDArray[np.int64]) -> NDArray[np.float64]:
    """One row a group, in the order of the sorted groups."""
    numbers, counts = np.unique(groups, return_inverse=True, return_counts=True)[1:]
    sums = np.zeros((len(counts), vectors.shape[1]))
    np.add.at(sums, numbers, vectors)
    return np.asarray(sums / counts[:, None], dtype=np.float64)


def _leading(wanted: Scatter, unwanted: Scatter, shrinkage: float, n_axes: int) -> NDArray[np.float64]:
    """The generalised eigenvectors of the largest eigenvalues as rows, v'(unwanted + s I)v = 1, (n_axes, dim)."""
    dim = len(unwanted)
    floor = max(shrinkage * float(np.trace(unwanted)) / dim, np.finfo(np.float64).tiny)
    factor = np.linalg.cholesky(unwanted + floor * np.eye(dim))
    half = np.linalg.solve(factor, wanted)
    values, vectors = np.linalg.eigh(np.linalg.solve(factor, half.T))
    leading = vectors[:, np.argsort(-values, kind="stable")[:n_axes]]
    return np.asarray(np.linalg.solve(factor.T, leading).T, dtype=np.float64)


def _axes(
    drawn: Samples, *, color: NDArray[np.float32] | None = None, pattern: NDArray[np.float32] | None = None
) -> SteeringAxes:
    none = SteeringAxes.none(drawn.vectors.shape[1])
    center = drawn.vectors.mean(axis=0, dtype=np.float64).astype(np.float32)
    return SteeringAxes(
        none.color_axes if color is None else color, none.pattern_axes if pattern is None else pattern, center
    )
