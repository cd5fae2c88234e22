"""Several processes train one model together: each works on its share of every batch, and gradients are added up.

Started by `torchrun --nproc-per-node=N`, one process a GPU (NCCL) or any number on the CPU (gloo). All of them read the
same data and folder. Only the first, the main one, writes, validates and reports.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import torch
import torch.distributed as dist
from torch import Tensor, nn

from segmentation.device import best_device
from segmentation.errors import ConfigError, TrainingPeerLost

TIMEOUT = timedelta(hours=12)
"""The others wait this long while the main process validates; torchrun itself ends them where one dies."""


@dataclass(frozen=True)
class World:
    """The processes that train together, seen from one of them; a process alone is a world of size 1."""

    device: torch.device
    rank: int = 0
    size: int = 1

    @property
    def is_main(self) -> bool:
        """Whether this is the process that writes, validates and reports."""
        return self.rank == 0

    @property
    def shard(self) -> tuple[int, int]:
        """As `segmentation.data.samplers.EpochBatches` takes it."""
        return self.rank, self.size

    def check_batch_size(self, batch_size: int) -> None:
        """Refuse what cannot be divided.

        Raises:
            ConfigError: A batch's photos cannot be shared evenly.
        """
        if batch_size % self.size != 0:
            raise ConfigError(
                f"train.batch_size: {self.size} processes cannot share batches of {batch_size} photos evenly; "
                f"start as many as divide {batch_size}, or make it a multiple of {self.size}"
            )

    def gather(self, values: Sequence[float]) -> Tensor:
        """Every process's numbers: float64, shape (size, n), by rank, on the CPU."""
        own = torch.tensor(values, dtype=torch.float64)
        if self.size == 1:
            return own[None]
        found = [torch.empty_like(own) for _ in range(self.size)]
        with _peers():
            dist.all_gather(found, own)
        return torch.stack(found)

    def gather_words(self, words: list[str]) -> list[str]:
        """Every process's words, by rank."""
        if self.size == 1:
            return words
        found: list[list[str]] = [[] for _ in range(self.size)]
        with _peers():
            dist.all_gather_object(found, words)
        return [word for each in found for word in each]

    def add_gradients(self, parameters: Sequence[nn.Parameter]) -> None:
        """Replace each gradient by its sum over the processes; a process without photos brings none."""
        if self.size == 1:
            return
        for parameter in parameters:
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
        flat = torch.cat([_gradient(parameter).flatten() for parameter in parameters])
        with _peers():
            dist.all_reduce(flat)
        start = 0
        for parameter in parameters:
            _gradient(parameter).copy_(flat[start : start + parameter.numel()].view(parameter.shape))
            start += parameter.numel()

    def share_weights(self, model: nn.Module) -> None:
        """Give every process the main one's weights."""
        if self.size > 1:
            with _peers(), torch.no_grad():
                for value in model.state_dict().values():
                    whole = value.contiguous()
                    dist.broadcast(whole, src=0)
                    value.copy_(whole)

    def wait(self) -> None:
        """Wait until every process is here."""
        self.gather([0.0])


@contextmanager
def joined_world() -> Iterator[World]:
    """The world that torchrun made, or a process alone.

    Raises:
        ConfigError: There are more processes than GPUs.
    """
    name = best_device().name
    rank, size, local_rank = (int(os.environ.get(key, "0")) for key in ("RANK", "WORLD_SIZE", "LOCAL_RANK"))
    if size <= 1:
        yield World(torch.device(name))
        return
    if name == "cuda":
        n_devices = torch.cuda.device_count()
        if local_rank >= n_devices:
            raise ConfigError(f"--nproc-per-node: at most one process a GPU, and there are {n_devices}")
        torch.cuda.set_device(local_rank)
    # Numbers to compare and waiting go over gloo: a GPU that waits in NCCL would spin.
    dist.init_process_group("cpu:gloo,cuda:nccl" if name == "cuda" else "gloo", timeout=TIMEOUT)
    try:
        yield World(torch.device(name, local_rank) if name == "cuda" else torch.device(name), rank, size)
    finally:
        dist.destroy_process_group()


@contextmanager
def _peers() -> Iterator[None]:
    """The one place where torch's words for a lost peer are translated."""
    try:
        yield
    except RuntimeError as error:
        raise TrainingPeerLost(f"another training process stopped; see its own message ({error})") from error


def _gradient(parameter: nn.Parameter) -> Tensor:
    if parameter.grad is None:
        raise ValueError("a parameter without a gradient")
    return parameter.grad
