"""Schemathesis asks every operation what its schema allows, and what it does not: no failure, nothing undocumented.

What is drawn is derived from the schema and a fixed seed; each example runs in a transaction of its own.
"""

from __future__ import annotations

from typing import Any

import pytest
import schemathesis
from django.core.wsgi import get_wsgi_application
from django.db import transaction
from hypothesis import HealthCheck, Phase, given, seed, settings, strategies
from hypothesis.errors import Unsatisfiable
from schemathesis.checks import CHECKS, load_all_checks
from schemathesis.core.failures import Failure, FailureGroup

from tests.contract.conftest import Keys

pytestmark = pytest.mark.django_db

EXAMPLES_A_MODE = 15
KNOWN = {"product_id": "T0", "slug": "acme"}
"""What the shop has: a drawn id would never be one."""
load_all_checks()
CHECKED = [
    CHECKS.get_one(name)
    for name in (
        "not_a_server_error",
        "status_code_conformance",
        "content_type_conformance",
        "response_headers_conformance",
        "response_schema_conformance",
    )
]


def _ask(operation: schemathesis.APIOperation, mode: schemathesis.GenerationMode, key: str) -> None:
    @seed(20261123)
    @settings(
        max_examples=EXAMPLES_A_MODE,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
        database=None,
    )
    @given(case=operation.as_strategy(generation_mode=mode), is_there=strategies.booleans())
    def ask(case: schemathesis.Case, is_there: bool) -> None:
        if is_there:
            case.path_parameters |= {name: KNOWN[name] for name in case.path_parameters if name in KNOWN}
        point = transaction.savepoint()
        try:
            case.call_and_validate(headers={"Authorization": f"Bearer {key}"}, checks=CHECKED)
        finally:
            transaction.savepoint_rollback(point)

    ask()


@pytest.mark.parametrize("mode", list(schemathesis.GenerationMode))
@pytest.mark.parametrize("kind", ["secret", "operator"])
def test_every_operation_answers_as_documented(
    mode: schemathesis.GenerationMode, kind: str, document: dict[str, Any], shop_keys: Keys
) -> None:
    schema = schemathesis.openapi.from_dict(document)
    schema.app = get_wsgi_application()
    failures = []
    for found in schema.get_all_operations():
        operation = found.ok()
        try:
            _ask(operation, mode, getattr(shop_keys, kind))
        except (FailureGroup, Failure) as failure:
            failures.append(f"{operation.label}\n{failure}")
        except Unsatisfiable:
            continue  # nothing can be wrong with an operation that takes nothing
    assert not failures, "\n\n".join(failures)
