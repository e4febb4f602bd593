"""The threads that blocking calls run on in bulk and async use: ours, sized, named and fork-safe."""

from __future__ import annotations

import contextvars
import os
import threading
from typing import TYPE_CHECKING, Any

from .exchange import Call

if TYPE_CHECKING:
    from concurrent.futures import Future, ThreadPoolExecutor

# Blocking calls wait for a disk or a third party's service, not for the processor; 32 keeps a disk's queue full
# (NVMe drives reach their rated operations per second near a queue depth of 32).
DEFAULT_THREADS = 32
"""Threads in a pool that was given no other size."""


class CallPool:
    """A lazily started pool of threads. Thread-safe; after ``fork()`` the child starts its own threads."""

    def __init__(self, threads: int = DEFAULT_THREADS) -> None:
        """Size the pool; no thread starts before the first call."""
        self.threads = threads
        self._lock = threading.Lock()
        self._executor: ThreadPoolExecutor | None = None
        self._pid = 0

    def submit(self, call: Call) -> Future[Any]:
        """Start *call* on a thread, with the context variables of the caller."""
        run = contextvars.copy_context().run
        try:
            return self._running().submit(run, call.run)
        except RuntimeError:  # closed by another thread between looking and submitting: start again
            return self._running().submit(run, call.run)

    def close(self, *, wait: bool = True) -> None:
        """End the threads when the calls that were submitted have ended. A later ``submit`` starts new ones."""
        if self._pid != os.getpid():
            return  # the threads are the parent's, and so may be the lock
        with self._lock:
            executor, self._executor = self._executor, None
        if executor is not None:
            executor.shutdown(wait=wait)

    def _running(self) -> ThreadPoolExecutor:
        executor = self._executor
        if executor is not None and self._pid == os.getpid():
            return executor
        if self._pid != os.getpid():
            # The lock may have been held in the parent at the moment of the fork.
            self._lock = threading.Lock()
        with self._lock:
            if self._executor is None or self._pid != os.getpid():
                from concurrent.futures import ThreadPoolExecutor  # it brings logging; most processes do without

                self._executor = ThreadPoolExecutor(self.threads, thread_name_prefix="kazinex-storage")
                self._pid = os.getpid()
            return self._executor
