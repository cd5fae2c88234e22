"""Changes to torchvision's trunks that weights from elsewhere, or training, ask for."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.models import resnet
from torchvision.ops import FrozenBatchNorm2d

from segmentation.errors import ConfigError


class SamePaddedConv2d(nn.Conv2d):
    """A strided convolution that pads as TensorFlow's SAME does: what is odd goes right and below."""

    def forward(self, x: Tensor) -> Tensor:
        """Convolve float (N, C, H, W) to (N, C', ceil(H / stride), ceil(W / stride))."""
        pads: list[int] = []
        for axis in (1, 0):
            size, kernel, stride = x.shape[2 + axis], self.kernel_size[axis], self.stride[axis]
            total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
            pads += [total // 2, total - total // 2]
        return F.conv2d(F.pad(x, pads), self.weight, self.bias, self.stride, 0, self.dilation, self.groups)


def pad_like_tensorflow(module: nn.Module) -> None:
    """Swap every stride-2 convolution wider than 1x1 for `SamePaddedConv2d`, keeping its parameters."""
    for name, child in module.named_children():
        if isinstance(child, nn.Conv2d) and child.stride[0] == 2 and child.kernel_size[0] > 1:
            swapped = SamePaddedConv2d(
                child.in_channels,
                child.out_channels,
                (child.kernel_size[0], child.kernel_size[1]),
                stride=2,
                groups=child.groups,
                bias=child.bias is not None,
            )
            swapped.weight, swapped.bias = child.weight, child.bias
            setattr(module, name, swapped)
        else:
            pad_like_tensorflow(child)


class _ScaledNorm2d(FrozenBatchNorm2d):  # type: ignore[misc]  # torchvision carries no types
    """Frozen statistics, but a scale and shift that train; its tensors have the same names."""

    def __init__(self, norm: FrozenBatchNorm2d) -> None:
        super().__init__(len(norm.weight), norm.eps)
        self.load_state_dict(norm.state_dict())
        for name in ("weight", "bias"):
            value = getattr(self, name)
            delattr(self, name)
            self.register_parameter(name, nn.Parameter(value))


def train_norm_affine(module: nn.Module) -> None:
    """See `TrainConfig.norm_affine`. What is saved loads into a model that this was not done to, and computes alike."""
    for name, child in module.named_children():
        if type(child) is FrozenBatchNorm2d:
            setattr(module, name, _ScaledNorm2d(child))
        else:
            train_norm_affine(child)


def stride_in_first_convolution(trunk: nn.Module) -> None:
    """Move the down-sampling of every bottleneck from its 3x3 convolution to the 1x1 before it.

    Source: the original ResNet (He et al., CVPR 2016) and its weights; torchvision builds what is called V1.5.

    Raises:
        ConfigError: The trunk has no bottlenecks.
    """
    blocks = [module for module in trunk.modules() if isinstance(module, resnet.Bottleneck)]
    if not blocks:
        raise ConfigError("model.stride_in_1x1: only a ResNet of 50 layers or more has 1x1 convolutions to stride in")
    for block in blocks:
        if block.stride != 1:
            block.conv1.stride, block.conv2.stride = block.conv2.stride, (1, 1)
