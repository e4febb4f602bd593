"""What the classes for asyncio are made of: blocking methods whose exchange is awaited, and bodies that come in pieces.

``aio.py`` and ``documents/aio.py`` use it.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from functools import wraps
from typing import Any, Concatenate, Final, ParamSpec, TypeVar

from ..bodies.body import FileBody, Spool
from ..transport import Call, Exchange, Transport
from ..types import Buffer

_TOGETHER: Final = 1024 * 1024
"""Bytes that are written by one call of a thread."""

P = ParamSpec("P")
T = TypeVar("T")


def awaited(method: Callable[Concatenate[Any, P], T]) -> Callable[Concatenate[Any, P], Coroutine[Any, Any, T]]:
    """Return *method* of a blocking class as a coroutine method, with its parameters and its docstring.

    The method must do nothing but ``return self._run(<an exchange>)``: the class that it goes into has the same
    attributes, and a ``_run`` that returns an awaitable. A test reads every such method.
    """

    @wraps(method)
    async def call(self: object, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return await method(self, *args, **kwargs)  # type: ignore[misc, no-any-return]  # of such a class it is awaitable

    call.__qualname__ = f"Async{method.__qualname__}"
    return call


@asynccontextmanager
async def collected(body: AsyncIterable[Buffer], spool: Spool, transport: Transport) -> AsyncIterator[FileBody]:
    """Collect *body* in *spool*, which is discarded at the end; its writes run on the threads of *transport*.

    Chunks are written together, a mebibyte at a time: servers give them in 64 KiB, and each call of a thread takes as
    long as writing that. What the spool refuses, it refuses at once.
    """
    held, size = list[Buffer](), 0
    try:
        async for chunk in body:
            held.append(bytes(chunk) if isinstance(chunk, bytearray | memoryview) else chunk)  # it may be used again
            size += len(held[-1]) if isinstance(held[-1], bytes) else _TOGETHER  # what is no bytes is refused now
            if size >= _TOGETHER or not spool.has_room_for(size):
                await transport.run_async(run_blocking(Call(spool.extend, held)))
                held, size = [], 0
        if held:
            await transport.run_async(run_blocking(Call(spool.extend, held)))
        yield spool.body()
    finally:
        spool.discard()


def run_blocking(call: Call) -> Exchange[Any]:
    """Return an exchange of one blocking call."""
    return (yield call)
