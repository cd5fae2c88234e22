"""Folding, fusing and mirroring change how a network is computed, never what."""

from __future__ import annotations

import copy
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from torch import Tensor, nn
from torchvision.ops import FrozenBatchNorm2d

from segmentation.backbones import BACKBONES, build_fpn
from segmentation.config import ModelConfig
from segmentation.serving.folding import fold_batch_norms, graph_of
from segmentation.serving.fusing import FusedConvolution, can_fuse, fuse_convolutions
from segmentation.serving.mirroring import Mirrored, without_padding_copies
from segmentation.trunk_variants import SamePaddedConv2d


def tiny(backbone: str, *, tf_same_padding: bool) -> ModelConfig:
    return ModelConfig(backbone=backbone, fpn_channels=16, tf_same_padding=tf_same_padding)


def shaken(module: nn.Module) -> nn.Module:
    """Give batch norms the statistics that training would, so that folding has something to fold."""
    torch.manual_seed(1)
    for norm in module.modules():
        if isinstance(norm, FrozenBatchNorm2d):
            norm.weight.uniform_(0.5, 1.5)
            norm.bias.uniform_(-0.5, 0.5)
            norm.running_mean.uniform_(-0.2, 0.2)
            norm.running_var.uniform_(0.5, 2.0)
    return module.eval()


@pytest.mark.parametrize("backbone", BACKBONES)
@torch.inference_mode()
def test_folded_and_unfolded_backbones_agree_and_no_batch_norm_is_left(backbone: str) -> None:
    pyramid = shaken(build_fpn(tiny(backbone, tf_same_padding=backbone.startswith("mobilenet"))))
    n_norms = sum(isinstance(module, FrozenBatchNorm2d) for module in pyramid.modules())
    photo = torch.randn(1, 3, 96, 64)
    expected = pyramid(photo)
    graph = graph_of(pyramid)
    assert fold_batch_norms(graph) == n_norms
    assert not any(isinstance(module, FrozenBatchNorm2d) for module in graph.modules())
    for name, level in graph(photo).items():
        torch.testing.assert_close(level, expected[name], rtol=1e-3, atol=1e-4 * float(expected[name].abs().max()))


@torch.inference_mode()
def test_a_model_serves_in_one_thread_while_another_one_is_traced_in_a_second() -> None:
    pyramid = shaken(build_fpn(tiny("resnet18", tf_same_padding=False)))
    serving, photo, traced = graph_of(pyramid), torch.randn(1, 3, 32, 32), threading.Event()
    expected = serving(photo)

    def trace() -> None:
        for _ in range(5):
            graph_of(pyramid)
        traced.set()

    # Not a daemon, and waited for: a failure of either thread fails the test.
    with ThreadPoolExecutor(1) as pool, torch.inference_mode():
        tracing = pool.submit(trace)
        while not traced.is_set() and not tracing.done():
            for name, level in serving(photo).items():
                assert torch.equal(level, expected[name])
        tracing.result()


needs_fused_operators = pytest.mark.skipif(
    not can_fuse(torch.float32), reason="this build of torch has no fused convolutions for this CPU"
)


@needs_fused_operators
@pytest.mark.parametrize("backbone", BACKBONES)
@torch.inference_mode()
def test_fused_and_unfused_backbones_agree_and_activations_are_taken_in(backbone: str) -> None:
    pyramid = shaken(build_fpn(tiny(backbone, tf_same_padding=backbone.startswith("mobilenet"))))
    photo = torch.randn(1, 3, 96, 64)
    expected = pyramid(photo)
    graph = graph_of(pyramid)
    fold_batch_norms(graph)
    n_taken_in = fuse_convolutions(graph.to(memory_format=torch.channels_last))
    if backbone.startswith(("resnet", "resnext")):
        n_blocks = sum(type(module).__name__ in ("BasicBlock", "Bottleneck") for module in pyramid.modules())
        assert n_taken_in >= 3 * n_blocks, "a block's activations and its sum"
    for name, level in graph(photo).items():
        torch.testing.assert_close(level, expected[name], rtol=1e-3, atol=1e-4 * float(expected[name].abs().max()))


class _Sums(nn.Module):
    """What may and may not be taken in: sums with and without an activation, a map that is read twice."""

    def __init__(self) -> None:
        super().__init__()
        self.convolutions = nn.ModuleList([nn.Conv2d(4, 4, 3, padding=1) for _ in range(4)])
        self.relu6 = nn.ReLU6()

    def forward(self, x: Tensor) -> Tensor:
        a = torch.relu(self.convolutions[0](x) + x)
        b = self.relu6(a + self.convolutions[1](a))
        c = self.convolutions[2](b)
        d = self.convolutions[3](c) + 1.0
        total: Tensor = c + d
        return total


@needs_fused_operators
@torch.inference_mode()
def test_only_what_alone_reads_a_convolution_is_taken_in() -> None:
    torch.manual_seed(0)
    network = _Sums().eval()
    graph = graph_of(network)
    assert fuse_convolutions(graph) == 3, "a sum with its relu, and a sum without its relu6"
    assert sum(isinstance(module, FusedConvolution) for module in graph.modules()) == 2
    x = torch.randn(2, 4, 9, 7)
    torch.testing.assert_close(graph(x), network(x))


@pytest.mark.parametrize("backbone", ["mobilenet_v2", "mobilenet_v3_large"])
@pytest.mark.parametrize("size", [(96, 64), (75, 103), (33, 32)])
@torch.inference_mode()
def test_a_mirrored_network_needs_no_padding_copies_and_computes_the_same(backbone: str, size: tuple[int, int]) -> None:
    body = shaken(build_fpn(tiny(backbone, tf_same_padding=True))).body
    photo = torch.randn(2, 3, *size)
    expected = body(photo)
    mirrored = without_padding_copies(copy.deepcopy(body))
    assert isinstance(mirrored, Mirrored)
    assert not any(isinstance(module, SamePaddedConv2d) for module in mirrored.modules())
    found = mirrored(photo)
    assert isinstance(found, dict)
    for name, level in found.items():
        torch.testing.assert_close(level, expected[name], rtol=1e-3, atol=1e-4 * float(expected[name].abs().max()))


@pytest.mark.parametrize(("backbone", "tf_same_padding"), [("mobilenet_v2", False), ("resnet18", True)])
def test_what_cannot_be_mirrored_or_need_not_is_left_alone(backbone: str, tf_same_padding: bool) -> None:
    body = build_fpn(tiny(backbone, tf_same_padding=tf_same_padding)).body
    before = {name: value.clone() for name, value in body.state_dict().items()}
    assert without_padding_copies(body) is body
    assert all(torch.equal(value, before[name]) for name, value in body.state_dict().items())


class _Forked(nn.Module):
    """A convolution that is read twice: before its batch norm, too."""

    def __init__(self) -> None:
        super().__init__()
        self.convolution, self.norm = nn.Conv2d(3, 4, 1), FrozenBatchNorm2d(4)

    def forward(self, x: Tensor) -> Tensor:
        y = self.convolution(x)
        normed: Tensor = self.norm(y)
        return normed + y


@torch.inference_mode()
def test_a_convolution_that_something_else_reads_keeps_its_batch_norm() -> None:
    network = shaken(_Forked())
    graph = graph_of(network)
    assert fold_batch_norms(graph) == 0
    x = torch.randn(1, 3, 8, 8)
    torch.testing.assert_close(graph(x), network(x))
