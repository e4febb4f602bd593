"""How a transport reaches servers. Plain values: nothing here reads the environment or loads libcurl.

How long a request is repeated in all is for ``RetryPolicy`` to say.
"""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING, SupportsIndex

from ..errors import SettingsError
from ..lazy import regex
from ..secrecy.pickling import refusal
from ..values import value
from ..version import __version__

if TYPE_CHECKING:
    from .addresses import PublicAddresses

_HEADER_TEXT = regex(r"[!-~](?:[ -~]*[!-~])?")


@value
class TransportSettings:
    """Limits, trust and the way out. A transfer may last as long as it moves; the timeouts are for what does not."""

    connect_timeout_s: float = 10.0
    """For name resolution, TCP and TLS together."""
    # Kazinex's own clients wait 30 s; R2 and S3 keep a slow CompleteMultipartUpload alive with blanks.
    first_byte_timeout_s: float = 30.0
    """From the last byte of the request to the first one of the answer. Looked at once a second."""
    idle_timeout_s: float = 30.0
    """A body, sent or received, that moves less than 100 bytes/s for this long has stalled. Looked at once a second."""
    ca_file: str | None = None
    """Certificates to trust, PEM. None: what the environment names (``trust.py``), else those of certifi."""
    proxy: str | None = field(default=None, repr=False)
    """URL of a proxy. None: what ``https_proxy`` and ``no_proxy`` say; empty: none at all. May hold a password."""
    addresses: PublicAddresses | None = None
    """What may be connected to, when someone other than the operator chooses hosts; None: everything. Behind a proxy
    the connection goes to the proxy: admit its address, and let it refuse private ones."""
    user_agent: str = f"kazinex-storage/{__version__}"
    attempt_timeout_s: float | None = None
    """The longest that one attempt of a request may last, however well it moves: an upper bound against servers that
    trickle. Downloads go on in the next attempt, uploads begin again. None: no bound, since large files take their
    time."""
    max_connections: int = 128
    """Connections at once on one asyncio loop, and idle ones kept by each thread that runs transfers. Bulk calls and
    large bodies of all threads have half as many under way together, but one each; those of runs a quarter.
    """

    def __post_init__(self) -> None:
        """Refuse what libcurl would take for "no limit".

        Raises:
            SettingsError: a limit is not positive, or a text is none for a header.
        """
        for name in ("connect_timeout_s", "first_byte_timeout_s", "idle_timeout_s", "max_connections"):
            if getattr(self, name) <= 0:
                raise SettingsError(f"{name} is {getattr(self, name)}; give a positive number")
        if self.attempt_timeout_s is not None and self.attempt_timeout_s <= 0:
            raise SettingsError(f"attempt_timeout_s is {self.attempt_timeout_s}; give a positive number, or None")
        if not _HEADER_TEXT.fullmatch(self.user_agent):
            raise SettingsError("user_agent is no text for a header; give printable ASCII on one line")

    def __reduce_ex__(self, protocol: SupportsIndex) -> str | tuple[object, ...]:
        """Pickle settings without a password.

        Raises:
            TypeError: the proxy has a user or a password.
        """
        if self.proxy is not None and "@" in self.proxy:
            raise refusal("TransportSettings with the password of a proxy", "set https_proxy there instead")
        return object.__reduce_ex__(self, protocol)  # super() has the class before it got slots
