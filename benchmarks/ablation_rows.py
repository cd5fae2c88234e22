"""What `benchmarks.embedding_ablation` compares: one row is one way to turn garments into vectors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from segmentation.metric_learning.config import LossConfig


@dataclass(frozen=True, slots=True)
class Views:
    """What a garment's vector is the normalized sum of."""

    masked: float = 1.0
    """The crop as the embedder's configuration says: background suppressed."""
    unmasked: float = 0.0
    """The crop of the same box with its background."""
    whole: float = 0.0
    """The photo as a whole."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the table."""

    group: str
    what: str
    made: Literal["given", "fitted", "trained"] = "given"
    """The embedder as it is; its trunk with a projection fitted anew; trained for the budget."""
    model: Mapping[str, Any] = field(default_factory=dict)
    """Changes of `EmbedderConfig`."""
    train: Mapping[str, Any] = field(default_factory=dict)
    """Changes of `EmbedderTrainConfig`."""
    views: Views = field(default_factory=Views)
    filtered: bool = True
    """Only products of categories compatible with the garment's may answer."""


def _fitted(pooling: str, dim: int, levels: tuple[int, ...] = ()) -> dict[str, Any]:
    return {"pooling": pooling, "dim": dim, "levels": levels, "level_weight": 2.0}


def _loss(name: str, **parameters: float) -> dict[str, Any]:
    return {"losses": (LossConfig(name, label="product", parameters=parameters),)}


ROWS: Mapping[str, Row] = {
    "given": Row("as it is", "the embedder as it is"),
    "background-half": Row("background", "background half visible", model={"background": 0.5}),
    "background-kept": Row("background", "background kept", model={"background": 1.0}),
    "margin-0": Row("margin", "crop margin 0", model={"crop_margin": 0.0}),
    "margin-10": Row("margin", "crop margin 0.1", model={"crop_margin": 0.1}),
    "margin-20": Row("margin", "crop margin 0.2", model={"crop_margin": 0.2}),
    "no-filter": Row("categories", "all categories may answer", filtered=False),
    "views-box": Row("views", "masked + unmasked crop", views=Views(1.0, 1.0)),
    "views-half-whole": Row("views", "masked crop + half the whole photo", views=Views(1.0, 0.0, 0.5)),
    "views-whole": Row("views", "masked crop + whole photo", views=Views(1.0, 0.0, 1.0)),
    "views-box-half-whole": Row("views", "masked + unmasked + half the whole photo", views=Views(1.0, 1.0, 0.5)),
    "views-all": Row("views", "masked + unmasked + whole photo", views=Views(1.0, 1.0, 1.0)),
    "views-all-no-filter": Row(
        "views", "masked + unmasked + whole photo, all categories", views=Views(1.0, 1.0, 1.0), filtered=False
    ),
    "fit-avg-512": Row("pooling, untrained", "average, 512", "fitted", _fitted("avg", 512)),
    "fit-gem-512": Row("pooling, untrained", "generalized mean 3, 512", "fitted", _fitted("gem", 512)),
    "fit-max-512": Row("pooling, untrained", "maximum, 512", "fitted", _fitted("max", 512)),
    "fit-gem_avg-512": Row("pooling, untrained", "both, 512", "fitted", _fitted("gem_avg", 512)),
    "fit-avg-256": Row("dimension, untrained", "average, 256", "fitted", _fitted("avg", 256)),
    "fit-avg-128": Row("dimension, untrained", "average, 128", "fitted", _fitted("avg", 128)),
    "fit-gem-256": Row("levels, untrained", "last maps, generalized mean 3, 256", "fitted", _fitted("gem", 256)),
    "fit-two-levels": Row("levels, untrained", "and children 6, 10", "fitted", _fitted("gem", 256, (6, 10))),
    "fit-levels": Row("levels, untrained", "and children 3, 6, 10, 13", "fitted", _fitted("gem", 256, (3, 6, 10, 13))),
    "train-128": Row("dimension, trained", "128", "trained", {"dim": 128}),
    "train-256": Row("dimension, trained", "256", "trained", {"dim": 256}),
    "train-512": Row("dimension, trained", "512", "trained", {"dim": 512}),
    "train-kept": Row("background, trained", "background kept", "trained", {"background": 1.0}),
    "loss-supcon": Row("loss", "SupCon", "trained", train=_loss("SupConLoss", temperature=0.1)),
    "loss-ms": Row("loss", "multi-similarity", "trained", train=_loss("MultiSimilarityLoss")),
    "loss-triplet": Row("loss", "triplet", "trained", train=_loss("TripletMarginLoss")),
    "loss-proxy": Row("loss", "proxy anchor", "trained", train=_loss("ProxyAnchorLoss")),
    "loss-arcface": Row("loss", "ArcFace", "trained", train=_loss("ArcFaceLoss")),
}
