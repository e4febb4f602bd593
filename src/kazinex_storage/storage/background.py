"""A storage for moving or comparing whole fleets: what it asks of its service lets everybody else go first."""

from __future__ import annotations

from .sync import Storage


def in_background(storage: Storage) -> Storage:
    """Return a view of *storage* whose requests and calls take the lane of runs; see ``Transport.background``.

    Rules and observers are those of *storage*, and it closes with that.
    """
    view, transport = storage.with_policy(storage.policy), storage.transport.background()
    view._transport, view._run = transport, transport.run
    context = view.operations.context
    if context.carrier is not None:  # what alone may carry it goes on doing so
        context.carrier = transport
    return view
