"""How a transport reaches servers. Plain values: nothing here reads the environment or loads libcurl."""

from __future__ import annotations

from dataclasses import dataclass, field

from .._internal.version import __version__
from ..errors import SettingsError


@dataclass(frozen=True, slots=True, kw_only=True)
class TransportSettings:
    """Limits, trust and the way out. Timeouts are idle timeouts: a transfer may last as long as it moves."""

    connect_timeout_s: float = 10.0
    """For name resolution, TCP and TLS together."""
    # Kazinex's own clients wait 30 s; R2 and S3 keep a slow CompleteMultipartUpload alive with blanks.
    idle_timeout_s: int = 30
    """A transfer that moves less than 100 bytes/s for this long has stalled. Whole seconds: libcurl counts those."""
    ca_file: str | None = None
    """Certificates to trust, PEM. None: ``SSL_CERT_FILE`` or ``SSL_CERT_DIR``, else those of certifi."""
    proxy: str | None = field(default=None, repr=False)
    """URL of a proxy. None: what ``https_proxy`` and ``no_proxy`` say; empty: none at all. May hold a password."""
    user_agent: str = f"kazinex-storage/{__version__}"
    max_connections: int = 128
    """Connections at once on one asyncio loop, and idle ones kept by each thread that runs transfers."""

    def __post_init__(self) -> None:
        """Refuse what libcurl would take for "no limit".

        Raises:
            SettingsError: a limit is not positive.
        """
        for name in ("connect_timeout_s", "idle_timeout_s", "max_connections"):
            if getattr(self, name) <= 0:
                raise SettingsError(f"{name} is {getattr(self, name)}; give a positive number")
