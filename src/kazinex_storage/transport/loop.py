"""Drive exchanges on a running asyncio loop.

Cancelling: the task's ``CancelledError`` is raised inside the exchange at the command it waits for, and what the
exchange yields to clean up is still carried out. A request under way closes its connection at once. A blocking call
cannot be interrupted from outside: it is asked to stop (``Call.cancel``), and the first cancellation waits for it to
end, so that files and buffers may be closed afterwards; a second cancellation no longer waits.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterable
from contextlib import suppress
from typing import Any, TypeVar

from .attempt import Attempt
from .exchange import Call, Command, Exchange, Many, Outcome, Through, Wait
from .pool import Calls, Running
from .request import Request
from .wire import Wire

T = TypeVar("T")


async def run_async(exchange: Exchange[T], pool: Calls, wire: Wire) -> T:
    """Drive *exchange* on the running loop and return its result.

    Raises:
        BaseException: what the exchange raises; ``CancelledError`` when the task was cancelled.
    """
    nested: list[Exchange[Any]] = [exchange]  # each waits for the next: a request is an exchange of attempts
    outcome: Any = None
    error: BaseException | None = None
    while True:
        try:
            command = nested[-1].send(outcome) if error is None else nested[-1].throw(error)
        except BaseException as failure:
            nested.pop()
            ended = isinstance(failure, StopIteration)
            if not nested:
                if ended:
                    return failure.value  # type: ignore[attr-defined, no-any-return]
                raise
            outcome, error = (failure.value, None) if ended else (None, failure)  # type: ignore[attr-defined]
            continue
        outcome = error = None
        try:
            attempt = wire.first(command) if isinstance(command, Request) else _attempt_in(command)
            if attempt is not None:
                multi = wire.loops.of(asyncio.get_running_loop())
                if not multi.is_prepared:
                    await multi.prepare()
                try:
                    await multi.begin(attempt, wire.owner)
                except BaseException as failure:
                    await multi.abandon(attempt, failure)
                    raise
            if isinstance(command, Request) and (attempt is None or (outcome := wire.plain(attempt)) is None):
                nested.append(wire.exchange(command, attempt))
            elif isinstance(command, Through) and command.carrier.wire.family == wire.family:
                nested.append(command.exchange)
            elif not isinstance(command, Attempt | Request):
                outcome = await _perform(command, pool, wire)
        except GeneratorExit:  # the coroutine itself is being closed: nothing can be awaited any more
            while nested:
                nested.pop().close()
            raise
        except BaseException as failure:
            error = failure


async def run_many_async(
    exchanges: Iterable[Exchange[T]], window: int, pool: Calls, wire: Wire
) -> AsyncGenerator[tuple[int, Outcome[T]], None]:
    """Yield (index, outcome) as the exchanges end, at most *window* of them under way.

    Leaving the iteration early cancels what is under way and waits for it to clean up.

    Raises:
        asyncio.CancelledError: the task was cancelled; errors of one exchange are in its outcome.
    """
    source = enumerate(exchanges)
    active: set[asyncio.Task[tuple[int, Outcome[T]]]] = set()
    exhausted = False
    try:
        while True:
            while not exhausted and len(active) < max(1, window):
                item = next(source, None)
                if item is None:
                    exhausted = True
                else:
                    active.add(asyncio.ensure_future(_outcome(item[0], item[1], pool, wire)))
            if not active:
                return
            ended, active = await asyncio.wait(active, return_when=asyncio.FIRST_COMPLETED)
            for task in ended:
                yield task.result()
    finally:
        for task in active:
            task.cancel()
        if active:
            await asyncio.wait(active)


async def _outcome(index: int, exchange: Exchange[T], pool: Calls, wire: Wire) -> tuple[int, Outcome[T]]:
    try:
        return index, Outcome(value=await run_async(exchange, pool, wire))
    except Exception as error:  # the error of one exchange belongs to its outcome, whatever it is
        return index, Outcome(error=error)


def _attempt_in(command: Command) -> Attempt | None:
    return command if isinstance(command, Attempt) else None


async def _perform(command: Call | Many | Through | Wait, pool: Calls, wire: Wire) -> Any:
    if isinstance(command, Call):
        return await _call(command, pool)
    if isinstance(command, Many):
        running = run_many_async(command.exchanges, command.window, pool, wire)
        outcomes = {index: outcome async for index, outcome in running}
        return [outcomes[index] for index in range(len(outcomes))]
    if isinstance(command, Through):
        return await command.carrier.run_async(command.exchange)
    return await asyncio.sleep(command.seconds)


async def _call(call: Call, pool: Calls) -> Any:
    loop = asyncio.get_running_loop()
    waiting: asyncio.Future[Any] = loop.create_future()

    def ended(running: Running) -> None:
        with suppress(RuntimeError):  # the loop was closed, and nobody waits any more
            loop.call_soon_threadsafe(_settle, waiting, running)

    running = pool.submit(call, ended)
    pool.start(each=True)
    try:
        return await asyncio.shield(waiting)
    except asyncio.CancelledError:
        if not running.cancel():
            running.give_up()
            with suppress(asyncio.CancelledError):
                await asyncio.wait({waiting})
        # The error of an abandoned call is never read; asyncio would report that.
        waiting.add_done_callback(lambda over: over.cancelled() or over.exception())
        raise


def _settle(waiting: asyncio.Future[Any], running: Running) -> None:
    if waiting.done():
        return
    error, running.error = running.error, None  # its traceback holds what holds it
    if error is not None:
        waiting.set_exception(error)
    else:
        waiting.set_result(running.value)
