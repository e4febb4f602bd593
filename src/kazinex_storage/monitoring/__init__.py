"""What runs beside the calls: the monitor of providers, usage reconciled by listings, metrics.

``monitor.py`` verifies providers again and again, ``reconciling.py`` compares what is counted with what is there,
``requests.py`` counts what is asked of services, ``metrics.py`` shows all of it. docs/monitoring.md is for users.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .monitor import Monitor as Monitor
    from .monitor import MonitorRound as MonitorRound
    from .monitor import Pace as Pace

_HOMES = {"monitor": ("Monitor", "MonitorRound", "Pace")}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [*_HOME_OF]


def __getattr__(name: str) -> object:
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_HOME_OF[name]}", __name__), name)


def __dir__() -> list[str]:
    return sorted(__all__)
