"""A network made ready to serve: what folding, fusing, precision and memory format do together."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import fx, nn

from segmentation.serving.folding import fold_batch_norms, graph_of
from segmentation.serving.fusing import can_fuse, fuse_convolutions


@dataclass(frozen=True, slots=True)
class ServingOptions:
    """What is done to a network before it serves; each may be left out, to measure what it brings."""

    bf16: bool = False
    """Weights and maps in bfloat16."""
    channels_last: bool = True
    fold: bool = True
    """Fold frozen batch norms into convolutions."""
    fuse: bool = True
    """Run activations and sums as part of convolutions: in float32 on a CPU, where torch has such operators."""

    mirror: bool = True
    """See `segmentation.serving.mirroring`."""

    @property
    def dtype(self) -> torch.dtype:
        """Of weights and maps."""
        return torch.bfloat16 if self.bf16 else torch.float32

    @property
    def memory_format(self) -> torch.memory_format:
        """Of weights and maps."""
        return torch.channels_last if self.channels_last else torch.contiguous_format


def for_serving(module: nn.Module, device: torch.device, options: ServingOptions) -> fx.GraphModule:
    """A copy of a network for inference alone; the network itself stays as it is."""
    graph = graph_of(module)
    if options.fold:
        fold_batch_norms(graph)
    graph.to(device, options.dtype).to(memory_format=options.memory_format)
    if options.fuse and device.type == "cpu" and not options.bf16 and can_fuse(options.dtype):
        fuse_convolutions(graph)
    return graph
