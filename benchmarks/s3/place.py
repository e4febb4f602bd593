"""Where the objects are: what a parent passes to the processes of the clients. Standard library only."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One bucket of one server on loopback."""

    name: str
    """The server, for headings."""
    endpoint_url: str
    bucket: str = "bench"
    region: str = "us-east-1"
    access_key_id: str = "benchmark"
    secret_access_key: str = "not-a-secret"
    ca_file: str | None = None
    """What to trust; None: plain HTTP."""
    processes: tuple[int, ...] = ()
    """The processes of the server, whose processor time is counted separately."""

    is_null: bool = True
    """Whether it keeps nothing, so that the client is what is measured."""

    @property
    def note(self) -> str:
        """What tells its measures from those of the null server over plain HTTP."""
        return "" if self.is_null and not self.over_tls else f", {'TLS' if self.is_null else self.name}"

    @property
    def over_tls(self) -> bool:
        """Whether bytes are encrypted on the way."""
        return self.endpoint_url.startswith("https://")

    def to_json(self) -> str:
        """Return it as one argument of a command line."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Place:
        """Return what ``to_json`` made a text of."""
        fields = json.loads(text)
        return cls(**{**fields, "processes": tuple(fields["processes"])})
