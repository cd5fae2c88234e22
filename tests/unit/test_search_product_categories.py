"""The feed's words tell which garment of a packshot is for sale."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

import pytest

from search.product_categories import choose_product_garments, product_category_ids
from segmentation.taxonomy import CATEGORIES
from tests.search_factories import JACKET, PANTS, SHOE, TOP, seen

NAMES = {category.id: category.name.split(",")[0] for category in CATEGORIES}


def names(category_ids: frozenset[int] | None) -> set[str] | None:
    return None if category_ids is None else {NAMES[category_id] for category_id in category_ids}


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("Slim Fit Dress Shirt", {"shirt"}),
        ("Polo Shirt", {"top"}),
        ("T-Shirt with Pocket", {"top"}),
        ("Women's T-Shirt Dress", {"dress"}),
        ("Denim Jacket with Hood", {"jacket"}),
        ("Shirt Jacket", {"jacket"}),
        ("Wayfarer Messenger Bag", {"bag"}),
        ("Belt Bag", {"bag"}),
        ("Leather Belt", {"belt"}),
        ("Emma Leggings", {"pants", "tights"}),
        ("Dash Digital Watch", {"watch"}),
        ("Watch Cap", {"hat"}),
        ("Argus All-Weather Tank", {"top"}),
        ("Short Sleeve Tee", {"top"}),
        ("Running Shorts", {"shorts"}),
        ("501 Original Jeans - Blue", {"pants"}),
        ("Ryker LumaTech&trade; Tee (V-neck)", {"top"}),
        ("Dresses", {"dress"}),
        ("Sunglasses", {"glasses"}),
        ("Wool Scarves", {"scarf"}),
        ("Beanies", {"hat"}),
        ("Sweater Vest", {"vest"}),
        ("Sock Boots", {"shoe"}),
        ("Bow Tie", {"tie"}),
        ("Tie-Dye Sweatshirt", {"top"}),
        ("Tea Kettle", None),
        ("", None),
    ],
)
def test_a_title_names_its_garment_by_its_head_noun(title: str, expected: set[str] | None) -> None:
    assert names(product_category_ids("", "", title)) == expected


def test_the_shops_own_type_counts_before_the_title() -> None:
    assert names(product_category_ids("Jackets", "", "Mars HeatTech Pullover")) == {"jacket"}


def test_the_title_narrows_a_broad_type() -> None:
    assert names(product_category_ids("Outerwear", "", "Puffer Vest")) == {"vest"}
    assert names(product_category_ids("Hats, Gloves & Scarves", "", "Wool Gloves")) == {"glove"}


def test_the_most_specific_telling_step_of_a_path_counts() -> None:
    assert names(product_category_ids("Women > Dresses > Summer 2026", "", "Ada")) == {"dress"}
    google = "Apparel & Accessories > Clothing > Outerwear > Coats & Jackets"
    assert "jacket" in (names(product_category_ids("New in", google, "Ada")) or set())


def test_googles_numbers_are_understood() -> None:
    assert names(product_category_ids("", "187", "Ada")) == {"shoe"}


def test_google_files_sweaters_under_shirts_and_tops() -> None:
    google = "Apparel & Accessories > Clothing > Shirts & Tops"
    assert names(product_category_ids("", google, "Wool Sweater")) == {"sweater"}


@pytest.mark.parametrize("folder", ["luma", "wardrobe"])
def test_every_product_of_a_real_feed_is_recognised(shared_data: Path, folder: str) -> None:
    with (shared_data / folder / "feed.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    found = Counter(
        product_category_ids(row["product_type"], row.get("google_product_category", ""), row["title"]) for row in rows
    )
    assert None not in found
    assert len(found) >= 6


def test_trousers_worn_with_a_jacket_that_is_for_sale_do_not_count() -> None:
    jacket, pants, shoe = seen(JACKET), seen(PANTS), seen(SHOE)
    assert choose_product_garments([pants, jacket, shoe], frozenset({JACKET})) == [jacket]


def test_both_shoes_of_a_pair_count() -> None:
    left, right = seen(SHOE, box=(0, 0, 40, 20)), seen(SHOE, box=(50, 0, 90, 20))
    assert choose_product_garments([left, right, seen(PANTS)], frozenset({SHOE})) == [left, right]


def test_a_hoodie_that_was_taken_for_a_jacket_counts() -> None:
    jacket = seen(JACKET)
    assert choose_product_garments([jacket, seen(PANTS)], frozenset({TOP})) == [jacket]


def test_a_tee_under_a_jacket_for_sale_does_not_count() -> None:
    jacket, tee = seen(JACKET), seen(TOP, score=0.95, box=(30, 20, 90, 100))
    assert choose_product_garments([tee, jacket], frozenset({JACKET})) == [jacket]


def test_a_speck_of_the_right_name_does_not_outweigh_a_large_look_alike() -> None:
    large, speck = seen(JACKET, box=(0, 0, 200, 300)), seen(TOP, score=0.5, box=(0, 0, 20, 20))
    assert choose_product_garments([speck, large], frozenset({TOP})) == [large]


def test_unknown_words_let_every_garment_count_but_no_part() -> None:
    jacket, sleeve = seen(JACKET), seen(31)
    assert choose_product_garments([jacket, sleeve], None) == [jacket]


def test_nothing_that_fits_leaves_the_choice_empty() -> None:
    assert choose_product_garments([seen(PANTS)], frozenset({24})) == []
