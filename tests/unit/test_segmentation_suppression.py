"""Doubles go, neighbours stay."""

from __future__ import annotations

import numpy as np

from segmentation.config import ModelConfig
from segmentation.operating_point import visible
from segmentation.segmenter import Found

JACKET, COAT, PANTS, SHOE = 4, 9, 6, 23
CONFIG = ModelConfig()


def found(category_id: int, score: float, *box: float) -> Found:
    x_min, y_min, x_max, y_max = box
    return Found(category_id, score, (x_min, y_min, x_max, y_max), np.ones((28, 28), np.float32))


def test_of_two_names_for_one_garment_the_stronger_stays() -> None:
    coat, jacket = found(COAT, 0.6, 0.1, 0.1, 0.5, 0.6), found(JACKET, 0.9, 0.1, 0.1, 0.5, 0.58)
    assert visible([coat, jacket], CONFIG) == [jacket]


def test_a_part_of_a_shoe_is_no_second_shoe_but_the_other_shoe_is() -> None:
    left, toe, right = (
        found(SHOE, 0.9, 0.1, 0.8, 0.3, 0.9),
        found(SHOE, 0.7, 0.1, 0.8, 0.2, 0.85),
        found(SHOE, 0.8, 0.35, 0.8, 0.5, 0.9),
    )
    assert visible([toe, right, left], CONFIG) == [left, right]


def test_a_shirt_within_an_open_jacket_stays() -> None:
    jacket, shirt = found(JACKET, 0.9, 0.1, 0.1, 0.6, 0.7), found(0, 0.8, 0.25, 0.12, 0.45, 0.6)
    assert visible([shirt, jacket], CONFIG) == [jacket, shirt]


def test_unlike_categories_may_share_a_place() -> None:
    coat, pants = found(COAT, 0.9, 0.1, 0.1, 0.5, 0.9), found(PANTS, 0.8, 0.1, 0.12, 0.5, 0.9)
    assert visible([coat, pants], CONFIG) == [coat, pants]
