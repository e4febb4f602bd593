"""What every test may rely on, wherever the suite is started from."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import settings

from kazinex_storage.testing.servers import (
    AzuriteServer,
    PostgresServer,
    S3Server,
    azurite,
    ministack,
    moto,
    postgres,
    seaweedfs,
)

from .clock import clock as clock
from .shared import of_this_run
from .shared import pytest_configure_node as pytest_configure_node
from .shared import pytest_unconfigure as pytest_unconfigure

# A busy machine is no defect: nothing here is judged by how long it takes. `make soak` looks ten times as hard.
_KIT_ONCE = (
    "tests/s3/test_contract",
    "tests/azure/test_contract",
    "tests/sharepoint/test_contract",
    "tests/contract/test_local.py",
)

settings.register_profile("suite", deadline=None, max_examples=50)
settings.register_profile("soak", deadline=None, max_examples=500)
settings.load_profile("suite")

# A shell without job control starts background jobs with Ctrl-C ignored, nohup ignores the end of the terminal, and
# every process below inherits that. The tests of interrupts are about the ordinary case.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
    signal.signal(signal.SIGHUP, signal.SIG_DFL)

# What is collected lives to the end, and the collector took 0.35 s for each look at 16,000 tests and every library.
gc.disable()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave one of the kit's two runs to `make soak`, the bare one.

    What a prefix is does not depend on the provider; memory has both runs each time.
    """
    for item in items:
        bench = getattr(getattr(item, "callspec", None), "params", {}).get("bench")
        if bench == "" and item.nodeid.startswith(_KIT_ONCE):
            item.add_marker("soak")


def pytest_collection_finish() -> None:
    """Have the collector look at what the tests make, and at nothing that was there before."""
    gc.collect()
    gc.freeze()
    gc.enable()


_OF_COMMANDS = tuple(
    f"kazinex_storage{name}"
    for name in (
        *(
            "",
            ".cli",
            ".organisations",
            ".organisations.audit",
            ".documents",
            ".documents.events",
            ".storage",
            ".bodies",
        ),
        *(".transport", ".verification", ".monitoring", ".secrecy", ".providers", ".providers.local", ".providers.s3"),
        *(".providers.settings", ".providers.objectstore"),
    )
)


@pytest.fixture(scope="session")
def seaweedfs_server(pytestconfig: pytest.Config) -> Iterator[S3Server]:
    """The one of this run, which verifies signatures; no test may change more than its own buckets."""
    with of_this_run(pytestconfig, seaweedfs) as server:
        yield server


@pytest.fixture(scope="session")
def ministack_server(pytestconfig: pytest.Config) -> Iterator[S3Server]:
    """The one of this run, which keeps exact keys; no test may change more than its own buckets."""
    with of_this_run(pytestconfig, ministack) as server:
        yield server


@pytest.fixture(scope="session")
def moto_server(pytestconfig: pytest.Config) -> Iterator[S3Server]:
    """moto, which knows versions and locks of objects as AWS documents them."""
    with of_this_run(pytestconfig, moto) as server:
        yield server


@pytest.fixture(scope="session")
def azurite_server(pytestconfig: pytest.Config) -> Iterator[AzuriteServer]:
    """The one of this run; no test may change more than its own containers."""
    with of_this_run(pytestconfig, azurite) as server:
        yield server


@pytest.fixture(scope="session")
def postgres_server(pytestconfig: pytest.Config) -> Iterator[PostgresServer]:
    """The one of this run; no test may change more than its own databases."""
    with of_this_run(pytestconfig, postgres) as server:
        yield server


@pytest.fixture(scope="session")
def warm_python() -> Iterator[tuple[str, ...]]:
    """Words that stand for ``python -W error`` before ``-m`` or ``-c``, at a third of its cost; see ``warm.py``."""
    with _forks() as words:
        yield words


@pytest.fixture(scope="session")
def ready_python() -> Iterator[tuple[str, ...]]:
    """The same with the package loaded: for many command lines, when others prove that each loads what it needs."""
    with _forks(*_OF_COMMANDS) as words:
        yield words


@contextmanager
def _forks(*packages: str) -> Iterator[tuple[str, ...]]:
    program = str(Path(__file__).with_name("warm.py"))
    with TemporaryDirectory(prefix="warm-") as folder:  # not below pytest's: the address of a socket has 107 characters
        address = f"{folder}/socket"
        command = [sys.executable, "-P", "-W", "error", program, "serve", address, *packages]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, process_group=0) as server:
            assert server.stdout is not None
            assert b"" == server.stdout.read(), "it is there when it closes its output"
            yield sys.executable, "-IS", program, address
            os.killpg(server.pid, signal.SIGKILL)
