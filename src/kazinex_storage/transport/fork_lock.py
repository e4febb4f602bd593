"""What a forked child needs: locks that are free there, and the parent's connections left alone."""

from __future__ import annotations

import os
from _thread import allocate_lock  # what threading.Lock is; the module around it takes 1 ms to load


class ForkLock:
    """``threading.Lock`` as a context; what it guards must be whole at every moment, since a child may see it then."""

    __slots__ = ("_lock", "_pid")

    def __init__(self) -> None:
        self._lock = allocate_lock()
        self._pid = os.getpid()

    def __enter__(self) -> None:
        if self._pid != os.getpid():
            self._lock, self._pid = allocate_lock(), os.getpid()
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()


def leak_after_fork(inherited: object) -> None:
    """Keep an object of the parent process alive for ever.

    Freeing it would end the parent's TLS connections, because libcurl says goodbye on the socket that both share, and
    would take the parent's sockets from its epoll set.
    """
    import ctypes  # 5 ms, for forked children alone

    ctypes.pythonapi.Py_IncRef(ctypes.py_object(inherited))
