"""Threads that an interrupt cannot lock up, for calls that block and for checksums.

``concurrent.futures.ThreadPoolExecutor`` keeps its idle threads in a semaphore written in Python: Ctrl-C at the moment
at which its lock was taken leaves that taken for ever, and the next ``submit`` and ``shutdown`` hang. A run of 5,000
interrupts met that in one of ten. What is used here between threads, ``SimpleQueue``, ``list`` and the locks of
``_thread``, is written in C, so an interrupt comes before or after each step and not in the middle.
"""

from __future__ import annotations

import atexit
import os
from _thread import allocate_lock
from collections.abc import Callable
from functools import partial
from queue import SimpleQueue
from threading import Thread
from weakref import ReferenceType, ref


class Job:
    """A function that runs once on another thread; it must not raise."""

    __slots__ = ("_gate", "_run", "ended")

    def __init__(self, run: Callable[[], object]) -> None:
        self.ended = False
        """Whether it has run."""
        self._run: Callable[[], object] | None = run
        self._gate = allocate_lock()
        self._gate.acquire()

    def run(self) -> None:
        """Run it on this thread."""
        run, self._run = self._run, None
        try:
            if run is not None:
                run()
        finally:
            self.ended = True
            self._gate.release()

    def wait(self) -> None:
        """Wait until it has run; for one thread at a time.

        Raises:
            BaseException: an interrupt.
        """
        if not self.ended:
            self._gate.acquire()
            self._gate.release()


class Threads:
    """Threads that are started when there is work and none is idle, up to a number of them.

    They end when the object is closed or forgotten, or when the interpreter exits, which waits for what they run. A
    forked child has none of them: it makes an object of its own.
    """

    __slots__ = ("__weakref__", "_at_exit", "_idle", "_jobs", "_most", "_name", "_pid", "_threads")

    def __init__(self, most: int, name: str) -> None:
        """Have at most *most* threads, called *name* and a number."""
        self._most = most
        self._name = name
        self._pid = os.getpid()
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        self._idle: list[None] = []
        """An item for each thread that waits and that no job was queued for."""
        self._threads: list[Thread] = []
        self._at_exit = partial(_close, ref(self))
        atexit.register(self._at_exit)

    def __del__(self) -> None:
        """End the threads."""
        atexit.unregister(self._at_exit)
        self._jobs.put(None)

    def submit(self, run: Callable[[], object]) -> Job:
        """Have *run* called on one of the threads; it must not raise.

        Raises:
            RuntimeError: the machine gives no more threads.
        """
        job = Job(run)
        self._jobs.put(job)
        try:
            self._idle.pop()
        except IndexError:
            self._add()
        return job

    def close(self, *, wait: bool = True) -> None:
        """End the threads when what was submitted has run; *wait* for that. Nothing may be submitted from then on.

        Raises:
            BaseException: an interrupt.
        """
        if self._pid != os.getpid():
            return
        atexit.unregister(self._at_exit)
        self._jobs.put(None)
        if wait:
            for thread in list(self._threads):
                thread.join()

    def _add(self) -> None:
        number = len(self._threads)
        if number < self._most:
            name = f"{self._name}_{number}"
            # A daemon, since Python waits for others before it calls what ends these.
            thread = Thread(target=_work, args=(self._jobs, self._idle), name=name, daemon=True)
            thread.start()
            # After that: one that an interrupt kept from starting is not waited for.
            self._threads.append(thread)


def _work(jobs: SimpleQueue[Job | None], idle: list[None]) -> None:
    """Run one job after another; it holds the queue and not its owner, which may be forgotten meanwhile."""
    while True:
        job = jobs.get()
        if job is None:
            jobs.put(None)  # for the next thread
            return
        job.run()
        del job  # what it holds must not live until the next one comes
        idle.append(None)


def _close(threads: ReferenceType[Threads]) -> None:
    found = threads()
    if found is not None:
        found.close()
