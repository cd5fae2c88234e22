"""Colors are named as people name them, counted within the garment, and compared as people compare them."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.colors import XKCD_COLORS, to_rgb

from segmentation.color_distance import KINDS, color_distance, color_match, names_meant
from segmentation.colors import COLOR_NAMES, garment_colors, seen_colors
from segmentation.drawn import draw_packshot
from segmentation.drawn.palette import PALETTE
from segmentation.drawn.variations import VariedProduct, varied_products
from segmentation.steering.samples import color_word
from segmentation.types import ColorHistogram


def test_most_colors_of_a_survey_get_the_name_that_people_gave_them() -> None:
    """Names such as "dark orange"; not "blue green", nor "pinkish red"."""
    right = []
    for survey_name, code in XKCD_COLORS.items():
        *before, last = survey_name.removeprefix("xkcd:").replace("grey", "gray").split(" ")
        mixed = any(word in COLOR_NAMES or (word.endswith(("ish", "y")) and word != "very") for word in before)
        if last in COLOR_NAMES and not mixed:
            meant = names_meant(last) | {basic for basic, kinds in KINDS.items() if last in kinds}
            red, green, blue = (round(255 * part) for part in to_rgb(code))
            right.append(color_word((red, green, blue)) in meant)
    assert len(right) > 300
    assert np.mean(right) > 0.9


def test_every_dye_of_the_drawn_shop_has_a_name_of_its_kind() -> None:
    other = {"Charcoal": "gray", "Mint": "green", "Mustard": "yellow", "Rust": "brown", "Fuchsia": "pink"}
    other |= {"Lilac": "lavender", "Camel": "tan", "Khaki": "beige", "Ivory": "cream"}
    for name, rgb in PALETTE.items():
        assert color_word(rgb) == other.get(name, name.lower())


def histogram_of(varied: VariedProduct) -> ColorHistogram:
    image, instances = draw_packshot(varied.product, np.random.default_rng(1))
    mask = instances[0].to_array().astype(np.uint8)
    return garment_colors(image, mask)[1]


def test_a_plain_drawn_garment_is_of_one_color_and_a_checked_one_of_both() -> None:
    products = varied_products(6, 300)
    plain = next(each for each in products if each.pattern == "plain" and each.color_name == "Green")
    shares = histogram_of(plain)
    assert next(iter(shares)) == "green"
    assert shares["green"] > 0.6
    checked = next(each for each in products if each.pattern == "gingham" and each.color_name == "Red")
    shares = histogram_of(checked)
    accent = color_word(checked.product.fabric.colors[1])
    assert color_match(shares, "red") > 0.25
    assert color_match(shares, accent) > 0.25
    assert color_match(shares, "green") < 0.2


def test_small_colors_are_left_out_but_never_the_commonest() -> None:
    pixels = np.full((1000, 3), (20, 30, 75), np.uint8)
    pixels[:15] = (245, 215, 60)
    assert seen_colors(pixels)[1] == {"navy": 0.985}
    pixels[:400] = (245, 215, 60)
    assert list(seen_colors(pixels)[1].items()) == [("navy", 0.6), ("yellow", 0.4)]


def test_the_distance_is_the_least_work_that_turns_one_garment_into_the_other() -> None:
    striped, navy, black, yellow = {"navy": 0.6, "white": 0.4}, {"navy": 1.0}, {"black": 1.0}, {"yellow": 1.0}
    assert color_distance(striped, {"white": 0.2, "navy": 0.3}) == pytest.approx(0.0, abs=1e-6), (
        "shares count, not sums"
    )
    assert color_distance(navy, black) < color_distance(navy, yellow)
    assert color_distance(striped, navy) == pytest.approx(0.4 * color_distance({"white": 1.0}, navy), abs=1e-5)
    assert color_distance(striped, yellow) == pytest.approx(color_distance(yellow, striped), abs=1e-5)
    moved = min(
        0.4 * color_distance({"white": 1.0}, {one: 1.0}) + 0.6 * color_distance(navy, {other: 1.0})
        for one, other in (("blue", "silver"), ("silver", "blue"))
    )
    assert color_distance(striped, {"silver": 0.4, "blue": 0.6}) == pytest.approx(moved, abs=1e-5)
    assert color_match(striped, "navy") == pytest.approx(1 - color_distance(striped, navy), abs=1e-5)


def test_colors_that_are_not_known_match_nothing() -> None:
    assert color_match({}, "navy") == 0.0
    assert color_distance({}, {"navy": 1.0}) == 1.0
    with pytest.raises(KeyError):
        names_meant("blurple")


def test_who_asks_for_a_basic_color_means_its_kinds_but_not_the_other_way_round() -> None:
    assert names_meant("gray") == {"gray", "silver"}
    assert names_meant("silver") == {"silver"}
    assert all(kind in COLOR_NAMES and basic in COLOR_NAMES for basic, kinds in KINDS.items() for kind in kinds)
