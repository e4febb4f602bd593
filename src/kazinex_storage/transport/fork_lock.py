"""A lock that a forked child can use: what another thread of the parent held is free there."""

from __future__ import annotations

import os
import threading


class ForkLock:
    """``threading.Lock`` as a context; what it guards must be whole at every moment, since a child may see it then."""

    __slots__ = ("_lock", "_pid")

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pid = os.getpid()

    def __enter__(self) -> None:
        if self._pid != os.getpid():
            self._lock, self._pid = threading.Lock(), os.getpid()
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()
