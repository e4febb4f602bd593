"""SharePoint document libraries behind Microsoft Graph, strictly as documented: see ``graph_emulator``."""

from __future__ import annotations

from ..faults import Fault, Faults, Kind
from ..http import Answer
from .server import HOST, GraphEmulator, graph_emulator
from .state import App, Knobs, Site

__all__ = ["HOST", "Answer", "App", "Fault", "Faults", "GraphEmulator", "Kind", "Knobs", "Site", "graph_emulator"]
