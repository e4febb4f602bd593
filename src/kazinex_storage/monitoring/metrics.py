"""Metrics of all organisations as Prometheus text: what they take up, their quotas, requests, states of providers.

All of it comes from the catalogue, so every process shows the same: scrape one of them. Labels are ids and nothing that
people type.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from ..organisations.records import ProviderRecord, ProviderStatus
from ..values import value

if TYPE_CHECKING:
    from ..organisations import Organisations

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
"""What a response with this text says that it is."""

# prometheus.io/docs/instrumenting/exposition_formats (read 2026-08): what a label value escapes.
_ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n"})


@value
class Metric:
    """One metric, with its samples."""

    name: str
    kind: str
    """``gauge`` or ``counter``."""
    text: str
    """What it says, for people."""
    samples: tuple[tuple[Mapping[str, str], float], ...]
    """Labels and value of each."""


def metrics_text(organisations: Organisations) -> str:
    """Return the metrics of all organisations in the text format of Prometheus; three queries, and one for each kind.

    Raises:
        StorageError: the catalogue does not answer.
    """
    return "".join(line for metric in metrics(organisations) for line in _lines(metric))


def metrics(organisations: Organisations) -> tuple[Metric, ...]:
    """Return the metrics of all organisations.

    Raises:
        StorageError: the catalogue does not answer.
    """
    found = organisations.catalogue.usage.of_all()
    providers = [
        record for kind in organisations.registry.kinds() for record in organisations.catalogue.of_kind(kind.kind)
    ]
    places = [
        ({"organisation": organisation, "project": entry.project, "provider": entry.provider}, entry)
        for organisation, entry in found.usage
    ]
    limits = [({"organisation": quota.organisation, "project": quota.project or ""}, quota) for quota in found.quotas]
    asked = [
        ({"organisation": count.organisation, "provider": count.provider, "class": count.request_class}, count)
        for count in found.requests
    ]
    return (
        _gauge("objects", "Objects stored.", ((labels, entry.all_objects) for labels, entry in places)),
        _gauge("bytes", "Bytes stored.", ((labels, entry.all_bytes) for labels, entry in places)),
        _gauge("quota_objects", "Objects allowed.", ((labels, quota.max_objects) for labels, quota in limits)),
        _gauge("quota_bytes", "Bytes allowed.", ((labels, quota.max_bytes) for labels, quota in limits)),
        _counter("requests", "Attempts of requests.", ((labels, count.requests) for labels, count in asked)),
        _counter(
            "requests_throttled",
            "Requests answered 429 or 503.",
            ((labels, count.throttled) for labels, count in asked),
        ),
        _counter("requests_failed", "Requests that failed.", ((labels, count.failed) for labels, count in asked)),
        _gauge("provider_status", "1 for the state that a provider is in.", _states(providers)),
        _gauge("provider_verified_timestamp_seconds", "When it was last verified.", _verified(providers)),
    )


def _gauge(name: str, text: str, samples: Iterable[tuple[Mapping[str, str], float | None]]) -> Metric:
    return _metric(name, "gauge", text, samples)


def _counter(name: str, text: str, samples: Iterable[tuple[Mapping[str, str], float | None]]) -> Metric:
    return _metric(f"{name}_total", "counter", text, samples)


def _metric(name: str, kind: str, text: str, samples: Iterable[tuple[Mapping[str, str], float | None]]) -> Metric:
    known = tuple((labels, number) for labels, number in samples if number is not None)
    return Metric(name=f"kazinex_storage_{name}", kind=kind, text=text, samples=known)


def _states(providers: Iterable[ProviderRecord]) -> Iterator[tuple[Mapping[str, str], float]]:
    for record in providers:
        for status in ProviderStatus:
            yield {**_labels(record), "status": status.value}, float(record.status is status)


def _verified(providers: Iterable[ProviderRecord]) -> Iterator[tuple[Mapping[str, str], float | None]]:
    for record in providers:
        at = record.last_verified_at
        yield _labels(record), at.timestamp() if at is not None else None


def _labels(record: ProviderRecord) -> dict[str, str]:
    return {"organisation": record.organisation, "provider": record.id, "kind": record.kind}


def _lines(metric: Metric) -> Iterator[str]:
    yield f"# HELP {metric.name} {metric.text}\n# TYPE {metric.name} {metric.kind}\n"
    for labels, number in metric.samples:
        shown = ",".join(f'{name}="{text.translate(_ESCAPES)}"' for name, text in labels.items())
        yield f"{metric.name}{{{shown}}} {number:.17g}\n"
