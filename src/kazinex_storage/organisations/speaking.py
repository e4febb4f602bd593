"""In whose name a service acts, and whom it tells what happens: what ``Organisations`` has of that."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Self

from ..documents.events import Event, EventHook, check_by


class Speaker:
    """Gives events to a hook, in the name of whoever it acts for."""

    def __init__(self, on_event: EventHook | None) -> None:
        """Give events to *on_event*, if there is one."""
        self._on_event = on_event
        self._by: str | None = None

    def acting(self, by: str | None) -> Self:
        """Return this service for calls in the name of *by*, whom their events name; closing either closes both.

        It costs nothing: make one for each request.

        Raises:
            ValueError: *by* is empty, or longer than 2,000 characters.
        """
        view = object.__new__(type(self))
        view.__dict__.update(self.__dict__)
        view._by = check_by(by)
        return view

    @property
    def by(self) -> str | None:
        """In whose name this acts."""
        return self._by

    @property
    def listens(self) -> bool:
        """Whether there is a hook; where there is none, no event need be made."""
        return self._on_event is not None

    def emit(self, event: Event) -> None:
        """Give *event* to the hook, if there is one, in the name of whoever this acts for."""
        if self._on_event is not None:
            self._on_event(event.in_name_of(self._by))

    def tell(self, events: Iterable[Event]) -> None:
        """Give each of *events* to the hook; where there is none they are not even made."""
        for event in events if self.listens else ():
            self.emit(event)
