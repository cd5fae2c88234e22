"""Where the models run, and in which precision."""

from __future__ import annotations

from dataclasses import dataclass

import torch


@dataclass(frozen=True, slots=True)
class Device:
    """A torch device by name, and whether it computes bfloat16 in hardware."""

    name: str
    bf16: bool

    def __str__(self) -> str:
        """As a report names it."""
        threads = f", {torch.get_num_threads()} threads" if self.name == "cpu" else ""
        return f"{self.name}{threads}, {'bf16' if self.bf16 else 'fp32'}"


def best_device() -> Device:
    """The GPU where there is one, else the CPU; bfloat16 only where it is not emulated, which would be slower."""
    if torch.cuda.is_available():
        return Device("cuda", torch.cuda.is_bf16_supported(including_emulation=False))
    return Device("cpu", torch.cpu._is_avx512_bf16_supported())
