"""The requests that a stream makes are spans below the span of whoever reads it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import closing

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from kazinex_storage import AsyncDocumentStore, ByteRange, DocumentKey, DocumentStore, Organisations, Resolver
from kazinex_storage.organisations import MemoryCatalogue
from kazinex_storage.testing.servers import S3Server
from kazinex_storage.transport import Transport, opentelemetry_observer

EXPORTER = InMemorySpanExporter()
BODY = bytes(range(256)) * 3_000  # two windows
KEY = DocumentKey("org-1", "bridge", "DRG-1", "P01", "plan.bin")


@pytest.fixture
def documents(ministack_server: S3Server) -> Iterator[DocumentStore]:
    if not isinstance(trace.get_tracer_provider(), TracerProvider):
        trace.set_tracer_provider(TracerProvider())
    provider = trace.get_tracer_provider()
    assert isinstance(provider, TracerProvider)
    provider.add_span_processor(SimpleSpanProcessor(EXPORTER))
    organisations = Organisations(MemoryCatalogue())
    settings = {
        "bucket": ministack_server.make_bucket(),
        "endpoint_url": ministack_server.endpoint_url,
        "access_key_id": ministack_server.access_key_id,
        "secret_access_key": ministack_server.secret_access_key,
    }
    record = organisations.add_provider("org-1", "s3", "main", settings)
    organisations.record_verification(record, ok=True)
    organisations.set_default("org-1", "main")
    transport = Transport(observe=opentelemetry_observer())
    with closing(Resolver(organisations, transport=transport)) as resolver:
        yield DocumentStore(resolver, organisation="org-1")
    transport.close()


def test_every_window_of_a_stream_is_a_span_below_that_of_its_reader(documents: DocumentStore) -> None:
    receipt, tracer = documents.upload(KEY, BODY), trace.get_tracer("tests")
    EXPORTER.clear()

    async def main() -> None:
        with tracer.start_as_current_span("awaited"):
            async for _ in AsyncDocumentStore(documents).stream(receipt):
                pass

    with tracer.start_as_current_span("whole"):
        for _ in documents.stream(receipt):
            pass
    with tracer.start_as_current_span("part"):
        assert BODY[5:15] == b"".join(documents.stream(receipt, ByteRange(start=5, end=15)))
    asyncio.run(main())

    spans = EXPORTER.get_finished_spans()
    names = {span.context.span_id: span.name for span in spans}
    below = [(names[span.parent.span_id], span.name) for span in spans if span.parent is not None]
    whole = ["head", "get", "get"]
    assert [
        (reader, name) for reader in ("whole", "part", "awaited") for name in (whole, ["head", "get"])[reader == "part"]
    ] == below
