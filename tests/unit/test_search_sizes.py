"""Sizes as shops write them: which are the same, and which nobody can say."""

from __future__ import annotations

import pytest

from search.recommendations.fitting import fit_size
from search.recommendations.sizes import read_sizes, same_sizes

SAME = [
    ["M", "m", " Medium ", "medium", "Size M", "M."],
    ["XL", "X-Large", "x large", "Extra Large", "extra-large"],
    ["XXL", "2XL", "2 XL", "XX-Large", "2-XL"],
    ["XXS", "2XS"],
    ["EU 38", "38 EU", "EUR 38", "eu38"],
    ["8.5", "8,5", "8½"],
    ["W32 L34", "W32/L34", "32x34", "32W 34L", "w 32 l 34"],
    ["One Size", "one size fits all", "OS", "Onesize", "TU", "Einheitsgröße"],
    ["S/M", "M/S", "S, M", "S-M", "S | M", "small to medium"],
    ["5-6 years", "5-6 Years"],
]


@pytest.mark.parametrize("spellings", SAME, ids=lambda spellings: spellings[0])
def test_spellings_of_one_size_are_the_same(spellings: list[str]) -> None:
    assert len({read_sizes(spelling) for spelling in spellings}) == 1


def test_different_sizes_are_never_the_same() -> None:
    firsts = [spellings[0] for spellings in SAME if "/" not in spellings[0]]
    for one in firsts:
        for other in firsts:
            assert bool(same_sizes(read_sizes(one), read_sizes(other))) == (one == other), (one, other)


@pytest.mark.parametrize(("months", "letter"), [("12M", "M"), ("6M", "Medium")])
def test_months_are_no_letters(months: str, letter: str) -> None:
    assert not same_sizes(read_sizes(months), read_sizes(letter))


@pytest.mark.parametrize(
    ("wanted", "offered", "comes_in_it", "code"),
    [
        ("M", "medium", True, "same_size"),
        ("38", "EU 38", True, "same_size"),
        ("EU 38", "US 38", False, None),
        ("M", "S/M", True, "size_available"),
        ("XS/S/M", "M/L", True, "size_available"),
        ("S/M/L", "l/m/s", True, "same_size"),
        ("M", "One Size", True, "size_available"),
        ("M", "XL", False, None),
        ("M", "38", None, None),
        ("One Size", "M", None, None),
        ("", "M", None, None),
        ("M", "", None, None),
        ("\0" * 9, "\U0001f9e6", False, None),
    ],
)
def test_a_size_fits_does_not_or_nobody_knows(
    wanted: str, offered: str, comes_in_it: bool | None, code: str | None
) -> None:
    fit = fit_size(read_sizes(wanted), offered)
    assert (fit.comes_in_it, fit.code) == (comes_in_it, code)


def test_a_cell_of_any_length_is_read_quickly() -> None:
    assert read_sizes("x" * 10_000 + "/" + "9" * 10_000)
    assert read_sizes("w " * 5_000)
