"""The OpenAPI document: valid, complete, and its examples are what it promises."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator
from openapi_spec_validator.validation.exceptions import OpenAPIValidationError

pytestmark = pytest.mark.django_db

Operation = tuple[str, dict[str, Any]]


def operations(document: dict[str, Any]) -> Iterator[Operation]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


def named_schemas(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = document["components"]["schemas"]
    return found


def resolved(schema: dict[str, Any], document: dict[str, Any]) -> dict[str, Any]:
    reference = schema.get("$ref")
    return schema if reference is None else named_schemas(document)[reference.rpartition("/")[2]]


def is_typed(schema: dict[str, Any]) -> bool:
    return bool({"type", "$ref", "allOf", "oneOf", "anyOf", "enum", "const"} & set(schema))


def is_described(schema: dict[str, Any], document: dict[str, Any]) -> bool:
    """Its own words, or those of what it refers to."""
    parts = [schema, *schema.get("allOf", []), *schema.get("oneOf", []), *schema.get("anyOf", [])]
    return any(part.get("description") or resolved(part, document).get("description") for part in parts)


def test_it_is_valid_openapi_3_1(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1")
    try:
        OpenAPIV31SpecValidator(document).validate()
    except OpenAPIValidationError as error:
        pytest.fail(str(error))


def test_every_operation_says_what_it_does_and_who_may(document: dict[str, Any]) -> None:
    wanting = [
        name
        for name, operation in operations(document)
        if not (operation.get("summary") and operation.get("description") and operation.get("tags"))
        or operation.get("security") != [{"bearer": []}, {"header": []}]
    ]
    assert not wanting, "\n".join(wanting)


def test_operation_ids_are_unique(document: dict[str, Any]) -> None:
    ids = [operation["operationId"] for _, operation in operations(document)]
    assert len(set(ids)) == len(ids)


def test_every_parameter_is_typed_and_described(document: dict[str, Any]) -> None:
    wanting = [
        f"{name}: {parameter['name']}"
        for name, operation in operations(document)
        for parameter in operation.get("parameters", [])
        if not (parameter.get("description") and is_typed(parameter["schema"]))
    ]
    assert not wanting, "\n".join(wanting)


def test_every_field_is_typed_and_described(document: dict[str, Any]) -> None:
    wanting = [
        f"{name}.{field}"
        for name, schema in named_schemas(document).items()
        for field, sort in schema.get("properties", {}).items()
        if not (is_typed(sort) and is_described(sort, document))
    ]
    assert not wanting, "\n".join(wanting)


def test_every_answer_with_a_body_has_a_schema(document: dict[str, Any]) -> None:
    wanting = [
        f"{name} {status}"
        for name, operation in operations(document)
        for status, answer in operation["responses"].items()
        for content in answer.get("content", {}).values()
        if not is_typed(content.get("schema", {}))
    ]
    assert not wanting, "\n".join(wanting)


def test_every_operation_lists_its_refusals_in_one_shape(document: dict[str, Any]) -> None:
    for name, operation in operations(document):
        answers = operation["responses"]
        assert {"400", "401", "403", "429"} <= set(answers), name
        for status, answer in answers.items():
            if int(status) >= 400:
                assert set(answer["content"]) == {"application/problem+json"}, f"{name} {status}"
                content = answer["content"]["application/problem+json"]
                assert content["schema"] == {"$ref": "#/components/schemas/Problem"}, f"{name} {status}"


def examples(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any], Any]]:
    """Name, schema and value of each example of a body."""
    for name, operation in operations(document):
        bodies = {"request": operation.get("requestBody", {})} | operation["responses"]
        for place, body in bodies.items():
            for kind, content in body.get("content", {}).items():
                for title, example in content.get("examples", {}).items():
                    yield f"{name} {place} {kind} {title}", content["schema"], example["value"]


def test_examples_are_what_the_schemas_promise(document: dict[str, Any]) -> None:
    wrong = []
    for name, schema, value in examples(document):
        whole = schema | {"components": document["components"]}
        checker = jsonschema.Draft202012Validator(whole, format_checker=jsonschema.FormatChecker())
        wrong += [f"{name}: {error.json_path} {error.message[:200]}" for error in checker.iter_errors(value)]
    assert not wrong, "\n".join(wrong)


def test_reading_and_writing_a_body_has_an_example(document: dict[str, Any]) -> None:
    shown = {name.rsplit(" ", 1)[0] for name, _, _ in examples(document)}
    wanting = [
        name
        for name, operation in operations(document)
        if "requestBody" in operation
        and "application/json" in operation["requestBody"]["content"]
        and not any(each.startswith(f"{name} request application/json") for each in shown)
    ]
    assert not wanting, "\n".join(wanting)
