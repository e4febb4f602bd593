"""The OpenAPI document: true of what the API answers, whatever is sent to it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, suppress
from typing import Any

import httpx
import pytest
import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import APIOperation, Case, GenerationMode
from schemathesis.checks import CHECKS, load_all_checks
from schemathesis.core.result import Ok

from kazinex_storage.organisations import AuditLog, MemoryCatalogue, Organisations, Resolver
from kazinex_storage.web import Action, Caller, storage_router

from .conftest import serving

load_all_checks()
KEPT = ("not_a_server_error", "status_code_conformance", "content_type_conformance", "response_schema_conformance")
"""What must hold of every answer. What a validator would refuse is not among it: ids have rules of their own."""


@pytest.fixture(scope="module")
def service() -> Iterator[str]:
    """Lets everybody do everything, except verify and connect, which reach out to places that were made up."""

    async def anybody(_request: object, action: Action, organisation: str | None, _project: str | None) -> Caller:
        return Caller(name="anybody")

    catalogue = MemoryCatalogue()
    organisations = Organisations(catalogue, guarded=(), on_event=AuditLog(catalogue))
    added = organisations.add_provider("org_abc123", "memory", "Memory", {})
    organisations.record_verification(added, ok=True)
    organisations.set_default("org_abc123", "Memory")
    app = FastAPI(title="kazinex-storage", version="0.1")
    with closing(Resolver(organisations)) as resolver:
        app.include_router(storage_router(organisations, authorise=anybody, resolver=resolver))
        with serving(app) as url:
            yield url


def test_every_operation_is_described(service: str) -> None:
    document = httpx.get(f"{service}/openapi.json").json()

    operations = [
        operation for path in document["paths"].values() for name, operation in path.items() if name != "parameters"
    ]
    assert 40 <= len(operations)
    for operation in operations:
        assert operation["summary"]
        assert operation["tags"]
        assert operation["x-kazinex-action"]
        assert operation["description"]
    models = document["components"]["schemas"]
    assert [] == [name for name in ("NewProvider", "ReceiptModel", "TicketModel") if "example" not in models[name]]


def test_whatever_is_sent_the_answers_are_those_of_the_document(service: str) -> None:
    schema = schemathesis.openapi.from_url(f"{service}/openapi.json")
    checks = [CHECKS.get_one(name) for name in KEPT]
    failures = list[str]()
    tried = 0
    for result in schema.get_all_operations():
        assert isinstance(result, Ok), result
        operation = result.ok()
        for mode in GenerationMode:
            try:
                tried += try_out(operation, mode, checks)
            except BrokenPromiseError as error:
                failures.append(f"{operation.label}: {error}")

    assert [] == failures, "\n".join(failures)
    assert 200 < tried


class BrokenPromiseError(AssertionError):
    """An answer is not what the document says."""


def try_out(operation: APIOperation[Any, Any, Any, Any], mode: GenerationMode, checks: list[Any]) -> int:
    """Send some requests of one operation and return how many; the half of them to the organisation that there is."""
    sent = 0

    @given(case=operation.as_strategy(generation_mode=mode))
    @settings(max_examples=4, phases=[Phase.generate], suppress_health_check=list(HealthCheck), database=None)
    def send(case: Case[Any]) -> None:
        nonlocal sent
        sent += 1
        if sent % 2 and "organisation" in case.path_parameters:
            case.path_parameters["organisation"] = "org_abc123"
        try:
            case.call_and_validate(checks=checks)
        except (Exception, BaseExceptionGroup) as error:  # of many kinds, and some list several
            raise BrokenPromiseError(str(error)) from None

    with suppress(Unsatisfiable):  # what cannot be wrong has no wrong requests
        send()
    return sent
