"""Makes an embedder checkpoint that can be steered: draws, embeds, fits, writes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from segmentation.device import best_device
from segmentation.drawn.variations import PRODUCTS_A_CUT, varied_products
from segmentation.embedding import Embedder
from segmentation.metric_learning.garment_finder import GarmentFinder
from segmentation.steering.fit import LEAST_CUTS, Choice, TooFewSamples, fit_axes
from segmentation.steering.holdout import N_FOLDS, Trial
from segmentation.steering.samples import Samples
from segmentation.steering.sampling import embed_catalog, embed_drawn
from segmentation.steering.stored import write_axes

StageProgress = Callable[[str, int, int], None]
"""Called with (what is embedded, how many are, how many there are)."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """What axes are fitted on: so many drawn products of a seed, and folders with a feed of real ones."""

    products: int
    seed: int
    catalogs: Sequence[Path] = ()
    segmenter: Path | None = None
    """Finds the garments of the catalogs' photos; they are taken whole without one."""


@dataclass(frozen=True, slots=True)
class Fitted:
    """What was written."""

    choice: Choice
    n_color_axes: int
    n_pattern_axes: int
    n_of_catalog: Mapping[str, int]
    """Photos of each catalog's item groups that are sold in several colors; 0 where there are none."""


def fit_checkpoint(embedder: Path, out: Path, recipe: Recipe, *, on_progress: StageProgress | None = None) -> Fitted:
    """Fit steering axes to an embedder and write a checkpoint that carries them.

    Args:
        embedder: An embedder checkpoint; its weights are written unchanged.
        out: The checkpoint to write; may be `embedder`.
        recipe: What to fit on.
        on_progress: Called after each batch.

    Raises:
        CheckpointError: A checkpoint is missing, damaged or of another kind.
        AnnotationError: A catalog has no usable feed.
        TooFewSamples: The recipe gives too few cuts, patterns or colors.
        OSError: `out` cannot be written.
    """
    if recipe.products < LEAST_CUTS * PRODUCTS_A_CUT:
        raise TooFewSamples(f"axes need {LEAST_CUTS * PRODUCTS_A_CUT} drawn products or more ({LEAST_CUTS} cuts)")
    model, info = Embedder.from_file(embedder, device=best_device().name)
    catalogs = _embedded_catalogs(model, recipe, on_progress)
    shown = None if on_progress is None else partial(on_progress, "drawn products")
    drawn = embed_drawn(model, varied_products(recipe.seed, recipe.products), recipe.seed, on_progress=shown)
    axes, choice = fit_axes(drawn, list(catalogs.values()))
    n_of_catalog = {name: len(samples) for name, samples in catalogs.items()}
    fitted = Fitted(choice, len(axes.color_axes), len(axes.pattern_axes), n_of_catalog)
    write_axes(embedder, out, axes, _how(recipe, fitted, info.version))
    return fitted


def _embedded_catalogs(model: Embedder, recipe: Recipe, on_progress: StageProgress | None) -> dict[str, Samples]:
    """By the folder's name."""
    finder = None
    if recipe.catalogs and recipe.segmenter is not None:
        finder = GarmentFinder.from_file(recipe.segmenter)
    samples = {}
    for folder in recipe.catalogs:
        name = folder.resolve().name
        shown = None if on_progress is None else partial(on_progress, name)
        samples[name] = embed_catalog(model, finder, folder, on_progress=shown)
    return samples


def _how(recipe: Recipe, fitted: Fitted, version: str) -> dict[str, Any]:
    """For the checkpoint's header."""
    return {
        "embedder": version,
        "drawn_products": recipe.products,
        "seed": recipe.seed,
        "catalogs": dict(fitted.n_of_catalog),
        "folds": N_FOLDS,
        "another_color": {
            "n_axes": fitted.choice.color.setting[0],
            "shrinkage": fitted.choice.color.setting[1],
            "precision_at_1": _measured(fitted.choice.color),
        },
        "same_pattern": {
            "shrinkage": fitted.choice.pattern.setting,
            "precision_at_10": _measured(fitted.choice.pattern),
        },
        "fitted_at": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _measured(trial: Trial[Any]) -> dict[str, float]:
    return {"plain": round(trial.unsteered, 4), "steered": round(trial.measured, 4)}
