"""The taxonomy agrees with the competition's file and with itself."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from segmentation.data.imaterialist import check_label_descriptions
from segmentation.errors import AnnotationError
from segmentation.taxonomy import CATEGORIES, category_by_id, compatible_category_ids, find_category


def test_has_46_categories_of_which_27_are_garments() -> None:
    assert [category.id for category in CATEGORIES] == list(range(46))
    assert sum(category.is_garment for category in CATEGORIES) == 27
    assert len({category.slug for category in CATEGORIES}) == 46


def test_agrees_with_the_competitions_file(shared_data: Path) -> None:
    check_label_descriptions(shared_data / "imaterialist" / "label_descriptions.json")


def test_another_order_of_categories_is_refused(tmp_path: Path) -> None:
    categories = [{"id": category.id, "name": category.name} for category in CATEGORIES]
    categories[3]["name"], categories[4]["name"] = categories[4]["name"], categories[3]["name"]
    file = tmp_path / "label_descriptions.json"
    file.write_text(json.dumps({"categories": categories}))
    with pytest.raises(AnnotationError, match="category 3 is 'jacket', expected 'cardigan'"):
        check_label_descriptions(file)


@pytest.mark.parametrize(
    ("text", "category_id"),
    [("4", 4), ("jacket", 4), ("Shirt, Blouse", 0), ("shirt-blouse", 0), ("blouse", 0), ("t-shirt", 1), (" Shoe ", 23)],
)
def test_a_category_is_found_by_id_slug_name_or_word(text: str, category_id: int) -> None:
    found = find_category(text)
    assert found is not None
    assert found.id == category_id


@pytest.mark.parametrize("text", ["", "46", "-1", "spaceship", "4.0", "٣"])
def test_what_is_no_category_is_not_found(text: str) -> None:
    assert find_category(text) is None


def test_an_unknown_id_is_an_error_that_names_the_range() -> None:
    with pytest.raises(KeyError, match="0 to 45"):
        category_by_id(46)


def test_look_alikes_are_symmetric_and_include_the_category_itself() -> None:
    for first in CATEGORIES:
        assert first.id in compatible_category_ids(first.id)
        for second in CATEGORIES:
            assert (second.id in compatible_category_ids(first.id)) == (first.id in compatible_category_ids(second.id))
    assert 23 not in compatible_category_ids(0), "a shoe never answers a shirt"
