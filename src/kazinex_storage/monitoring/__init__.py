"""What runs beside the calls: the monitor of providers, usage reconciled by listings, metrics.

``monitor.py`` verifies providers again and again, ``reconciling.py`` compares what is counted with what is there,
``requests.py`` counts what is asked of services, ``metrics.py`` shows all of it. docs/monitoring.md is for users.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .metrics import metrics_text as metrics_text
    from .monitor import Monitor as Monitor
    from .monitor import MonitorRound as MonitorRound
    from .monitor import Pace as Pace
    from .otel import Meters as Meters
    from .otel import OpenTelemetryMeter as OpenTelemetryMeter
    from .otel import observe_usage as observe_usage
    from .reconciling import Reconciliation as Reconciliation
    from .reconciling import reconcile as reconcile
    from .requests import RequestCounter as RequestCounter

_HOMES = {
    "metrics": ("metrics_text",),
    "monitor": ("Monitor", "MonitorRound", "Pace"),
    "otel": ("Meters", "OpenTelemetryMeter", "observe_usage"),
    "reconciling": ("Reconciliation", "reconcile"),
    "requests": ("RequestCounter",),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [*_HOME_OF]


def __getattr__(name: str) -> object:
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_HOME_OF[name]}", __name__), name)


def __dir__() -> list[str]:
    return sorted(__all__)
