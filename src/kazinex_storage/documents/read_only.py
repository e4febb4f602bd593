"""Document stores that only read: whatever is not known to read is refused, also what is added later."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

from ..storage.read_only import refuse

if TYPE_CHECKING:
    from .operations import DocumentOperations

_READING: Final = frozenset(
    {
        "check",
        "download",
        "find",
        "get_bytes",
        "opening",
        "proof",
        "read_ranges",
        "removed",
        "retention",
        "revisions",
        "storage_class",
        "tags",
    }
)
"""What of ``DocumentOperations`` reads."""


class _Reads:
    """The operations behind it, as far as they read."""

    def __init__(self, behind: DocumentOperations) -> None:
        self._behind = behind

    def acting(self, by: str | None) -> DocumentOperations:
        """Return the same in the name of *by*."""
        return reading_only(self._behind.acting(by))

    def __getattr__(self, name: str) -> object:
        if name in _READING:
            return getattr(self._behind, name)
        raise AttributeError(name) if name.startswith("_") else refuse("what else a document store does")


def reading_only(operations: DocumentOperations) -> DocumentOperations:
    """Return *operations* as far as they read; all others raise ``ReadOnlyError``."""
    return cast("DocumentOperations", _Reads(operations))
