"""Losses and miners of pytorch-metric-learning, by name."""

from __future__ import annotations

import difflib
import inspect
from types import ModuleType
from typing import Any

import torch
from pytorch_metric_learning import losses, miners
from pytorch_metric_learning.utils.loss_and_miner_utils import get_all_pairs_indices
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
            if term.spare_group and term.label != "product":
                raise ConfigError(f"{where}.spare_group: only with label = 'product'")
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
            if config.spare_group:
                pairs = _without_group(pairs, labels, batch.groups.to(embeddings.device))
            found[self._name(config)] = loss(embeddings, labels, pairs)
        return found

    def total(self, found: dict[str, Tensor]) -> Tensor:
        """The weighted sum."""
        return torch.stack([term.weight * found[self._name(term)] for term in self._configs]).sum()

    def _name(self, config: LossConfig) -> str:
        same = [each for each in self._configs if (each.name, each.label) == (config.name, config.label)]
        number = f"_{self._configs.index(config)}" if len(same) > 1 else ""
        return f"{config.name}_{config.label}{number}"


def _without_group(pairs: tuple[Tensor, ...] | None, labels: Tensor, groups: Tensor) -> tuple[Tensor, ...]:
    """Leave out negatives of the anchor's own group, of pairs (a, p, a, n) or triplets (a, p, n)."""
    if pairs is None:
        pairs = get_all_pairs_indices(labels)
    if len(pairs) == 3:
        kept = groups[pairs[0]] != groups[pairs[2]]
        return tuple(each[kept] for each in pairs)
    kept = groups[pairs[2]] != groups[pairs[3]]
    return pairs[0], pairs[1], pairs[2][kept], pairs[3][kept]


def _build(library: ModuleType, name: str, values: dict[str, float], sizes: dict[str, int], where: str) -> Any:
    """An object of the library, with the sizes that its kind asks for."""
    check_word(name, tuple(word for word, value in vars(library).items() if inspect.isclass(value)), where)
    kind: type = getattr(library, name)
    accepted = _parameters(kind)
    for key in values:
        if key not in accepted:
            close = difflib.get_close_matches(key, accepted, n=1)
            hint = f"; did you mean {close[0]!r}?" if close else ""
            raise ConfigError(f"{where}.parameters.{key}: unknown to {name}{hint}")
    given: dict[str, Any] = {key: value for key, value in sizes.items() if key in accepted}
    for key, value in values.items():
        is_count = type(accepted[key].default) is int and value.is_integer()
        given[key] = int(value) if is_count else value
    try:
        return kind(**given)
    except (TypeError, ValueError, AttributeError, NotImplementedError) as error:
        raise ConfigError(f"{where}: {name} cannot be built: {error}") from error


def _parameters(kind: type) -> dict[str, inspect.Parameter]:
    """What a class takes; those of the library hand what they do not know on to their bases."""
    found: dict[str, inspect.Parameter] = {}
    for each in reversed(kind.__mro__):
        if "__init__" in vars(each) and each is not object:
            found |= inspect.signature(vars(each)["__init__"]).parameters
    return {name: each for name, each in found.items() if name not in ("self", "args", "kwargs")}
