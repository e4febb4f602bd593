"""The same by OpenTelemetry: usage and states as gauges, requests as they happen. ``metrics.py`` has the text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from types import ModuleType
from typing import TYPE_CHECKING

from ..errors import SettingsError, StorageError
from ..lazy import logger
from ..secrecy.pickling import not_pickled
from ..transport import Observation, Observer
from .metrics import Metric, metrics
from .requests import class_of

if TYPE_CHECKING:
    from opentelemetry.metrics import CallbackOptions, Histogram
    from opentelemetry.metrics import Observation as Measured

    from ..organisations import Organisations
    from ..organisations.resolver import Meter

_log = logger(__name__)


@not_pickled("make one there")
class OpenTelemetryMeter:
    """Records each attempt of each request in ``http.client.request.duration``, with organisation, provider and class.

    For ``resolver.meter``; it records in the meter provider of the process.
    """

    def __init__(self) -> None:
        """Make the instrument.

        Raises:
            SettingsError: ``opentelemetry-api`` is not installed.
        """
        # Name and unit: OpenTelemetry semantic conventions for HTTP client metrics, stable since 1.23 (read 2026-08).
        self._durations: Histogram = (
            _api()
            .get_meter("kazinex_storage")
            .create_histogram("http.client.request.duration", unit="s", description="Duration of HTTP client requests.")
        )

    def of(self, organisation: str, provider: str) -> Observer:
        """Return the observer of the requests to one provider."""

        def observe(seen: Observation) -> None:
            attributes: dict[str, str | int] = {
                "http.request.method": seen.method,
                "server.address": seen.host,
                "kazinex.organisation": organisation,
                "kazinex.provider": provider,
                "kazinex.request.class": class_of(seen),
            }
            if seen.status:
                attributes["http.response.status_code"] = seen.status
            if seen.error is not None:
                attributes["error.type"] = seen.error
            self._durations.record(seen.seconds, attributes)

        return observe


class Meters:
    """Several meters as one: a ``RequestCounter`` and an ``OpenTelemetryMeter``, for instance."""

    def __init__(self, *meters: Meter) -> None:
        """Show each request to each of *meters*."""
        self._meters = meters

    def of(self, organisation: str, provider: str) -> Observer:
        """Return the observer of the requests to one provider."""
        observers = [meter.of(organisation, provider) for meter in self._meters]

        def observe(seen: Observation) -> None:
            for observer in observers:
                observer(seen)

        return observe


def observe_usage(organisations: Organisations) -> None:
    """Let OpenTelemetry collect the metrics of ``metrics_text``, counters too, each time it exports.

    A collection costs the queries of ``metrics_text`` once for each metric. While the catalogue does not answer there
    are no values.

    Raises:
        SettingsError: ``opentelemetry-api`` is not installed.
        StorageError: the catalogue does not answer now.
    """
    meter = _api().get_meter("kazinex_storage")
    for metric in metrics(organisations):
        create = meter.create_observable_gauge if metric.kind == "gauge" else meter.create_observable_counter
        create(metric.name, [_Collecting(organisations, metric.name)], description=metric.text)


class _Collecting:
    """Collects the samples of one metric."""

    def __init__(self, organisations: Organisations, name: str) -> None:
        self._organisations = organisations
        self._name = name

    def __call__(self, _options: CallbackOptions) -> Iterable[Measured]:
        try:
            found = metrics(self._organisations)
        except StorageError as error:
            _log.warning("metrics could not be collected: %s", error)
            return []
        return [sample for metric in found if metric.name == self._name for sample in _measured(metric)]


def _measured(metric: Metric) -> Iterator[Measured]:
    from opentelemetry.metrics import Observation as Measured

    for labels, number in metric.samples:
        yield Measured(number, dict(labels))


def _api() -> ModuleType:
    try:
        import opentelemetry.metrics as api
    except ImportError as error:
        raise SettingsError("metrics need OpenTelemetry: pip install opentelemetry-api") from error
    return api
