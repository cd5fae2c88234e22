"""What a request asks: read by name, and what nothing reads is refused."""

from __future__ import annotations

from typing import Any

import pytest
from rest_framework import serializers

from catalog.api.fields import WordField
from catalog.api.parameters import NoParameters, asked


class Wanted(serializers.Serializer[Any]):
    price_min = serializers.IntegerField(required=False)
    color = serializers.CharField(required=False, default="any")
    verdict = WordField(["exact", "similar"], required=False)
    shown = serializers.CharField(read_only=True)


def refusals(given: Any, parameters: type[serializers.Serializer[Any]] = Wanted, **options: Any) -> Any:
    with pytest.raises(serializers.ValidationError) as refused:
        asked(parameters, given, **options)
    return refused.value.detail


def test_what_is_blank_counts_as_not_given() -> None:
    assert asked(Wanted, {"price_min": " ", "color": ""}) == {"color": "any"}


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("colour", 'did you mean "color"?'),
        ("PRICE_MIN", 'did you mean "price_min"?'),
        ("foo", "there are: color, price_min, verdict"),
        ("q", "there are: color, price_min, verdict"),
        ("shown", "there are: color, price_min, verdict"),
    ],
)
def test_an_unknown_name_is_refused_with_what_it_may_have_meant(name: str, said: str) -> None:
    detail = refusals({name: "x", "color": "red"})
    assert list(detail) == [name]
    assert said in detail[name][0]


def test_a_word_there_is_not_is_answered_with_those_there_are() -> None:
    assert refusals({"verdict": "perfect"}) == {"verdict": ['"perfect" is none of exact, similar.']}
    assert refusals({"verdict": ["exact"]})["verdict"][0].endswith("is none of exact, similar.")


def test_an_unknown_name_is_refused_blank_too_and_before_wrong_values() -> None:
    assert list(refusals({"size": "", "price_min": "cheap"})) == ["size"]


def test_where_there_are_no_parameters_that_is_said() -> None:
    assert "takes no parameters" in refusals({"page": "2"}, NoParameters)["page"][0]


def test_what_something_else_reads_may_be_named() -> None:
    assert asked(Wanted, {"image": "x"}, besides={"image"}) == {"color": "any"}


@pytest.mark.parametrize("body", [[], ["color"], "color", 7, None, True])
def test_a_body_that_is_no_object_is_refused(body: Any) -> None:
    assert "JSON object" in str(refusals(body))


def test_names_that_no_answer_can_hold_are_named_as_far_as_it_can() -> None:
    detail = refusals({"a\0\ud800" + "x" * 500: 1} | {f"n{number}": 1 for number in range(50)})
    assert len(detail) == 10
    assert all(len(name) <= 60 and name.isprintable() for name in detail)
    str(detail).encode("utf-8")
