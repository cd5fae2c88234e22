"""What a run starts from: nothing, torchvision's own trunk, a trunk from a file, or a whole segmenter."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from torchvision.models.detection import MaskRCNN

from segmentation.checkpoint import read_info
from segmentation.config import StageConfig, TrainConfig
from segmentation.errors import CheckpointError
from segmentation.model import load_trunk_weights
from segmentation.training.parts import stage_of
from segmentation.weights import is_checkpoint, load_into, read_initial_weights


def check_initial(weights: str) -> None:
    """Refuse initial weights that are not there; to be asked before anything long is read.

    Args:
        weights: `TrainConfig.initial_weights`.

    Raises:
        CheckpointError: No such file.
    """
    if weights not in ("", "imagenet") and not Path(weights).is_file():
        raise CheckpointError(f"no weights at {weights}")


def load_initial(model: MaskRCNN, train: TrainConfig) -> tuple[str, ...]:
    """Load `train.initial_weights` where they are a file; what torchvision publishes came with the model.

    Returns:
        Sentences a person should read: what starts fresh, and which stages freeze it all the same.

    Raises:
        CheckpointError: The file cannot be read, or does not fit.
    """
    fresh: tuple[str, ...] = ()
    notes = []
    if not train.initial_weights:
        fresh = tuple(model.backbone.body.state_dict())
        notes.append("no initial weights: the whole backbone starts fresh")
    elif train.initial_weights != "imagenet":
        file = Path(train.initial_weights)
        if is_checkpoint(file):
            load_into(model, file, built_from="this configuration")
        else:
            fresh = load_trunk_weights(model, read_initial_weights(file))
        if fresh:
            notes.append(_what_is_fresh(file.name, tuple(model.backbone.body.state_dict()), fresh))
    return (*notes, *_frozen_untrained(model, fresh, train.stages))


def _frozen_untrained(model: MaskRCNN, fresh: Collection[str], stages: Sequence[StageConfig]) -> list[str]:
    """A sentence for each stage that freezes what nothing was loaded into and no stage trained before."""
    body = model.backbone.body
    untrained, notes = _children(fresh), []
    for stage in stages:
        whole = "backbone" in stage.frozen
        frozen = [name for name in untrained if whole or stage_of(body, name) < stage.frozen_backbone_stages]
        if frozen:
            notes.append(
                f"stage {stage.name!r} freezes {', '.join(frozen)} before weights were loaded there or trained"
            )
        untrained = frozen
    return notes


def _what_is_fresh(source: str, names: Collection[str], fresh: Collection[str]) -> str:
    """A sentence with the children of the body that `fresh` tensors are in, and how many of a child's they are."""
    of_child = Counter(name.split(".")[0] for name in names)
    fresh_of_child = Counter(name.split(".")[0] for name in fresh)
    parts = [
        name if count == of_child[name] else f"{name} ({count} of its {of_child[name]})"
        for name, count in fresh_of_child.items()
    ]
    held = f"{len(names) - len(fresh)} of the backbone's {len(names)} tensors"
    return f"{source} holds {held}; these start fresh: {', '.join(parts)}"


def _children(names: Collection[str]) -> list[str]:
    """The body's children that tensors belong to, in order, each once."""
    return list(dict.fromkeys(name.split(".")[0] for name in names))


def initial_provenance(weights: str) -> dict[str, Any]:
    """What a run started from; where that is a segmenter, with that segmenter's own history."""
    file = Path(weights)
    history = {"initial_provenance": read_info(file).provenance} if file.is_file() and is_checkpoint(file) else {}
    return {"initial_weights": file.name, **history}
