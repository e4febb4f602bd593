"""Threads that an interrupt cannot lock up."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import threading
import time
from functools import partial

import pytest

from kazinex_storage.threads import Threads

PATIENCE_S = 20


def alive(name: str) -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith(name)]


def wait_until_gone(name: str) -> None:
    limit = time.monotonic() + PATIENCE_S
    while alive(name) and time.monotonic() < limit:
        time.sleep(0.01)


def test_jobs_run_at_once_up_to_the_number_of_threads() -> None:
    threads, together = Threads(2, "two"), threading.Barrier(3)

    jobs = [threads.submit(together.wait) for _ in range(2)]
    together.wait(PATIENCE_S)
    for job in jobs:
        job.wait()

    assert [True, True] == [job.ended for job in jobs]
    threads.close()


def test_one_thread_runs_jobs_in_order() -> None:
    threads, ran = Threads(1, "one"), []

    def note(number: int) -> None:
        ran.append((number, threading.current_thread().name))

    last = [threads.submit(partial(note, number)) for number in range(100)][-1]
    last.wait()
    threads.close()

    assert [(number, "one_0") for number in range(100)] == ran


def test_an_idle_thread_is_used_again() -> None:
    threads, names = Threads(50, "again"), set()
    for _ in range(20):
        threads.submit(lambda: names.add(threading.current_thread().name)).wait()
        time.sleep(0.002)  # until it is idle
    threads.close()

    assert len(names) < 5


def test_closing_waits_for_what_was_submitted() -> None:
    threads, ran = Threads(1, "closing"), []

    def slow(number: int) -> None:
        time.sleep(0.01)
        ran.append(number)

    for number in range(5):
        threads.submit(partial(slow, number))

    threads.close()

    assert ([0, 1, 2, 3, 4], []) == (ran, alive("closing"))


def test_what_is_forgotten_ends_its_threads() -> None:
    threads = Threads(3, "forgotten")
    for _ in range(3):
        threads.submit(lambda: None).wait()

    del threads
    gc.collect()
    wait_until_gone("forgotten")

    assert [] == alive("forgotten")


def test_a_job_that_waits_twice_is_told_twice() -> None:
    threads = Threads(1, "twice")
    job = threads.submit(lambda: None)

    job.wait()
    job.wait()

    threads.close()


def run(program: str) -> tuple[int, str, str]:
    child = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    return child.returncode, child.stdout, child.stderr


def test_the_interpreter_waits_for_what_runs_when_it_exits() -> None:
    assert (0, "ran\n", "") == run(
        "import signal, time\n"
        "from kazinex_storage.threads import Threads\n"
        "signal.alarm(60)\n"
        "threads = Threads(1, 'exit')\n"
        "threads.submit(lambda: (time.sleep(0.3), print('ran', flush=True)))\n"
    )


def test_a_forked_child_does_not_wait_for_the_threads_of_its_parent() -> None:
    threads, release = Threads(1, "fork"), threading.Event()
    threads.submit(lambda: release.wait(PATIENCE_S))
    child = os.fork()
    if child == 0:
        threads.close()
        os._exit(7)

    assert 7 == os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    release.set()
    threads.close()


STORM = """
import os, signal, threading, time
from kazinex_storage.threads import Threads

signal.alarm(300)
caller, ended = threading.main_thread().ident, False
threads = Threads(4, "storm")

def storm():
    while not ended:
        time.sleep(0.0003)
        signal.pthread_kill(caller, signal.SIGINT)

def interrupt(*_):  # where it is waited for, and once: one in the handling of another would end the program
    global waiting
    if waiting:
        waiting = False
        raise KeyboardInterrupt

def submit():
    global interrupted, waiting
    try:
        waiting = True
        while True:
            threads.submit(int)
    except KeyboardInterrupt:
        interrupted += 1

signal.signal(signal.SIGINT, interrupt)
# They exist before the first interrupt: one that strikes while a thread is started is Python's own affair.
together = threading.Barrier(5)
for _ in range(4):
    threads.submit(together.wait)
together.wait()
interrupted, waiting, thread = 0, False, threading.Thread(target=storm, daemon=True)
thread.start()
while interrupted < COUNT:
    submit()
ended = True
thread.join()
threads.submit(int).wait()
threads.close()
print("ended")
"""


@pytest.mark.parametrize("count", ["200", pytest.param("5000", marks=pytest.mark.soak)])
def test_no_interrupt_locks_them_up(count: str) -> None:
    assert (0, "ended\n", "") == run(STORM.replace("COUNT", count))
