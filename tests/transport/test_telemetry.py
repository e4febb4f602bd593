"""Spans by the real OpenTelemetry SDK: one for each attempt, without anything that is secret."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from kazinex_storage import Storage
from kazinex_storage.errors import UnavailableError
from kazinex_storage.providers.sharepoint.provider import SharePointProvider
from kazinex_storage.providers.sharepoint.target import Target
from kazinex_storage.testing.emulators.graph import Answer, GraphEmulator, Kind, RequestFault, graph_emulator
from kazinex_storage.transport import Gate, RetryPolicy, Transport, TransportSettings, opentelemetry_observer

EXPORTER = InMemorySpanExporter()


class Token:
    at_hand: str | None

    def __init__(self, token: str) -> None:
        self.at_hand = token

    def __call__(self) -> str:
        return self.at_hand or ""

    def invalidate(self, token: str) -> None:
        del token


@pytest.fixture(scope="module", autouse=True)
def _provider() -> None:
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(EXPORTER))
    trace.set_tracer_provider(provider)


@pytest.fixture
def emulator() -> Iterator[GraphEmulator]:
    EXPORTER.clear()
    with graph_emulator() as emulator:
        yield emulator


@pytest.fixture
def storage(emulator: GraphEmulator) -> Iterator[Storage]:
    site, app = emulator.add_site("sites/projects"), emulator.add_app()
    target = Target(
        graph_url=emulator.graph_url,
        tokens=Token(emulator.state.issue(app.client_id)),
        gate=Gate(),
        site_url=site.url,
        drive_id=site.drives[0].id,
    )
    retry, settings = RetryPolicy(attempts=3, base_s=0.001), TransportSettings(proxy="")
    transport = Transport(settings=settings, retry=retry, observe=opentelemetry_observer())
    with Storage(SharePointProvider(target), transport=transport) as storage:
        yield storage
    transport.close()


def spans() -> list[tuple[object, object, object]]:
    found = [(span.name, span.attributes or {}) for span in EXPORTER.get_finished_spans()]
    return [(name, told.get("http.response.status_code"), told["http.request.resend_count"]) for name, told in found]


def test_each_request_of_an_operation_is_a_span(storage: Storage) -> None:
    storage.put("a.ifc", b"1")
    storage.get_bytes("a.ifc")

    assert [("put", 201, 0), ("head", 200, 0), ("get", 200, 0)] == spans()


def test_a_repeat_is_a_span_of_its_own(storage: Storage, emulator: GraphEmulator) -> None:
    emulator.faults.add(RequestFault(kind=Kind.ANSWER, answer=Answer(status=503)))

    storage.put("a.ifc", b"1")

    assert [("put", 503, 0), ("put", 201, 1)] == spans()


def test_a_failure_marks_its_span(storage: Storage, emulator: GraphEmulator) -> None:
    emulator.faults.add(RequestFault(kind=Kind.CUT_BEFORE, times=9))

    with pytest.raises(UnavailableError):
        storage.head("a.ifc")

    found = EXPORTER.get_finished_spans()
    assert [trace.StatusCode.ERROR] * 3 == [span.status.status_code for span in found]
    assert all(span.attributes is not None and "error.type" in span.attributes for span in found)


def test_bulk_work_makes_spans_too(storage: Storage) -> None:
    storage.put_many([(f"{number}.ifc", b"1") for number in range(5)])

    assert [("put", 201, 0)] * 5 == spans()


def test_no_span_holds_a_token_or_a_url_that_is_a_credential(storage: Storage, emulator: GraphEmulator) -> None:
    storage.put("a.ifc", b"1")
    storage.put("b.ifc", bytes(9 * 1024 * 1024))
    storage.get_bytes("a.ifc")

    told = "".join(span.to_json() for span in EXPORTER.get_finished_spans())
    assert "example-access-token" not in told
    assert "tempauth" not in told
    assert not any(session in told for session in emulator.state.sessions)
    assert "/upload/" not in told
