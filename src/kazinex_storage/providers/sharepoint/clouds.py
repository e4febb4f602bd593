"""The clouds of Microsoft 365, as data: learn.microsoft.com/graph/deployments (read 2026-08)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from ...values import value


@value
class Cloud:
    """Where one cloud signs people in, and where to find its Graph."""

    login_url: str
    graph_url: str
    site_suffix: str
    """How the hosts of its sites end."""

    @property
    def scope(self) -> str:
        """The scope to ask for a token with."""
        return f"{self.graph_url}/.default"


CLOUDS: Final[Mapping[str, Cloud]] = {
    "global": Cloud(
        login_url="https://login.microsoftonline.com",
        graph_url="https://graph.microsoft.com",
        site_suffix=".sharepoint.com",
    ),
    "us_gov": Cloud(
        login_url="https://login.microsoftonline.us",
        graph_url="https://graph.microsoft.us",
        site_suffix=".sharepoint.us",
    ),
    "us_dod": Cloud(
        login_url="https://login.microsoftonline.us",
        graph_url="https://dod-graph.microsoft.us",
        site_suffix=".sharepoint-mil.us",
    ),
    "china": Cloud(
        login_url="https://login.partner.microsoftonline.cn",
        graph_url="https://microsoftgraph.chinacloudapi.cn",
        site_suffix=".sharepoint.cn",
    ),
}
"""By the name in the settings. GCC is in the global cloud."""

API_VERSION: Final = "v1.0"
