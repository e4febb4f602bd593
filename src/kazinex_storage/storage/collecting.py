"""Bodies that come asynchronously: collected in a spool, whose blocking writes run where the transport runs calls."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from ..bodies.body import FileBody, Spool
from ..transport import Call, Exchange, Transport
from ..types import Buffer


@asynccontextmanager
async def collected(body: AsyncIterable[Buffer], spool: Spool, transport: Transport) -> AsyncIterator[FileBody]:
    """Collect *body* in *spool*, which is thrown away at the end."""
    try:
        async for chunk in body:
            await transport.run_async(called(Call(spool.write, chunk)))
        yield spool.body()
    finally:
        spool.discard()


def called(call: Call) -> Exchange[Any]:
    """Return an exchange of one call."""
    return (yield call)
