"""Feed: where one thread or task gives the bytes of a stream and a put takes them, a few mebibytes ahead."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from typing import Final

from ..transport.exchange import TransferCancelled
from ..types import MIB, Buffer

HELD_BYTES: Final = 4 * MIB
"""What a feed holds before its producer has to wait: enough that neither side waits for the other's thread."""

_TOGETHER: Final = MIB
"""Bytes that are worth a thread; fewer are left until more have come."""


class Feed:
    """A ``Supply`` that is filled by whoever makes the bytes. Thread-safe for one producer and one consumer."""

    is_shared = True

    def __init__(self) -> None:
        self._chunks: deque[bytes] = deque()
        self._held = 0
        self._ended = False
        self._stopped = False
        self._error: BaseException | None = None
        self._changed = threading.Condition()

    def __iter__(self) -> Iterator[bytes]:
        return iter(self.take, None)

    @property
    def has_room(self) -> bool:
        """Whether the producer need not wait."""
        return self._held < HELD_BYTES or self._stopped

    @property
    def is_stopped(self) -> bool:
        """Whether nobody takes any more: the put has ended, or failed."""
        return self._stopped

    @property
    def is_ready(self) -> bool:
        """Whether enough has come, or the end."""
        return self._held >= _TOGETHER or self._ended or self._stopped or self._error is not None

    def give(self, chunk: Buffer) -> None:
        """Append *chunk*, of which a copy is kept if it could change.

        Raises:
            TypeError: it is not bytes.
        """
        if not isinstance(chunk, bytes | bytearray | memoryview):
            raise TypeError(f"a body consists of bytes, not {type(chunk).__name__}; open text files in binary mode")
        kept = chunk if isinstance(chunk, bytes) else memoryview(chunk).tobytes()
        with self._changed:
            self._chunks.append(kept)
            self._held += len(kept)
            self._changed.notify_all()

    def wait(self) -> None:
        """Wait until there is room, or nobody takes any more."""
        with self._changed:
            self._changed.wait_for(lambda: self.has_room)

    def end(self) -> None:
        """Say that all was given."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def fail(self, error: BaseException) -> None:
        """Have the put fail of *error*: nothing is published."""
        with self._changed:
            self._error = error
            self._changed.notify_all()

    def take(self) -> bytes | None:
        """Return the next bytes; None at the end. It blocks until there are some.

        Raises:
            BaseException: what the producer failed of.
            TransferCancelled: it was stopped.
        """
        with self._changed:
            self._changed.wait_for(lambda: bool(self._chunks) or self._ended or self._stopped or bool(self._error))
            if self._error is not None:
                raise self._error
            if self._stopped:
                raise TransferCancelled
            if not self._chunks:
                return None
            chunk = self._chunks.popleft()
            self._held -= len(chunk)
            self._changed.notify_all()
            return chunk

    def stop(self) -> None:
        """Have the producer wait no longer: nobody takes any more."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
