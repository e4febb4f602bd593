"""A put that is given its bytes by who makes them: an open file that is written to.

They go through a bounded feed to an ordinary put, so rules, guards, quotas and errors are those of any put. It is begun
once a body is known to be large; ``files.py`` holds what is small. ``aio.py`` does the same for async iterables.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable

from ..bodies.feed import Feed
from ..errors import StorageError
from ..transport import Exchange, TransferCancelled, Transport
from ..types import Buffer, ObjectInfo


class PushedPut:
    """A put on a thread of its own, which takes what is written here. For one writer at a time."""

    def __init__(self, put: Callable[[Feed], Exchange[ObjectInfo]], transport: Transport) -> None:
        """Begin *put* of a feed, over *transport*."""
        self._feed = Feed()
        self._put = put
        self._transport = transport
        self._info: ObjectInfo | None = None
        self._error: BaseException | None = None
        # A daemon: at the end of the process, what was never closed is published by nobody.
        self._thread = threading.Thread(target=self._run, name="kazinex-storage-writer", daemon=True)
        self._thread.start()

    def write(self, chunks: Iterable[Buffer]) -> None:
        """Give *chunks*; it blocks while the put is behind.

        Raises:
            Exception: what the put failed of.
        """
        for chunk in chunks:
            self._feed.wait()
            if self._feed.is_stopped:
                self._thread.join()
                raise self._failure()
            self._feed.give(chunk)

    def publish(self) -> ObjectInfo:
        """Say that all was written, and return what the service recorded.

        Raises:
            Exception: what the put failed of; nothing was published.
        """
        self._feed.end()
        self._thread.join()
        if self._info is None:
            raise self._failure()
        return self._info

    def discard(self) -> None:
        """Give the put up; nothing is published."""
        self._feed.fail(TransferCancelled())
        self._thread.join()

    def _run(self) -> None:
        try:
            self._info = self._transport.run(self._put(self._feed))
        except BaseException as error:  # it is raised to the writer
            self._error = error
        finally:
            self._feed.stop()

    def _failure(self) -> BaseException:
        return self._error if self._error is not None else StorageError("the put ended before its body did")
