"""Steering: what is asked for stays, what is not goes, and axes are found where they are known."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import torch
from django.core.management import CommandError, call_command
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

from segmentation.checkpoint import SHIPPED_EMBEDDER, read_info
from segmentation.config import EmbedderConfig
from segmentation.config_files import to_mapping
from segmentation.drawn.variations import COLORS_A_CUT, PATTERNS_A_CUT, PRODUCTS_A_CUT, varied_products
from segmentation.embedding import CropEmbedder, Embedder
from segmentation.errors import CheckpointError
from segmentation.steering import SteeringAxes, read_axes, steer, steered_similarities
from segmentation.steering.evaluation import (
    FILTERED,
    PLAIN,
    REORDERED,
    STEERED,
    STEERED_ALONE,
    another_color,
    color_separation,
    same_pattern,
)
from segmentation.steering.fit import TooFewSamples, fit_axes, fit_color_axes, fit_pattern_axes
from segmentation.steering.samples import Samples
from segmentation.steering.sampling import embed_drawn
from segmentation.steering.stored import write_axes
from segmentation.weights import save_checkpoint

RNG = np.random.default_rng(0)
DIM = 16


def unit(*shape: int) -> NDArray[np.float32]:
    vectors = RNG.normal(size=shape)
    return np.asarray(vectors / np.linalg.norm(vectors, axis=-1, keepdims=True), dtype=np.float32)


def orthonormal(n: int) -> NDArray[np.float32]:
    return np.linalg.qr(RNG.normal(size=(DIM, n)))[0].T.astype(np.float32)


def some_axes() -> SteeringAxes:
    pattern = RNG.normal(size=(4, DIM)).astype(np.float32)
    return SteeringAxes(orthonormal(3), pattern, 0.2 * unit(DIM))


def test_a_query_for_a_shape_has_nothing_left_along_the_color_axes() -> None:
    axes, queries = some_axes(), unit(5, DIM)
    steered = steer(queries, "shape", axes)
    assert steered.dtype == np.float32
    assert np.linalg.norm(steered, axis=1) == pytest.approx(np.ones(5), abs=1e-6)
    assert steered @ axes.color_axes.T == pytest.approx(np.zeros((5, 3)), abs=1e-6)
    assert steer(queries[0], "shape", axes) == pytest.approx(steered[0], abs=1e-6)
    assert steer(steered, "shape", axes) == pytest.approx(steered, abs=1e-6), "nothing more is taken away"


def test_garments_that_differ_in_color_alone_are_one_to_a_query_for_their_shape() -> None:
    axes, query = some_axes(), unit(DIM)
    garment = unit(DIM)
    recolored = garment + 0.7 * axes.color_axes[1] - 0.4 * axes.color_axes[2]
    found = steer(query, "shape", axes) @ np.stack((garment, recolored)).T
    assert found[0] == pytest.approx(found[1], abs=1e-6)
    alike = steered_similarities(query, np.stack((garment, recolored)), "shape", axes)
    assert alike[0] == pytest.approx(alike[1], abs=1e-6)


def test_a_query_for_a_pattern_ranks_as_the_pattern_coordinates_do() -> None:
    axes, query, garments = some_axes(), unit(DIM), unit(40, DIM)
    coordinates = (garments - axes.center) @ axes.pattern_axes.T
    expected = coordinates @ ((query - axes.center) @ axes.pattern_axes.T)
    found = steer(query, "pattern", axes) @ garments.T
    assert np.argsort(-found).tolist() == np.argsort(-expected).tolist()
    cosines = (
        expected / np.linalg.norm(coordinates, axis=1) / np.linalg.norm((query - axes.center) @ axes.pattern_axes.T)
    )
    assert steered_similarities(query, garments, "pattern", axes) == pytest.approx(cosines, abs=1e-5)


def test_without_axes_or_a_wish_or_anything_left_the_query_is_unchanged() -> None:
    query = unit(DIM)
    assert steer(query, "shape", None) == pytest.approx(query, abs=1e-6)
    assert steer(query, "garment", some_axes()) == pytest.approx(query, abs=1e-6)
    for match in ("shape", "pattern"):
        assert steer(query, match, SteeringAxes.none(DIM)) == pytest.approx(query, abs=1e-6)
    axes = some_axes()
    only_color = axes.color_axes[0]
    assert steer(only_color, "shape", axes) == pytest.approx(only_color, abs=1e-6)
    with pytest.raises(ValueError, match=r"dimension 16.*dimension 8"):
        steer(unit(8), "shape", axes)


def made_of(n_cuts: int, *, noise: float = 0.02) -> tuple[Samples, NDArray[np.float32], NDArray[np.float32]]:
    """Vectors that are cut + pattern + color, and the directions of color (2) and pattern (2) they were made along."""
    basis = orthonormal(10)
    color, pattern, cut = basis[:2], basis[2:4], basis[4:]
    vectors, cuts, patterns, colors = [], [], [], []
    looks = {"plain": (1.0, 0.0), "dots": (-0.5, 0.9), "plaid": (-0.5, -0.9)}
    for number in range(n_cuts):
        shape = RNG.normal(size=6)
        for name, look in looks.items():
            for dye in ("red", "navy", "green"):
                parts = 0.5 * RNG.normal(size=2) @ color + 0.4 * np.array(look) @ pattern + shape @ cut
                vectors.append(parts + noise * RNG.normal(size=DIM))
                cuts.append(number)
                patterns.append(name)
                colors.append(dye)
    seen = tuple({dye: 1.0} for dye in colors)
    return (
        Samples(np.array(vectors, np.float32), np.array(cuts), np.array(patterns), np.array(colors), seen),
        color,
        pattern,
    )


def cosines_of_subspaces(one: NDArray[np.float32], other: NDArray[np.float32]) -> NDArray[np.float64]:
    return np.linalg.svd(np.linalg.qr(one.T)[0].T @ np.linalg.qr(other.T)[0], compute_uv=False)


def test_axes_along_which_vectors_were_made_are_found() -> None:
    samples, color, pattern = made_of(30)
    for shrinkage in (0.1, 1000.0):
        axes = fit_color_axes(samples, 2, shrinkage)
        assert axes @ axes.T == pytest.approx(np.eye(2), abs=1e-5)
        assert cosines_of_subspaces(axes, color).min() > 0.98
    assert cosines_of_subspaces(fit_pattern_axes(samples, 0.01), pattern).min() > 0.98
    fitted, choice = fit_axes(samples)
    assert choice.pattern.measured > choice.pattern.unsteered + 0.3
    assert cosines_of_subspaces(fitted.color_axes, color).min() > 0.98
    other = samples.vectors[:4] + np.float32(0.9) * color[0]
    assert (steer(other, "shape", fitted) * steer(samples.vectors[:4], "shape", fitted)).sum(axis=1).min() > 0.99


def test_real_garments_in_several_colors_add_the_directions_in_which_they_differ() -> None:
    samples, color, _ = made_of(20)
    unseen = orthonormal(DIM)[-1]
    unseen -= (unseen @ color.T) @ color
    groups = np.repeat(np.arange(30), 2)
    moved = unit(30, DIM)[groups] + np.outer(np.tile([0.5, -0.5], 30), unseen).astype(np.float32)
    named = np.tile(["red", "blue"], 30)
    real = Samples(moved.astype(np.float32), groups, np.full(60, ""), named, tuple({c: 1.0} for c in named))
    without, _ = fit_axes(samples)
    with_real, _ = fit_axes(samples, [real])
    direction = unseen / np.linalg.norm(unseen)
    left = [
        np.linalg.norm(direction - direction @ axes.color_axes.T @ axes.color_axes) for axes in (without, with_real)
    ]
    assert left[1] < 0.6 * left[0]


def test_too_little_to_learn_from_is_said() -> None:
    samples, _, _ = made_of(4)
    with pytest.raises(TooFewSamples, match="cuts"):
        fit_axes(samples)
    enough, _, _ = made_of(8)
    one_color = enough[enough.colors == "red"]
    with pytest.raises(TooFewSamples, match="color"):
        fit_axes(one_color)


CONFIG = EmbedderConfig("test", dim=DIM, input_side_px=64)


@pytest.fixture(scope="module")
def embedder_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    file = tmp_path_factory.mktemp("model") / "embedder.safetensors"
    state = CropEmbedder(CONFIG).state_dict()
    metrics = {"recall": 0.5}
    save_checkpoint(
        file, state, kind="embedder", config=to_mapping(CONFIG), metrics=metrics, provenance={"data": "none"}
    )
    return file


def test_axes_travel_beside_the_weights_and_leave_them_as_they_are(embedder_file: Path, tmp_path: Path) -> None:
    assert read_axes(embedder_file) is None
    out, axes = tmp_path / "steerable.safetensors", some_axes()
    write_axes(embedder_file, out, axes, {"seed": 3})
    read = read_axes(out)
    assert read is not None
    for name in ("color_axes", "pattern_axes", "center"):
        assert np.array_equal(getattr(read, name), getattr(axes, name))
    before, after = load_file(embedder_file), load_file(out)
    assert all(np.array_equal(before[name], after[name]) and before[name].dtype == after[name].dtype for name in before)
    assert read_info(out).metrics == {"recall": 0.5, "steering": {"seed": 3}}
    crops = [RNG.integers(0, 255, (64, 64, 3), dtype=np.uint8)]
    old, new = (Embedder.from_file(file)[0].embed(crops) for file in (embedder_file, out))
    assert np.array_equal(old, new)


def test_axes_that_are_fitted_again_replace_the_old_ones_and_are_noticed(embedder_file: Path, tmp_path: Path) -> None:
    file = tmp_path / "steerable.safetensors"
    write_axes(embedder_file, file, some_axes(), {})
    first = read_axes(file)
    assert read_axes(file) is first, "not read again while the file is the same"
    write_axes(file, file, SteeringAxes.none(DIM), {})
    os.utime(file, ns=(1, 1))
    second = read_axes(file)
    assert second is not None
    assert second.color_axes.shape == (0, DIM)
    with pytest.raises(ValueError, match="dimension 8"):
        write_axes(file, file, SteeringAxes.none(8), {})


def test_axes_that_cannot_be_used_are_an_error_of_the_checkpoint(embedder_file: Path, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="no checkpoint"):
        read_axes(tmp_path / "none.safetensors")
    (tmp_path / "damaged.safetensors").write_bytes(embedder_file.read_bytes()[:500])
    with pytest.raises(CheckpointError, match="damaged"):
        read_axes(tmp_path / "damaged.safetensors")
    for wrong in ({"color_axes": np.zeros((2, 3))}, {"center": np.full(4, np.nan)}):
        arrays = {"color_axes": np.zeros((2, 4)), "pattern_axes": np.zeros((1, 4)), "center": np.zeros(4)} | wrong
        save_file({f"steering.{name}": array for name, array in arrays.items()}, tmp_path / "wrong.safetensors")
        with pytest.raises(CheckpointError, match="steering axes"):
            read_axes(tmp_path / "wrong.safetensors")
    with pytest.raises(CheckpointError, match="no checkpoint"):
        write_axes(tmp_path / "none.safetensors", tmp_path / "out.safetensors", some_axes(), {})


def test_cuts_patterns_and_colors_of_drawn_variations_are_crossed() -> None:
    products = varied_products(4, 3 * PRODUCTS_A_CUT)
    assert varied_products(4, 5) == products[:5]
    assert [each.product for each in varied_products(5, 5)] != [each.product for each in products[:5]]
    for number in range(3):
        of_cut = [each for each in products if each.cut_number == number]
        assert len({each.product.cut for each in of_cut}) == 1
        looks = {(each.pattern, each.color_name) for each in of_cut}
        assert len(looks) == len(of_cut) == PRODUCTS_A_CUT
        assert len({pattern for pattern, _ in looks}) == PATTERNS_A_CUT
        assert len({color for _, color in looks}) == COLORS_A_CUT
    assert len({each.product.product_id for each in products}) == len(products)


def test_rates_count_what_is_right_and_never_what_the_filter_bars() -> None:
    samples, _, _ = made_of(6, noise=0.0)
    rates = another_color(samples, samples, None, color_weight=0.1, same=True)
    assert rates[PLAIN].n_questions == 6 * 3 * 3 * 2
    assert rates[STEERED] == rates[FILTERED], "without axes nothing is steered"
    assert rates[FILTERED].precision_at_1 > 0.5 > rates[PLAIN].precision_at_1
    assert color_separation(samples, samples) == 1.0
    none_seen = Samples(samples.vectors, samples.cuts, samples.patterns, samples.colors, ({},) * len(samples))
    assert another_color(samples, none_seen, None, color_weight=0.1)[FILTERED].precision_at_10 == 0.0


def test_steering_on_drawn_garments_finds_patterns_and_shapes_that_a_plain_search_misses() -> None:
    chosen = ("plain", "vertical_stripe", "dots", "plaid")
    embedder, _ = Embedder.from_file(SHIPPED_EMBEDDER)

    def drawn(seed: int, n_before_choosing: int) -> Samples:
        products = [each for each in varied_products(seed, n_before_choosing) if each.pattern in chosen]
        return embed_drawn(embedder, products, seed)

    axes, _ = fit_axes(drawn(11, 400))
    shop = drawn(12, 180)
    pattern = same_pattern(shop, shop, axes, other_cuts=True)
    assert pattern[STEERED_ALONE].precision_at_10 > 1.15 * pattern[PLAIN].precision_at_10
    assert pattern[REORDERED].precision_at_10 > 1.15 * pattern[PLAIN].precision_at_10
    color = another_color(shop, shop, axes, color_weight=0.15, same=True)
    assert color[STEERED].precision_at_1 > 1.5 * color[PLAIN].precision_at_1
    assert color[STEERED].precision_at_10 > color[FILTERED].precision_at_10 - 0.03, "the filter does most of it"


def test_the_command_writes_a_steerable_checkpoint_and_says_what_it_gained(
    embedder_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "steerable.safetensors"
    call_command("fit_steering", embedder=embedder_file, out=out, products=72, seed=5, verbosity=0)
    assert "another color, precision@1" in capsys.readouterr().out
    axes = read_axes(out)
    assert axes is not None
    how = read_info(out).metrics["steering"]
    assert (how["drawn_products"], how["seed"], how["another_color"]["n_axes"]) == (72, 5, len(axes.color_axes))
    with pytest.raises(CommandError, match="cuts"):
        call_command("fit_steering", embedder=embedder_file, out=out, products=3, verbosity=0)
    with pytest.raises(CommandError, match="no checkpoint"):
        call_command("fit_steering", embedder=tmp_path / "none.safetensors", out=out, products=72, verbosity=0)
    with pytest.raises(CommandError, match=r"feed\.csv"):
        call_command("fit_steering", embedder=embedder_file, out=out, products=72, catalog=[tmp_path], verbosity=0)
