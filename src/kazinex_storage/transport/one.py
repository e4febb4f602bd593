"""Drive one exchange on the caller's thread."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from .attempt import Attempt
from .exchange import AnyOutcome, Call, Exchange, Many, Outcome, Through
from .request import Request
from .wire import Wire

T = TypeVar("T")


def drive(
    many: Callable[[Many], list[AnyOutcome]],
    wire: Wire,
    exchange: Exchange[T],
    error: BaseException | None = None,
) -> T:
    """Carry out what *exchange* yields and return its result.

    Calls happen on the spot, waits sleep, requests go over *wire*, ``Many`` goes to *many*, ``Through`` to its carrier.
    An interrupt (Ctrl-C) is raised inside the exchange, so that it cleans up, and then reaches the caller. With *error*
    the exchange is resumed by raising that in it.

    Raises:
        BaseException: what the exchange raises.
    """
    send = exchange.send
    outcome: object
    try:
        command = send(None) if error is None else exchange.throw(error)
        while True:
            try:
                kind = type(command)
                if kind is Request:
                    first = wire.first(command)  # type: ignore[arg-type]
                    outcome = None
                    if first is not None:
                        wire.perform(first)
                        outcome = wire.plain(first)
                    if outcome is None:
                        outcome = drive(many, wire, wire.exchange(command, first))  # type: ignore[arg-type]
                elif kind is Call:
                    outcome = command.run()  # type: ignore[union-attr]
                elif kind is Attempt:
                    outcome = wire.perform(command)  # type: ignore[func-returns-value, arg-type]
                elif kind is Through:
                    outcome = command.carrier.run(command.exchange)  # type: ignore[union-attr]
                elif kind is Many:
                    outcome = many(command)  # type: ignore[arg-type]
                else:
                    outcome = time.sleep(command.seconds)  # type: ignore[func-returns-value, union-attr]
            except BaseException as failure:
                command = exchange.throw(failure)
            else:
                command = send(outcome)
    except StopIteration as stop:
        return stop.value  # type: ignore[no-any-return]


def one_by_one(wire: Wire) -> Callable[[Many], list[AnyOutcome]]:
    """Return what runs the exchanges of a ``Many`` one after another on the caller's thread."""
    return lambda command: [outcome_of(exchange, wire) for exchange in command.exchanges]


def outcome_of(exchange: Exchange[T], wire: Wire) -> Outcome[T]:
    """Run *exchange* on the caller's thread and return how it ended; only interrupts are raised."""
    try:
        return Outcome(value=drive(one_by_one(wire), wire, exchange))
    except Exception as error:  # the error of one exchange belongs to its outcome, whatever it is
        return Outcome(error=error)
