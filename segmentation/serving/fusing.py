"""Activations and sums computed while a convolution's result is still in the processor's cache.

oneDNN takes what follows a convolution as part of it; eager torch runs it apart, once more over all the memory.
These are the operators that torch.compile's code for CPUs calls, without its C++ compiler and its minutes of start-up.
In float32 they save a fifth of a MobileNetV2's time; in bfloat16 nothing that could be measured.
"""

from __future__ import annotations

import operator
from dataclasses import dataclass

import torch
from torch import Tensor, fx, nn
from torch.nn import functional as F


@dataclass(frozen=True, slots=True)
class _Activation:
    """An activation as oneDNN knows it."""

    name: str
    scalars: tuple[float, ...] = ()


_RELU = _Activation("relu")
_ACTIVATIONS: dict[type[nn.Module], _Activation] = {
    nn.ReLU: _RELU,
    nn.ReLU6: _Activation("hardtanh", (0.0, 6.0)),
    nn.Hardswish: _Activation("hardswish"),
}
_RELU_CALLS = (F.relu, torch.relu, "relu", "relu_")
_SUMS = (operator.add, operator.iadd, torch.add)


def can_fuse(dtype: torch.dtype) -> bool:
    """Whether torch has the operators for CPU tensors of a precision: asked by trying, as builds and CPUs differ."""
    x = torch.ones((1, 1, 1, 1), dtype=dtype)
    place = ([0, 0], [1, 1], [1, 1], 1)
    try:
        convolution = torch.ops.mkldnn._convolution_pointwise
        convolution.default(x, x, None, *place, "relu", [], "")
        convolution.binary(x, x, x, None, *place, "add", 1.0, "relu", [], "")
    except (AttributeError, RuntimeError):
        return False
    return True


class FusedConvolution(nn.Module):
    """A convolution, then perhaps a sum with another map, then perhaps an activation, as one operator."""

    def __init__(self, convolution: nn.Conv2d, activation: _Activation | None) -> None:
        super().__init__()
        self.convolution = convolution
        self.activation = activation
        self.place = (
            list(convolution.padding),
            list(convolution.stride),
            list(convolution.dilation),
            convolution.groups,
        )

    def forward(self, x: Tensor, other: Tensor | None = None) -> Tensor:
        """Convolve (N, C, H, W), add `other` where there is one, activate."""
        own = self.convolution
        name = None if self.activation is None else self.activation.name
        scalars = [] if self.activation is None else list(self.activation.scalars)
        operators, layer = torch.ops.mkldnn._convolution_pointwise, (own.weight, own.bias, *self.place)
        result: Tensor
        if other is None:
            result = operators.default(x, *layer, "none" if name is None else name, scalars, "")
        else:
            result = operators.binary(x, other, *layer, "add", 1.0, name, scalars, "")
        return result


def fuse_convolutions(graph_module: fx.GraphModule) -> int:
    """Replace, in place, convolutions by ones that take in the sum and the activation that alone read them.

    Call it after batch norms are folded and weights have their final precision.

    Returns:
        How many operations were taken in.
    """
    graph, modules = graph_module.graph, dict(graph_module.named_modules())
    n_taken_in = 0
    for number, node in enumerate(list(graph.nodes)):
        convolution = _module(node, modules)
        if type(convolution) is not nn.Conv2d or convolution.padding_mode != "zeros":
            continue
        replaced, other, activation = _what_follows(node, modules)
        if len(replaced) == 1:
            continue
        name = f"fused_{number}"
        graph_module.add_submodule(name, FusedConvolution(convolution, activation))
        with graph.inserting_before(replaced[-1]):
            fused = graph.call_module(name, (node.args[0],) if other is None else (node.args[0], other))
        replaced[-1].replace_all_uses_with(fused)
        for dead in reversed(replaced):
            graph.erase_node(dead)
        n_taken_in += len(replaced) - 1
    graph.lint()
    graph_module.delete_all_unused_submodules()
    graph_module.recompile()
    return n_taken_in


def _what_follows(
    node: fx.Node, modules: dict[str, nn.Module]
) -> tuple[list[fx.Node], fx.Node | None, _Activation | None]:
    """A convolution's node with those it can take in, what the sum among them adds, and the activation among them."""
    taken: list[fx.Node] = [node]
    reader = _only_reader(node)
    other = None if reader is None else _summand(reader, node)
    if reader is not None and other is not None:
        taken.append(reader)
        reader = _only_reader(reader)
    activation = None if reader is None else _activation(reader, modules)
    if other is not None and activation != _RELU:
        activation = None  # behind a sum oneDNN knows this one only
    if reader is not None and activation is not None:
        taken.append(reader)
    return taken, other, activation


def _module(node: fx.Node, modules: dict[str, nn.Module]) -> nn.Module | None:
    return modules.get(str(node.target)) if node.op == "call_module" else None


def _only_reader(node: fx.Node) -> fx.Node | None:
    return next(iter(node.users)) if len(node.users) == 1 else None


def _summand(reader: fx.Node, node: fx.Node) -> fx.Node | None:
    """What a reader adds to a node's map, if it is a plain sum of two maps."""
    if reader.op != "call_function" or reader.target not in _SUMS or len(reader.args) != 2 or reader.kwargs:
        return None
    others = [value for value in reader.args if value is not node]
    return others[0] if len(others) == 1 and isinstance(others[0], fx.Node) else None


def _activation(reader: fx.Node, modules: dict[str, nn.Module]) -> _Activation | None:
    if reader.op == "call_module":
        return _ACTIVATIONS.get(type(_module(reader, modules)))  # type: ignore[arg-type]
    return _RELU if reader.target in _RELU_CALLS else None
