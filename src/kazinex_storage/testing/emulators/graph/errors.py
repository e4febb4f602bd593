"""What Graph refuses."""

from __future__ import annotations


class GraphError(Exception):
    """What Graph refuses, as status and code."""

    def __init__(self, status: int, code: str, message: str, inner: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.inner = inner
        """A more specific code, in ``innerError``."""
