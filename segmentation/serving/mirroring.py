"""TensorFlow's padding without padding: a mirrored network on a mirrored photo.

At an even size a stride-2 convolution of TensorFlow's pads right and below only, which torch does by copying the whole
map first. torch's own symmetric padding reads the zeros left and above, and of those right and below none: the same
thing in a mirror. So the kernels are mirrored once, and per photo the input and the few maps that leave; what is
computed is the same. At odd sizes both pad alike on all sides.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from segmentation.trunk_variants import SamePaddedConv2d


class Mirrored(nn.Module):
    """Mirrors the input, and mirrors back what comes out of a mirrored network."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> Tensor | dict[str, Tensor]:
        """(N, C, H, W) to one map, or several by name."""
        found: Tensor | dict[str, Tensor] = self.network(torch.flip(x, (2, 3)))
        if isinstance(found, dict):
            return {name: torch.flip(level, (2, 3)) for name, level in found.items()}
        return torch.flip(found, (2, 3))


def without_padding_copies(network: nn.Module) -> nn.Module:
    """The network, changed in place, if it is worth it and can be mirrored; otherwise as it is.

    It can where whatever halves a map is one of TensorFlow's convolutions: MobileNets are so, ResNets are not, as
    their 1x1 convolutions of stride 2 and their pooling take every other cell beginning with the first.
    """
    modules = list(network.modules())
    halving = [m for m in modules if isinstance(m, nn.Conv2d) and m.stride != (1, 1)]
    pools = any(isinstance(m, nn.MaxPool2d | nn.AvgPool2d) for m in modules)
    if not halving or pools or not all(isinstance(m, SamePaddedConv2d) for m in halving):
        return network
    for module in modules:
        if isinstance(module, nn.Conv2d):
            module.weight = nn.Parameter(module.weight.detach().flip(2, 3), requires_grad=False)
    _pad_symmetrically(network)
    return Mirrored(network)


def _pad_symmetrically(module: nn.Module) -> None:
    for name, child in module.named_children():
        if isinstance(child, SamePaddedConv2d):
            plain = nn.Conv2d(
                child.in_channels,
                child.out_channels,
                (child.kernel_size[0], child.kernel_size[1]),
                stride=(child.stride[0], child.stride[1]),
                padding=((child.kernel_size[0] - 1) // 2, (child.kernel_size[1] - 1) // 2),
                groups=child.groups,
                bias=child.bias is not None,
            )
            plain.weight, plain.bias = child.weight, child.bias
            setattr(module, name, plain)
        else:
            _pad_symmetrically(child)
