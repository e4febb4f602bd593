"""SharePoint document libraries behind Microsoft Graph, strictly as documented: see ``graph_emulator``."""

from __future__ import annotations

from ..faults import Faults, Kind, RequestFault
from ..http import Answer
from .server import HOST, GraphEmulator, graph_emulator
from .state import App, Knobs, Site

__all__ = [
    "HOST",
    "Answer",
    "App",
    "Faults",
    "GraphEmulator",
    "Kind",
    "Knobs",
    "RequestFault",
    "Site",
    "graph_emulator",
]
