"""The box a client draws is read in pixels or fractions and kept inside the photo."""

from __future__ import annotations

import pytest

from search.errors import InvalidRegion
from search.regions import place_region


def test_four_numbers_of_at_most_one_are_fractions() -> None:
    assert place_region((0.25, 0.5, 1.0, 1.0), 400, 200) == (100.0, 100.0, 400.0, 200.0)


def test_larger_numbers_are_pixels_and_are_cut_at_the_edges() -> None:
    assert place_region((0, 20, 900, 60), 400, 200) == (0.0, 20.0, 400.0, 60.0)


@pytest.mark.parametrize(
    "box",
    [
        (50, 10, 40, 60),
        (10, 60, 40, 60),
        (500, 10, 600, 60),
        (-90, -90, -10, -10),
        (10, 10, 12, 90),
        (0.0, 0.0, 1.0, float("nan")),
    ],
)
def test_a_box_that_holds_nothing_of_the_photo_is_refused(box: tuple[float, float, float, float]) -> None:
    with pytest.raises(InvalidRegion):
        place_region(box, 400, 200)
