"""Whether something may still be used, shared by an owner and the views of it."""

from __future__ import annotations


class Life:
    """Whether a storage, or the one that it is a view of, was closed."""

    __slots__ = ("_closed", "_parent")

    def __init__(self, parent: Life | None = None) -> None:
        self._closed = False
        self._parent = parent

    @property
    def closed(self) -> bool:
        """Whether it may no longer be used."""
        return self._closed or (self._parent is not None and self._parent.closed)

    def end(self) -> None:
        """Close it."""
        self._closed = True
