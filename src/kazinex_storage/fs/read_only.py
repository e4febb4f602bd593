"""File systems that only read: the paths of another space, whose storages are views that only read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ..errors import ReadOnlyError
from ..storage.sync import Storage
from ..transport import Exchange, Transport
from .spaces import Candidate, Place, Space


class ReadOnlySpace:
    """The paths of *space*; nothing is written to them, or removed."""

    def __init__(self, space: Space) -> None:
        """Show *space*."""
        self._space = space

    @property
    def transport(self) -> Transport:
        """What runs the exchanges."""
        return self._space.transport

    @property
    def divided(self) -> bool:
        """See ``Space``."""
        return self._space.divided

    def roots(self) -> Sequence[str] | None:
        """Return what the root holds; see ``Space``."""
        return self._space.roots()

    def place(self, path: str) -> Place:
        """Take *path* apart; see ``Space``."""
        return self._space.place(path)

    def candidates(self, place: Place) -> Exchange[Sequence[Candidate]]:
        """Return views of the storages that may hold *place*."""
        found = yield from self._space.candidates(place)
        return [replace(candidate, storage=candidate.storage.read_only()) for candidate in found]

    def writer(self, place: Place) -> Exchange[Storage]:
        """Refuse to write.

        Raises:
            ReadOnlyError: always.
        """
        raise ReadOnlyError("the file system was opened with read_only=True", key=place.name, code="read-only")
        yield  # makes this an exchange

    def close(self) -> None:
        """Close the space."""
        self._space.close()

    def __repr__(self) -> str:
        return f"{self._space!r}, read-only"
