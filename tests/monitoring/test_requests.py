"""What is asked of each provider is counted by attempts, and by what became of them; and shown as metrics."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest
from opentelemetry import metrics as api
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import HistogramDataPoint, InMemoryMetricReader, NumberDataPoint

from kazinex_storage import (
    AsyncDocumentStore,
    DocumentKey,
    DocumentStore,
    NotFoundError,
    Organisations,
    Resolver,
    UnavailableError,
)
from kazinex_storage.monitoring import Meters, OpenTelemetryMeter, RequestCounter, metrics_text, observe_usage
from kazinex_storage.organisations import MemoryCatalogue
from kazinex_storage.testing.servers import S3Server
from kazinex_storage.transport import Observation, RetryPolicy, Transport, TransportSettings

PDF = b"%PDF-1.7 drawing"
READER = InMemoryMetricReader()
SEEN = Observation(
    operation="get",
    method="GET",
    host="127.0.0.1",
    status=200,
    attempt=1,
    started_at=0.0,
    seconds=0.1,
    sent=0,
    received=0,
    request_id=None,
    error=None,
)


def key(revision: str = "P01") -> DocumentKey:
    return DocumentKey("org-1", "bridge", "DRG-1", revision, "plan.pdf")


@pytest.fixture(scope="module", autouse=True)
def _provider() -> None:
    api.set_meter_provider(MeterProvider([READER]))


@dataclass(frozen=True, kw_only=True)
class Counted:
    organisations: Organisations
    resolver: Resolver
    counter: RequestCounter
    provider: str

    def counts(self, organisation: str = "org-1") -> dict[str, tuple[int, int, int]]:
        self.counter.flush()
        found = self.organisations.usage(organisation).requests
        return {each.request_class: (each.requests, each.throttled, each.failed) for each in found}


def add(organisations: Organisations, organisation: str, server: S3Server, bucket: str) -> str:
    keys = {"access_key_id": server.access_key_id, "secret_access_key": server.secret_access_key}
    settings = {"bucket": bucket, "endpoint_url": server.endpoint_url, **keys}
    record = organisations.add_provider(organisation, "s3", "main", settings)
    organisations.record_verification(record, ok=True)
    organisations.set_default(organisation, "main")
    return record.id


@pytest.fixture
def counted(ministack_server: S3Server) -> Iterator[Counted]:
    organisations = Organisations(MemoryCatalogue())
    provider = add(organisations, "org-1", ministack_server, ministack_server.make_bucket())
    counter = RequestCounter(organisations, every_s=3600)
    resolver = Resolver(organisations)
    resolver.meter = counter
    yield Counted(organisations=organisations, resolver=resolver, counter=counter, provider=provider)
    resolver.close()
    counter.close()


def test_every_request_of_an_organisation_is_counted_by_its_class(counted: Counted, ministack_server: S3Server) -> None:
    add(counted.organisations, "org-2", ministack_server, ministack_server.make_bucket())
    documents = DocumentStore(counted.resolver)

    receipt = documents.upload(key(), PDF)
    documents.get_bytes(receipt)
    storage = counted.resolver.storage_for("org-1")
    storage.put_many((f"notes/{number}.txt", b"x") for number in range(5))
    dict(storage.get_many([f"notes/{number}.txt" for number in range(5)]))
    storage.delete_many([f"notes/{number}.txt" for number in range(5)])

    found = counted.counts()
    assert (6 + 5, 0, 0) == found["write"]  # what is deleted is copied to the trash first
    assert found["read"][0] >= 7
    assert {"read", "write", "list", "delete"} == set(found)
    assert {} == counted.counts("org-2")


def test_what_is_awaited_is_counted_as_well(counted: Counted) -> None:
    documents = AsyncDocumentStore(DocumentStore(counted.resolver))

    asyncio.run(documents.upload(key("P02"), PDF))

    assert (1, 0, 0) == counted.counts()["write"]


def test_an_answer_that_refuses_nothing_is_no_failure(counted: Counted) -> None:
    with pytest.raises(NotFoundError):
        counted.resolver.storage_for("org-1").head("notes/never.txt")

    assert (1, 0, 0) == counted.counts()["read"]


def test_a_request_that_nobody_answers_has_failed_as_often_as_it_was_tried(counted: Counted) -> None:
    transport = Transport(settings=TransportSettings(proxy=""), retry=RetryPolicy(attempts=3, base_s=0.001))
    resolver = Resolver(counted.organisations, transport=transport)
    resolver.meter = counted.counter
    settings = {"bucket": "plans", "endpoint_url": "http://127.0.0.1:9", "access_key_id": "x", "secret_access_key": "y"}
    record = counted.organisations.add_provider("org-1", "s3", "dead", settings)

    with pytest.raises(UnavailableError):
        resolver.storage_of("org-1", record.id).head("a.txt")

    tried, throttled, failed = counted.counts()["read"]
    assert (tried, 0) == (failed, throttled)
    assert tried >= 3
    resolver.close()
    transport.close()


def test_what_was_throttled_is_counted_apart(counted: Counted) -> None:
    observe = counted.counter.of("org-1", counted.provider)

    for status in (200, 404, 412, 429, 503, 500, 403):
        observe(replace(SEEN, status=status))
    observe(replace(SEEN, status=0, error="connect"))
    observe(replace(SEEN, operation="verify"))

    assert {"read": (8, 2, 4), "other": (1, 0, 0)} == counted.counts()


def test_a_child_process_does_not_write_what_its_parent_has_counted(counted: Counted) -> None:
    counted.resolver.storage_for("org-1").exists("a.txt")

    child = os.fork()
    if child == 0:
        counted.counter.of("org-1", "other")(SEEN)
        counted.counter.flush()
        names = {count.provider for count in counted.organisations.usage("org-1").requests}
        os._exit(0 if names == {"other"} else 1)
    _, status = os.waitpid(child, 0)

    assert 0 == os.waitstatus_to_exitcode(status)
    assert (1, 0, 0) == counted.counts()["read"]


def test_metrics_are_prometheus_text_with_ids_alone(counted: Counted) -> None:
    counted.organisations.set_quota("org-1", "bridge", max_bytes=1000)
    DocumentStore(counted.resolver).upload(key(), PDF)
    counted.counter.flush()

    text = metrics_text(counted.organisations)

    place = f'organisation="org-1",project="bridge",provider="{counted.provider}"'
    assert f"kazinex_storage_objects{{{place}}} 1\n" in text
    assert f"kazinex_storage_bytes{{{place}}} {len(PDF)}\n" in text
    assert 'kazinex_storage_quota_bytes{organisation="org-1",project="bridge"} 1000\n' in text
    asked = f'organisation="org-1",provider="{counted.provider}",class="write"'
    assert f"kazinex_storage_requests_total{{{asked}}} 1\n" in text
    assert re.search(r'provider_status\{.*kind="s3",status="VERIFIED"\} 1\n', text)
    assert "main" not in text
    sample = re.compile(r'[a-z_]+\{[a-z_]+="[^"\n]*"(,[a-z_]+="[^"\n]*")*\} [0-9.e+-]+')
    lines = [line for line in text.splitlines() if not line.startswith("# ")]
    assert lines
    assert all(sample.fullmatch(line) for line in lines), text


def test_the_same_is_collected_by_open_telemetry(counted: Counted) -> None:
    counted.resolver.meter = Meters(counted.counter, OpenTelemetryMeter())
    DocumentStore(counted.resolver).upload(key(), PDF)
    counted.counter.flush()
    observe_usage(counted.organisations)

    data = READER.get_metrics_data()
    assert data is not None
    found = {
        metric.name: metric.data.data_points
        for resource in data.resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
    }

    stored, durations = found["kazinex_storage_bytes"], found["http.client.request.duration"]
    assert [len(PDF)] == [point.value for point in stored if isinstance(point, NumberDataPoint)]
    wanted = {"kazinex.organisation": "org-1", "kazinex.provider": counted.provider, "kazinex.request.class": "write"}
    writes = [point for point in durations if wanted.items() <= dict(point.attributes or {}).items()]
    assert [1] == [point.count for point in writes if isinstance(point, HistogramDataPoint)]
