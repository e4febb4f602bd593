"""Shows an observer of one storage what its exchanges ask of the service; other storages share the transport.

``operation.py`` uses this where a storage has such an observer. docs/monitoring.md is for users.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar, cast

from ..transport import Exchange, Many, Observer, Request

T = TypeVar("T")


def noticed(exchange: Exchange[T], observer: Observer) -> Exchange[T]:
    """Run *exchange*, and show *observer* each attempt of its requests, and of those of exchanges in it."""
    outcome: object = None
    failure: BaseException | None = None
    while True:
        try:
            command = exchange.send(outcome) if failure is None else exchange.throw(failure)
        except StopIteration as ended:
            return cast(T, ended.value)
        if isinstance(command, Request):
            if command.notice is None:
                command = replace(command, notice=observer)
        elif isinstance(command, Many):
            command = replace(command, exchanges=(noticed(each, observer) for each in command.exchanges))
        try:
            outcome, failure = (yield command), None
        except GeneratorExit:
            exchange.close()
            raise
        except BaseException as error:  # the exchange decides what becomes of it
            outcome, failure = None, error
