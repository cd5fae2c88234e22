"""Batch norm folded into the convolution before it.

A frozen batch norm is a scale and a shift per channel, and so is the end of a convolution; run apart, it reads and
writes every feature map once more. Source: Jacob et al., "Quantization and Training of Neural Networks for Efficient
Integer-Arithmetic-Only Inference", CVPR 2018, section 3.2.
"""

from __future__ import annotations

import copy
import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

from torch import fx, nn
from torchvision.ops import FrozenBatchNorm2d


class _Tracer(fx.Tracer):
    """Follows a network down to its convolutions and batch norms, and other threads' networks not at all.

    torch.fx puts itself in the place of every module's call while it traces, in all threads: what another thread
    computes meanwhile, with a model that serves, is handed on as it is.
    """

    def __init__(self) -> None:
        super().__init__()
        self._thread_id = threading.get_ident()

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        """Whether a module stays one call in the graph; also this project's kinds of convolution do."""
        return isinstance(m, (nn.Conv2d, FrozenBatchNorm2d)) or super().is_leaf_module(m, module_qualified_name)

    def call_module(
        self, m: nn.Module, forward: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        """What a module's call gives: a node of the graph, or for another thread its result."""
        if threading.get_ident() != self._thread_id:
            return forward(*args, **kwargs)
        return super().call_module(m, forward, args, kwargs)

    def getattr(self, attr: str, attr_val: Any, parameter_proxy_cache: dict[str, Any]) -> Any:
        """Likewise of a module's parameters."""
        if threading.get_ident() != self._thread_id:
            return attr_val
        return super().getattr(attr, attr_val, parameter_proxy_cache)


def graph_of(module: nn.Module) -> fx.GraphModule:
    """A copy of a network as a graph of its layers, for inference; the network itself stays as it is.

    Its `forward` may follow no value of a tensor, only shapes; torchvision's backbones and pyramids do so.
    """
    own = copy.deepcopy(module).eval().requires_grad_(False)
    return fx.GraphModule(own, _Tracer().trace(own))


def fold_batch_norms(graph_module: fx.GraphModule) -> int:
    """Fold, in place, every batch norm whose input is one convolution's that nothing else reads.

    Works on float32 weights: fold before they are rounded.

    Returns:
        How many were folded.
    """
    modules = dict(graph_module.named_modules())
    n_calls = Counter(node.target for node in graph_module.graph.nodes if node.op == "call_module")
    n_folded = 0
    for node in list(graph_module.graph.nodes):
        norm = _called(node, modules)
        if not isinstance(norm, FrozenBatchNorm2d):
            continue
        source = node.all_input_nodes[0]
        convolution = _called(source, modules)
        shared = len(source.users) > 1 or n_calls[source.target] > 1
        if shared or not isinstance(convolution, nn.Conv2d):
            continue
        _fold(convolution, norm)
        node.replace_all_uses_with(source)
        graph_module.graph.erase_node(node)
        n_folded += 1
    graph_module.graph.lint()
    graph_module.delete_all_unused_submodules()
    graph_module.recompile()
    return n_folded


def _called(node: fx.Node, modules: dict[str, nn.Module]) -> nn.Module | None:
    """The module that a node of the graph calls, if it calls one."""
    return modules[str(node.target)] if node.op == "call_module" else None


def _fold(convolution: nn.Conv2d, norm: FrozenBatchNorm2d) -> None:
    """Y = (conv(x) - mean) / sqrt(var + eps) * weight + bias, as one convolution."""
    scale = norm.weight * (norm.running_var + norm.eps).rsqrt()
    shift = norm.bias - norm.running_mean * scale
    if convolution.bias is not None:
        shift = shift + convolution.bias * scale
    convolution.weight = nn.Parameter(convolution.weight * scale.reshape(-1, 1, 1, 1), requires_grad=False)
    convolution.bias = nn.Parameter(shift, requires_grad=False)
