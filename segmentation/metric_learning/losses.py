"""Losses and miners of pytorch-metric-learning, by name."""

from __future__ import annotations

import difflib
import inspect
from types import ModuleType
from typing import Any

import torch
from pytorch_metric_learning import losses, miners
from torch import Tensor, nn

from segmentation.embedding import check_word
from segmentation.errors import ConfigError
from segmentation.metric_learning.batches import Batch
from segmentation.metric_learning.config import LABELS, LossConfig


class Losses(nn.Module):
    """The terms of a recipe's loss; those with proxies learn them."""

    def __init__(self, terms: tuple[LossConfig, ...], *, dim: int, n_labels: dict[str, int]) -> None:
        """Build all terms.

        Args:
            terms: The recipe's.
            dim: Of the embedding.
            n_labels: How many products and groups there are, by `LossConfig.label`.

        Raises:
            ConfigError: An unknown loss, miner, label or parameter.
        """
        super().__init__()
        if not terms:
            raise ConfigError("train.losses: at least one is needed")
        self._configs = terms
        self.terms = nn.ModuleList()
        self._miners: list[Any] = []
        for index, term in enumerate(terms):
            where = f"train.losses[{index}]"
            check_word(term.label, LABELS, f"{where}.label")
            sizes = {"num_classes": n_labels[term.label], "embedding_size": dim}
            self.terms.append(_build(losses, term.name, term.parameters, sizes, where))
            self._miners.append(
                _build(miners, term.miner, term.miner_parameters, {}, f"{where}.miner") if term.miner else None
            )

    def forward(self, embeddings: Tensor, batch: Batch) -> dict[str, Tensor]:
        """Each term's loss, unweighted, by a name of its own; `embeddings` are float32 (N, dim)."""
        found: dict[str, Tensor] = {}
        for config, loss, miner in zip(self._configs, self.terms, self._miners, strict=True):
            labels = batch.labels(config.label).to(embeddings.device)
            pairs = miner(embeddings, labels) if miner is not None else None
            found[self._name(config)] = loss(embeddings, labels, pairs)
        return found

    def total(self, found: dict[str, Tensor]) -> Tensor:
        """The weighted sum."""
        return torch.stack([term.weight * found[self._name(term)] for term in self._configs]).sum()

    def _name(self, config: LossConfig) -> str:
        same = [each for each in self._configs if (each.name, each.label) == (config.name, config.label)]
        number = f"_{self._configs.index(config)}" if len(same) > 1 else ""
        return f"{config.name}_{config.label}{number}"


def _build(library: ModuleType, name: str, parameters: dict[str, float], sizes: dict[str, int], where: str) -> Any:
    known = (
        tuple(word for word in library.__all__ if word[0].isupper())
        if hasattr(library, "__all__")
        else tuple(word for word, value in vars(library).items() if inspect.isclass(value))
    )
    check_word(name, known, where)
    kind = getattr(library, name)
    accepted = _accepted(kind)
    for parameter in parameters:
        if parameter not in accepted:
            close = difflib.get_close_matches(parameter, accepted, n=1)
            raise ConfigError(
                f"{where}.{parameter}: unknown to {name}" + (f"; did you mean {close[0]!r}?" if close else "")
            )
    values = {key: value for key, value in sizes.items() if key in accepted}
    try:
        return kind(
            **values,
            **{
                key: int(value) if value.is_integer() and _wants_int(kind, key) else value
                for key, value in parameters.items()
            },
        )
    except (TypeError, ValueError, AttributeError, NotImplementedError) as error:
        raise ConfigError(f"{where}: {name} cannot be built: {error}") from error


def _accepted(kind: type) -> list[str]:
    names: list[str] = []
    for each in kind.__mro__:
        if "__init__" in vars(each):
            names += [
                name for name in inspect.signature(each.__init__).parameters if name not in ("self", "args", "kwargs")
            ]
    return list(dict.fromkeys(names))


def _wants_int(kind: type, name: str) -> bool:
    """Whether a parameter's default is a whole number, such as ArcFace's count of centers."""
    for each in kind.__mro__:
        if "__init__" in vars(each) and name in inspect.signature(each.__init__).parameters:
            return type(inspect.signature(each.__init__).parameters[name].default) is int
    return False
